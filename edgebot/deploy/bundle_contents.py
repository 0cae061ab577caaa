"""What goes into a bundle, gathered into a staging directory and a list of files."""

from __future__ import annotations

import csv
import re
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

from edgebot.config import paths
from edgebot.config.profiles import Profile
from edgebot.config.settings import Settings
from edgebot.core.errors import BundleError
from edgebot.deploy.bundle_builds import as_built
from edgebot.deploy.bundle_file import packing
from edgebot.deploy.bundle_format import Component, Entry, Kind
from edgebot.models.catalog import Catalog
from edgebot.models.digest import sha256_of
from edgebot.models.entry import Entry as ModelEntry
from edgebot.models.store import Installed

_PACKAGE = Path(paths.__file__).resolve().parents[1]
CHECKOUT = _PACKAGE.parent
"""The directory above the package: a checkout, or where packages are installed."""

_SAMPLE = 4 << 20
"""Bytes by which it is decided whether packing a file is worth it."""

LAUNCHER = """\
#!/bin/sh
# Runs edgebot of the release that this file is in, with nothing of the system's own packages.
here=$(readlink -f "$0")
here=${{here%/bin/edgebot}}
: "${{EDGEBOT_MODELS_DIR:=$here/models}}"
export EDGEBOT_MODELS_DIR PYTHONPATH="$here/site" PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1
for python in python{python} python3; do
    command -v "$python" >/dev/null && exec "$python" -P -m edgebot.cli "$@"
done
echo "edgebot: Python {python} is not on this board; install it" >&2
exit 78
"""

_SPDX = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Public Domain": "Unlicense",
}
"""What packages call their licence → its name in the list of SPDX."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release and where its content is now."""

    entry: Entry
    source: Path


def stage_package(site: Path) -> None:
    """Copy edgebot itself and what it ships into ``site``."""
    target = site / "edgebot"
    shutil.copytree(_PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    if not (CHECKOUT / "pyproject.toml").is_file():
        return
    for source, name in shipped().items():
        place = target / "_share" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, place)


def shipped() -> dict[Path, str]:
    """Of a checkout: what a wheel of edgebot would carry beside the package."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    prefix = "edgebot/_share/"
    return {CHECKOUT / source: target.removeprefix(prefix) for source, target in included.items()}


def lock_file() -> Path:
    """The lock of the packages that a board gets."""
    checkout = CHECKOUT / "requirements.lock"
    return checkout if checkout.is_file() else paths.share_dir("requirements.lock")


def models_for(profile: Profile, settings: Settings, catalog: Catalog) -> list[ModelEntry]:
    """Every model that the profile may choose on a board with these settings.

    What was built from a model for the profile takes its place.
    """
    spoken = ("stt", "tts", "stt_second")
    named = (settings.stt.model, settings.tts.model, settings.llm.model)
    ids = [*named, settings.knowledge.embedder]
    chosen = [catalog[model_id] for model_id in ids if model_id]
    for stage, listed in profile.models.items():
        entries = [as_built(model_id, profile, catalog) for model_id in listed]
        if stage in spoken:
            entries = [e for e in entries if e.language in (None, settings.language)]
        chosen += entries
    return list({entry.id: entry for entry in chosen}.values())


def tree(root: Path, prefix: str, kind: Kind) -> list[File]:
    """Every file below ``root`` as a file below ``prefix`` of the release, sorted."""
    files = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            raise BundleError(f"{path} is a link; bundles hold plain files only")
        if path.is_file() and path.name != "RECORD":  # of an installation that this is not
            name = path.relative_to(root).as_posix()
            files.append(one(path, f"{prefix}/{name}", _kind(name, kind)))
    return files


def _kind(name: str, kind: Kind) -> Kind:
    documents = ("edgebot/_share/knowledge/", "edgebot/_share/prepared/")
    return "knowledge" if name.startswith(documents) else kind


def one(source: Path, path: str, kind: Kind) -> File:
    """``source`` as the file ``path`` of the release."""
    status = source.stat()
    with source.open("rb") as file:
        stored = packing(file.read(_SAMPLE))
    executable = bool(status.st_mode & 0o111) and not path.startswith(("site/", "models/"))
    return File(Entry(path, sha256_of(source), status.st_size, kind, executable, stored), source)


def model_files(installed: Installed) -> list[File]:
    """The files of a model; their hashes were verified when it was opened."""
    files = []
    for spec in installed.entry.files:
        path = installed.dir / spec.path
        with path.open("rb") as file:
            stored = packing(file.read(_SAMPLE))
        entry = Entry(
            f"models/{installed.id}/{spec.path}", spec.sha256, spec.size, "model", False, stored
        )
        files.append(File(entry, path))
    return files


def model_component(entry: ModelEntry) -> Component:
    """What manifest and SBOM say about a model."""
    digest = min(file.sha256 for file in entry.files)[:12]
    return Component(entry.id, digest, entry.licence, "model", entry.size)


def package_components(site: Path) -> list[Component]:
    """What manifest and SBOM say about the Python packages in ``site``, sorted by name."""
    components = []
    for metadata in sorted(site.glob("*.dist-info/METADATA")):
        with metadata.open("rb") as file:
            headers = BytesParser().parse(file, headersonly=True)
        name, version = str(headers["Name"]), str(headers["Version"])
        licence = spdx(
            str(headers.get("License-Expression") or ""),
            str(headers.get("License") or ""),
            [str(value) for value in headers.get_all("Classifier") or ()],
        )
        size = _size(site, metadata.with_name("RECORD"))
        components.append(Component(_plain(name), version, licence, "python", size))
    return components


def spdx(expression: str, licence: str, classifiers: Sequence[str]) -> str:
    """The licence of a package as an SPDX expression, or as it calls it; ``unknown``."""
    if expression:
        return expression
    words = [licence.strip()] if licence.strip() not in ("", "UNKNOWN") else []
    words += [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    for word in words:
        first = re.sub(r"\s*\((.*)\)$", "", word.splitlines()[0])
        if len(first) < 60:
            return _SPDX.get(first, first)
    return "unknown"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(site: Path, record: Path) -> int:
    """Bytes of the files a package brought and that are still there."""
    if not record.is_file():
        return 0
    with record.open(newline="", encoding="utf-8") as rows:
        paths = [site / row[0] for row in csv.reader(rows) if row]
    return sum(path.stat().st_size for path in paths if path.is_file())
