"""From YAML and environment to frozen settings, with every mistake named at once.

Order, the later wins: defaults at the fields, the profile's ``settings``, ``edgebot.yaml``,
``EDGEBOT_…`` variables.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError

LOCATIONS = (Path("edgebot.yaml"), Path("/etc/edgebot/edgebot.yaml"))
"""Where the settings file is looked for when none is named."""

MAX_BYTES = 1_000_000
_NOT_SETTINGS = {"EDGEBOT_CONFIG", "EDGEBOT_CACHE_DIR"}

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with the settings."""

    where: str
    """File and line, or the environment variable."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key + ': ' if self.key else ''}{self.message}"


class WrongSettings(ConfigError):
    """The settings hold one mistake or several."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__(
            "the settings are wrong:\n  "
            + "\n  ".join(map(str, mistakes))
            + "\nMend the lines above, then run `edgebot config check`."
        )


def find_file(named: Path | None = None) -> Path | None:
    """The settings file in force: ``named``, else the first of :data:`LOCATIONS`, else None."""
    if named is not None:
        return named
    return next((path for path in LOCATIONS if path.is_file()), None)


def load_settings(
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    profile_settings: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from ``file`` (or where one is found), variables and the profile's own defaults.

    Raises :class:`WrongSettings` with every mistake, each with file and line.
    """
    path = find_file(file)
    mistakes: list[Mistake] = []
    written, lines = _read(path, mistakes) if path else ({}, {})
    variables, origins = _from_environment(environ, mistakes)
    merged = merge(merge(dict(profile_settings or {}), written), variables)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        settings = None
        for problem in error.errors():
            mistakes.append(_explain(problem, path, lines, origins))
    if mistakes or settings is None:
        raise WrongSettings(mistakes)
    return settings


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below``, section by section."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _read(path: Path, mistakes: list[Mistake]) -> tuple[dict[str, Any], dict[Key, int]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; this is no settings file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); name another with --config") from None
    lines: dict[Key, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        loaded = yaml.safe_load(text)
        if node is not None:
            _positions(node, (), lines, path, mistakes)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        mistakes.append(Mistake(where, "", f"no YAML: {getattr(error, 'problem', None) or error}"))
        return {}, {}
    if loaded is None:
        return {}, lines
    if not isinstance(loaded, dict):
        mistakes.append(Mistake(f"{path}:1", "", "expected 'key: value' lines"))
        return {}, lines
    return {str(key): value for key, value in loaded.items()}, lines


def _positions(
    node: yaml.Node, key: Key, lines: dict[Key, int], path: Path, mistakes: list[Mistake]
) -> None:
    if not isinstance(node, yaml.MappingNode) or len(key) > 8:
        return
    for name, value in node.value:
        inner = (*key, str(name.value))
        line = name.start_mark.line + 1
        if inner in lines:
            mistakes.append(
                Mistake(f"{path}:{line}", ".".join(inner), f"already given in line {lines[inner]}")
            )
        lines[inner] = line
        _positions(value, inner, lines, path, mistakes)


def _from_environment(
    environ: Mapping[str, str], mistakes: list[Mistake]
) -> tuple[dict[str, Any], dict[Key, str]]:
    """``EDGEBOT_LLM__SEED=1`` is ``llm.seed``; single names are top-level keys."""
    values: dict[str, Any] = {}
    origins: dict[Key, str] = {}
    for name, raw in environ.items():
        if not name.startswith("EDGEBOT_") or name in _NOT_SETTINGS or not raw:
            continue
        key = tuple(name.removeprefix("EDGEBOT_").lower().split("__"))
        if key[0] not in Settings.model_fields:
            near = difflib.get_close_matches(key[0], Settings.model_fields, n=1)
            if near:  # EDGEBOT_TRACE and the like belong to somebody else; near misses are typos
                mistakes.append(Mistake(name, "", f"no such setting; did you mean {near[0]!r}?"))
            continue
        origins[key] = name
        target = values
        for part in key[:-1]:
            target = target.setdefault(part, {})
        target[key[-1]] = raw if key[-1].endswith("_dir") else _scalar(raw)
    return values, origins


def _scalar(raw: str) -> Any:
    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError:
        return raw


def _explain(
    problem: Any, path: Path | None, lines: Mapping[Key, int], origins: Mapping[Key, str]
) -> Mistake:
    key = tuple(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = known_keys(key[:-1])
        near = difflib.get_close_matches(key[-1], known, n=1)
        message = "unknown key; " + (
            f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        )
    elif "input" in problem and not isinstance(problem["input"], dict):
        message += f" (found {str(problem['input'])[:60]!r})"
    where = _where(key, path, lines, origins)
    return Mistake(where, ".".join(key), message)


def _where(
    key: Key, path: Path | None, lines: Mapping[Key, int], origins: Mapping[Key, str]
) -> str:
    for length in range(len(key), 0, -1):
        if key[:length] in origins:
            return origins[key[:length]]
        if key[:length] in lines:
            return f"{path}:{lines[key[:length]]}"
    return str(path or "profile")


def known_keys(section: Key = ()) -> list[str]:
    """The keys that may stand in ``section``."""
    model: type[BaseModel] = Settings
    for part in section:
        field = model.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return sorted(model.model_fields)
