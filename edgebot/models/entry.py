"""What the catalogue says about a model: its files, their hashes, where they can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from edgebot.config.sections.base import Section

Stage: TypeAlias = Literal["stt", "tts", "llm", "embedder", "vad", "turn", "wake", "speaker"]

RESERVED = ("models.lock", "catalog.d", "profiles.d", "keys.d")
"""Names in a store that are no models."""


def _relative(path: str) -> str:
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") for part in parts) or path != path.strip():
        raise ValueError("must be a relative path without '.' and '..'")
    if any(c in path for c in "\\:\0") or not path.isprintable():
        raise ValueError("must not hold backslashes, colons or control characters")
    return path


def _model_id(name: str) -> str:
    if name in RESERVED:
        raise ValueError("this name is taken by the store itself")
    return name


RelativePath: TypeAlias = Annotated[str, AfterValidator(_relative)]
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes: TypeAlias = Annotated[int, Field(ge=0, le=1 << 40)]


class PartSpec(Section):
    """A slice of a file that some sources give on its own."""

    name: str
    size: Bytes
    sha256: Sha256


class FileSpec(Section):
    """One file of a model."""

    path: RelativePath
    """Inside the directory of the model."""

    size: Bytes
    sha256: Sha256
    role: str | None = None
    """What the engine asks for it by; None for files that only belong to a directory."""

    parts: tuple[PartSpec, ...] = ()
    """Joined in this order they make the file."""

    @model_validator(mode="after")
    def _parts_fill_the_file(self) -> FileSpec:
        if self.parts and sum(part.size for part in self.parts) != self.size:
            raise ValueError("the sizes of the parts do not add up to the size of the file")
        return self


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of bytes of a file that a source can give: the whole file, or one of its parts."""

    name: str
    file: FileSpec
    offset: int
    """Where it begins in the file, in bytes."""

    size: int
    sha256: str


class Container(Section):
    """What the kinds of archives share: which of their members are our files."""

    root: RelativePath | None = None
    """Directory of the archive in which the files stand under their own paths."""

    provides: tuple[str, ...] = ()
    """Which of the files stand under ``root``; all when empty."""

    members: dict[str, RelativePath] = Field(default_factory=dict)
    """File (or part) → its name in the archive; instead of ``root``."""

    download_bytes: Bytes | None = None
    """Size of the archive, for the progress bar."""

    @model_validator(mode="after")
    def _root_or_members(self) -> Container:
        if (self.root is None) == (not self.members):
            raise ValueError("give either 'root' or 'members'")
        return self


class PypiSource(Container):
    """A wheel, fetched by the pip client."""

    package: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")
    platform: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    """Wheel platform tag to ask for, where the package has one wheel a platform."""


class NpmSource(Container):
    """An npm package, fetched by the npm client."""

    package: str = Field(pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$")
    version: str = Field(pattern=r"^[0-9][A-Za-z0-9.+-]*$")


class ArchiveSource(Container):
    """A .zip, .whl, .tar.gz or .tgz at an address."""

    url: str = Field(pattern=r"^https?://")


class LocalSource(Container):
    """A directory on this machine."""

    path: str


class Source(Section):
    """Exactly one kind of place."""

    pypi: PypiSource | None = None
    npm: NpmSource | None = None
    archive: ArchiveSource | None = None
    urls: dict[str, Annotated[str, Field(pattern=r"^https?://")]] | None = None
    """File → the address of its bytes."""

    local: LocalSource | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        kinds = [name for name in Source.model_fields if getattr(self, name) is not None]
        if len(kinds) != 1:
            known = ", ".join(Source.model_fields)
            raise ValueError(f"must be exactly one of: {known}")
        return self

    @property
    def container(self) -> Container | None:
        """The archive or directory; None for plain addresses."""
        return self.pypi or self.npm or self.archive or self.local

    @property
    def label(self) -> str:
        """How messages call it."""
        if self.pypi:
            return f"pip package {self.pypi.package}=={self.pypi.version}"
        if self.npm:
            return f"npm package {self.npm.package}@{self.npm.version}"
        if self.archive:
            return self.archive.url
        if self.local:
            return self.local.path
        return " ".join((self.urls or {}).values())


class Entry(Section):
    """One model of the catalogue."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$"), AfterValidator(_model_id)]
    stage: Stage
    """What it is good for."""

    engine: str
    """Name of the engine that runs it, as in the registries."""

    licence: str
    homepage: str
    description: str
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")
    """None: any."""

    memory_mb: int = Field(ge=0)
    """Growth of the resident memory, in MiB, when the engine has loaded it and worked once."""

    context_kib_per_token: float = Field(default=0.0, ge=0)
    """Language models: what each further token of context takes; memory_mb counts 2048 of them."""

    options: dict[str, Any] = Field(default_factory=dict)
    """What the engine wants to know about the model (sampling, context length …)."""

    files: tuple[FileSpec, ...] = Field(min_length=1)
    roles: dict[str, str] = Field(default_factory=dict)
    """Further roles → directory inside the model directory (``.`` is the whole)."""

    sources: tuple[Source, ...] = Field(min_length=1)
    """In the order they are tried."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Entry:
        paths = [file.path for file in self.files]
        _unique("path", paths)
        _unique("role", [file.role for file in self.files if file.role] + list(self.roles))
        _unique("name", [piece.name for piece in self.pieces()])
        for path in paths:
            if any(other.startswith(path + "/") for other in paths):
                raise ValueError(f"{path} cannot be a file and a directory")
        known = {piece.name for piece in self.pieces()}
        for source in self.sources:
            for name in self.provided(source):
                if name not in known:
                    raise ValueError(f"{source.label} gives {name!r}, which is none of the files")
        return self

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def pieces(self) -> Iterator[Piece]:
        """Everything a source may give."""
        for file in self.files:
            yield Piece(file.path, file, 0, file.size, file.sha256)
            offset = 0
            for part in file.parts:
                yield Piece(part.name, file, offset, part.size, part.sha256)
                offset += part.size

    def provided(self, source: Source) -> Mapping[str, str]:
        """Name of each piece that ``source`` gives → its member name or address."""
        container = source.container
        if container is None:
            return source.urls or {}
        if container.root is None:
            return container.members
        names = container.provides or tuple(file.path for file in self.files)
        return {name: f"{container.root}/{name}" for name in names}


def _unique(what: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{what} {value!r} is given twice")
