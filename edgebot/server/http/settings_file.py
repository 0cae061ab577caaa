"""Changing single values of the settings file and leaving everything else in it as it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgebot.config.loader import LOCATIONS, WrongSettings, load
from edgebot.config.profiles import profile_settings
from edgebot.config.yaml_file import Mistake, parse
from edgebot.core.errors import ConfigError


def written(file: Path | None, changes: Mapping[str, Any], *, dry_run: bool = False) -> Path:
    """Put ``changes`` (dotted keys; None takes the line away) into ``file``; the file.

    Comments, order and everything else in it stay. The new text is checked as a whole before it
    takes the old one's place. Raises ``ConfigError`` with what is wrong with it.
    """
    path = file or LOCATIONS[0]
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    text = before
    for key, value in changes.items():
        text = changed(text, tuple(key.split(".")), value)
    _check(path, text)
    if not dry_run:
        _replace(path, text)
    return path


def changed(text: str, key: tuple[str, ...], value: Any) -> str:
    """``text`` with ``value`` at ``key``. Raises ``ConfigError`` where it is too odd for that."""
    document = parse(text, "")
    if document.mistakes:
        raise ConfigError("the settings file cannot be read; see `edgebot config check`")
    lines = text.splitlines()
    at = document.lines.get(key)
    if at is not None:
        return _in_place(lines, at - 1, key, value)
    if value is None:
        return text
    for depth in range(len(key) - 1, 0, -1):
        above = document.lines.get(key[:depth])
        if above is not None and not re.match(r"^\s*[\w-]+:\s*(#.*)?$", lines[above - 1]):
            raise ConfigError(f"{'.'.join(key[:depth])} is written on one line; change it by hand")
        if above is not None:
            indent = _indent_below(lines, above - 1)
            lines[above:above] = _block(key[depth:], value, indent)
            return _joined(lines)
    return _joined([*lines, *_block(key, value, 0)])


def _in_place(lines: list[str], number: int, key: tuple[str, ...], value: Any) -> str:
    found = re.match(r"^(\s*)([\w-]+)(:\s*)(.*)$", lines[number])
    if found is None or found[2] != key[-1]:
        raise ConfigError(f"{'.'.join(key)} is written in a way that is changed by hand only")
    end = number + 1
    while end < len(lines) and _belongs(lines[end], len(found[1])):
        end += 1
    if value is None:
        del lines[number:end]
        return _joined(lines)
    comment = re.search(r"\s+#.*$", found[4])
    lines[number:end] = [f"{found[1]}{found[2]}: {_scalar(value)}{comment[0] if comment else ''}"]
    return _joined(lines)


def _belongs(line: str, indent: int) -> bool:
    """Whether ``line`` goes on with the value above it."""
    bare = line.strip()
    if not bare or bare.startswith("#"):
        return False
    depth = len(line) - len(line.lstrip())
    return depth > indent or (depth == indent and bare.startswith("- "))


def _indent_below(lines: list[str], number: int) -> int:
    own = len(lines[number]) - len(lines[number].lstrip())
    for line in lines[number + 1 :]:
        if line.strip() and not line.strip().startswith("#"):
            depth = len(line) - len(line.lstrip())
            return depth if depth > own else own + 2
    return own + 2


def _block(key: tuple[str, ...], value: Any, indent: int) -> list[str]:
    lines = [f"{' ' * (indent + 2 * depth)}{name}:" for depth, name in enumerate(key)]
    lines[-1] += f" {_scalar(value)}"
    return lines


def _scalar(value: Any) -> str:
    """JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _check(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as draft:
        draft.write(text)
        draft.flush()
        try:
            load(Path(draft.name), profile_settings=profile_settings)
        except WrongSettings as wrong:
            told = [Mistake("", one.key, one.message) for one in wrong.mistakes]
            raise ConfigError("; ".join(str(one).lstrip(": ") for one in told)) from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.is_file() else 0o600
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); change it by hand"
        ) from None
