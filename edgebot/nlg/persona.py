"""Personas: who the assistant is, in a YAML file that is read again when it changes."""

from __future__ import annotations

import logging
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgebot.core.errors import ConfigError

log = logging.getLogger(__name__)

_MAX_BYTES = 100_000


class Example(BaseModel):
    """An exchange the model is shown as a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field(min_length=1, max_length=500)
    assistant: str = Field(min_length=1, max_length=500)


class Persona(BaseModel):
    """Name, style, voice and language of the assistant."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=60)
    """What it is called."""

    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Language it answers in."""

    voice: str | None = None
    """Catalogue id of its voice; the profile's preference when absent."""

    style: str = Field(min_length=1, max_length=4000)
    """Rules for the model, short: every word is read by it. ``{name}`` is replaced."""

    examples: tuple[Example, ...] = Field(default=(), max_length=12)
    """Exchanges that show the style, for the smallest models: rules are too much for them."""

    sentences: int = Field(default=2, ge=1, le=20)
    """Longest reply, in sentences."""

    fillers: tuple[str, ...] = ()
    """Said first, in turn, where the board is slow (``Let me think.``)."""

    unknown: str = "I don't know."
    """What the model is to say when it does not know."""

    @property
    def system(self) -> str:
        """The system prompt."""
        text = self.style.replace("{name}", self.name).replace("{unknown}", self.unknown)
        return " ".join(text.split())


def read_persona(path: Path) -> Persona:
    """The persona in ``path``; raises ``ConfigError`` that names file and mistake."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: larger than {_MAX_BYTES} bytes; this is no persona")
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Persona.model_validate(data)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise ConfigError(f"{path}: cannot be read as a persona ({problem})") from None
    except ValidationError as problem:
        mistakes = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}"
            for error in problem.errors()
        )
        raise ConfigError(f"{path}: {mistakes}") from None


def find_persona(name: str, directories: list[Path], language: str) -> Path:
    """The file of persona ``name``: ``name.language.yaml`` before ``name.yaml``, in order.

    Raises ``ConfigError`` that lists the known names.
    """
    for directory in directories:
        for file in (directory / f"{name}.{language}.yaml", directory / f"{name}.yaml"):
            if file.is_file():
                return file
    known = {file.name.split(".")[0] for place in directories for file in place.glob("*.yaml")}
    listed = ", ".join(sorted(known)) or "none"
    raise ConfigError(f"there is no persona {name!r} (llm.persona); known: {listed}")


class PersonaFile:
    """A persona that follows its file."""

    def __init__(self, path: Path) -> None:
        """Read ``path``; raises ``ConfigError`` when it is wrong."""
        self._path = path
        self._stamp = self._now()
        self._persona = read_persona(path)

    def current(self) -> Persona:
        """The persona as the file has it now; the last good one while the file is wrong."""
        stamp = self._now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._persona = read_persona(self._path)
            except ConfigError as problem:
                log.warning("the persona stays as it was: %s", problem)
        return self._persona

    def _now(self) -> tuple[int, int]:
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_size)
