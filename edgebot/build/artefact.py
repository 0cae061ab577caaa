"""What a step takes and makes: files of a model in a directory, each with its role."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgebot.core.errors import ModelMissing, UsageError
from edgebot.models.digest import sha256_of
from edgebot.models.store import Installed

MODEL = "model"
"""The role every artefact has: the file that an engine opens."""


@dataclass(frozen=True)
class Artefact:
    """A model, or what lies between two steps: never changed once it is there."""

    folder: Path
    roles: Mapping[str, str]
    """Role → path inside ``folder``, as in the catalogue (``model``, ``tokenizer`` …)."""

    def file(self, role: str = MODEL) -> Path:
        """Where the file of ``role`` lies; raises ``UsageError`` when there is none."""
        try:
            return self.folder / self.roles[role]
        except KeyError:
            known = ", ".join(sorted(self.roles))
            raise UsageError(
                f"{self.folder.name} has no file for {role!r} (it has {known}); put the step that "
                "makes it before this one in the recipe"
            ) from None

    def has(self, role: str) -> bool:
        """Whether there is a file of ``role``."""
        return role in self.roles

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum((self.folder / path).stat().st_size for path in set(self.roles.values()))

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Role → SHA-256 of its file."""
        return {role: sha256_of(self.file(role)) for role in sorted(self.roles)}

    @cached_property
    def sha256(self) -> str:
        """Of the content of all files and their roles; where they lie does not matter."""
        return hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()


def of_file(path: Path) -> Artefact:
    """The one file ``path`` as an artefact; raises ``ModelMissing`` when it is not there."""
    if not path.is_file():
        raise ModelMissing(
            f"{path}: there is no such file; name a model of the catalogue or a file"
        )
    return Artefact(path.parent, {MODEL: path.name})


def of_installed(installed: Installed) -> Artefact:
    """The files of a model of the store that have a role.

    A model whose main file is called otherwise (``voice``) has that role and ``model`` too.
    """
    files = [file for file in installed.entry.files if file.role]
    roles = {str(file.role): file.path for file in files}
    if MODEL not in roles and files:
        roles[MODEL] = max(files, key=lambda file: file.size).path
    return Artefact(installed.dir, roles)
