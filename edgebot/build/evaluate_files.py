"""How large an artefact is, as it lies on the disk and zipped."""

from __future__ import annotations

import zlib
from pathlib import Path

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.step import Parameters

_CHUNK = 1 << 20


class FilesParameters(Parameters):
    """What ``files`` takes."""

    zipped: bool = False
    """Also say what is left when the files are compressed (zlib, level 6)."""


class Files(Evaluator[FilesParameters]):
    """Sizes of the files an engine opens."""

    name = "files"
    takes = "any"
    revision = 2
    better = {"size_mb": "low", "zipped_mb": "low"}  # noqa: RUF012
    schema = FilesParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``size_mb`` and, where asked for, ``zipped_mb`` (10**6 bytes)."""
        figures = {}
        for prefix, artefact in (("", trial.artefact), (SOURCE, trial.source)):
            figures[f"{prefix}size_mb"] = artefact.size / 1e6
            if self.parameters.zipped:
                figures[f"{prefix}zipped_mb"] = _zipped(artefact) / 1e6
        return figures


def _zipped(artefact: Artefact) -> int:
    return sum(_zipped_file(artefact.folder / path) for path in set(artefact.roles.values()))


def _zipped_file(path: Path) -> int:
    packer, size = zlib.compressobj(6), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(packer.compress(chunk))
    return size + len(packer.flush())
