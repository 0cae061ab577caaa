"""From YAML and environment to frozen settings, with every mistake named at once.

Order, the later wins: defaults at the fields, the profile's settings, ``edgebot.yaml``,
``EDGEBOT_…`` variables.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from edgebot.config import validation
from edgebot.config.settings import Settings
from edgebot.config.yaml_file import Document, Key, Mistake, dotted, merge, parse, read_mapping
from edgebot.core.errors import ConfigError

LOCATIONS = (Path("edgebot.yaml"), Path("/etc/edgebot/edgebot.yaml"))
"""Where the settings file is looked for when none is named."""

MAX_VARIABLE = 10_000
"""Characters; no setting is longer."""

_NOT_SETTINGS = {"EDGEBOT_CONFIG", "EDGEBOT_CACHE_DIR"}

ProfileSettings = Callable[[str, Path], Mapping[str, Any]]
"""Profile name and models directory → the settings of that profile on this machine."""


class WrongSettings(ConfigError):
    """The settings hold one mistake or several."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__(
            "the settings are wrong:\n  "
            + "\n  ".join(map(str, mistakes))
            + "\nMend the lines above, then run `edgebot config check`."
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where each of them comes from."""

    settings: Settings
    file: Path | None
    _document: Document
    _variables: Mapping[Key, str]
    _profile: Mapping[str, Any]

    def origin(self, key: Key) -> str:
        """``default``, ``profile``, ``FILE:LINE`` or the name of a variable."""
        for length in range(len(key), 0, -1):
            if key[:length] in self._variables:
                return self._variables[key[:length]]
        if key in self._document.lines:
            return self._document.where(key)
        inner: Any = self._profile
        for part in key:
            if not isinstance(inner, Mapping) or part not in inner:
                return "default"
            inner = inner[part]
        return "profile"

    def values(self) -> list[tuple[Key, Any]]:
        """Every single setting and its value, in the order of the fields."""
        return list(_leaves(self.settings, ()))


def find_file(named: Path | None = None) -> Path | None:
    """The settings file in force: ``named``, else the first of :data:`LOCATIONS`, else None."""
    if named is not None:
        return named
    return next((path for path in LOCATIONS if path.is_file()), None)


def load_settings(
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    profile_settings: Mapping[str, Any] | ProfileSettings | None = None,
) -> Settings:
    """Settings from ``file`` (or where one is found), variables and the profile's own defaults.

    Raises :class:`WrongSettings` with every mistake, each with file and line, and
    :class:`ConfigError` when the file cannot be read.
    """
    return load(file, environ, profile_settings).settings


def load(
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    profile_settings: Mapping[str, Any] | ProfileSettings | None = None,
) -> Loaded:
    """As :func:`load_settings`, with the origin of every value."""
    path = find_file(file)
    document = read_mapping(path) if path else Document("")
    mistakes = list(document.mistakes)
    values, variables = _from_environment(environ, mistakes)
    written = merge(document.mapping, values)

    def where(key: Key) -> str:
        for length in range(len(key), 0, -1):
            if key[:length] in variables:
                return variables[key[:length]]
        if key[:1] in document.lines:
            return document.where(key)
        return document.path or "profile"

    profile: Mapping[str, Any] = {}
    if callable(profile_settings):
        try:
            profile = profile_settings(*_profile_of(written))
        except UnknownProfile as error:
            mistakes.append(Mistake(where(("profile",)), "profile", str(error)))
    elif profile_settings:
        profile = profile_settings
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(merge(profile, written))
    except ValidationError as error:
        found = validation.problems(Settings, error)
        mistakes += [Mistake(where(key), dotted(key), message) for key, message in found]
    if mistakes or settings is None:
        raise WrongSettings(sorted(mistakes, key=_place))
    return Loaded(settings, path, document, variables, profile)


class UnknownProfile(ConfigError):
    """The settings name a profile that does not exist."""


def _place(mistake: Mistake) -> tuple[str, int]:
    file, _, line = mistake.where.rpartition(":")
    return (file, int(line)) if line.isdigit() else (mistake.where, 0)


def _profile_of(written: Mapping[str, Any]) -> tuple[str, Path]:
    name = written.get("profile")
    folder = written.get("models_dir")
    default = Settings()
    return (
        name if isinstance(name, str) else default.profile,
        Path(folder).expanduser() if isinstance(folder, str) else default.models_dir,
    )


def _from_environment(
    environ: Mapping[str, str], mistakes: list[Mistake]
) -> tuple[dict[str, Any], dict[Key, str]]:
    """``EDGEBOT_LLM__SEED=1`` is ``llm.seed``; single names are top-level keys."""
    values: dict[str, Any] = {}
    origins: dict[Key, str] = {}
    for name, raw in sorted(environ.items()):
        if not name.startswith("EDGEBOT_") or name in _NOT_SETTINGS or not raw:
            continue
        key: Key = tuple(name.removeprefix("EDGEBOT_").lower().split("__"))
        if key[0] not in Settings.model_fields:
            near = difflib.get_close_matches(str(key[0]), Settings.model_fields, n=1)
            if near:  # EDGEBOT_TRACE and the like belong to somebody else; near misses are typos
                mistakes.append(Mistake(name, "", f"no such setting; did you mean {near[0]!r}?"))
            continue
        if len(raw) > MAX_VARIABLE:
            mistakes.append(Mistake(name, "", f"longer than {MAX_VARIABLE} characters"))
            continue
        value: Any = raw if str(key[-1]).endswith("_dir") else _scalar(raw)
        for part in reversed(key):
            value = {part: value}
        plain = [outer for outer in origins if _inside(key, outer) and not _section(values, outer)]
        if plain:
            mistakes.append(Mistake(name, "", f"{origins[plain[0]]} gives a plain value there"))
            continue
        origins[key] = name
        values = merge(values, value)
    return values, origins


def _inside(key: Key, outer: Key) -> bool:
    return len(outer) < len(key) and key[: len(outer)] == outer


def _section(values: Mapping[str, Any], key: Key) -> bool:
    found: Any = values
    for part in key:
        found = found[part]
    return isinstance(found, Mapping)


def _scalar(raw: str) -> Any:
    """What ``raw`` would be in the file; what is no YAML there is plain text here."""
    document = parse(raw, "")
    return raw if document.mistakes else document.data


def _leaves(section: BaseModel, key: Key) -> list[tuple[Key, Any]]:
    found: list[tuple[Key, Any]] = []
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found += _leaves(value, (*key, name))
        else:
            found.append(((*key, name), value))
    return found


def known_keys(section: Key = ()) -> list[str]:
    """The keys that may stand in ``section`` of the settings."""
    return validation.known_keys(Settings, section)
