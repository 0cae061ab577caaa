"""YAML that people write, read with suspicion: every mistake with its line, no bombs.

What a reader of settings, profiles and catalogues never needs is refused instead of tamed:
aliases (a handful of lines of them can expand to gigabytes), deep nesting, foreign tags, keys
given twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from edgebot.core.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 24

Key: TypeAlias = tuple[str | int, ...]
"""Where a value stands: names of keys and positions in lists, outermost first."""

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML built without libyaml: slower, the same result
    from yaml import SafeLoader as _Base  # type: ignore[assignment]


class _Loader(_Base):
    """Plain values as YAML 1.2 reads them: ``no`` is a word, ``22:30`` no number of seconds."""


_Loader.yaml_implicit_resolvers = {}


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if text.startswith(("0x", "0o")):
        return int(text, 0)
    return int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_form})$"), _first
    )


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with what was written."""

    where: str
    """File and line, or the environment variable."""

    key: str
    """Dotted; empty when no single key is meant."""

    message: str

    def __str__(self) -> str:
        text = f"{self.where}: {self.key + ': ' if self.key else ''}{self.message}"
        # Whatever stood in the file must not garble the terminal it is shown on.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(slots=True)
class Document:
    """A YAML document and where each of its values stands."""

    path: str
    data: Any = None
    """What was written; None when nothing was, or when :attr:`mistakes` kept it from being read."""

    lines: dict[Key, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def where(self, key: Key) -> str:
        """``file:line`` of ``key``, or of the nearest thing around it that was written."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return f"{self.path}:{self.lines[key[:length]]}"
        return self.path

    @property
    def mapping(self) -> dict[str, Any]:
        """The document as a mapping; empty when it is none (and then a mistake says so)."""
        return self.data if isinstance(self.data, dict) else {}


def read_mapping(path: Path) -> Document:
    """Read the file at ``path``, whose top level must be ``key: value`` lines (or nothing).

    Raises :class:`ConfigError` when it cannot be read at all; everything else that is wrong is
    found in :attr:`Document.mistakes`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{path}: cannot be read ({reason}); name another file") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; this is no file of ours")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from None
    document = parse(text, str(path))
    if document.data is not None and not isinstance(document.data, dict):
        document.mistakes.append(Mistake(f"{path}:1", "", "expected 'key: value' lines"))
    return document


def parse(text: str, path: str) -> Document:
    """Parse ``text``; ``path`` is only what mistakes call it."""
    document = Document(path)
    try:
        _refuse_bombs(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _note_lines(node, (), document)
                document.data = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax(error, path, text))
    except (ValueError, RecursionError, OverflowError) as error:
        document.mistakes.append(Mistake(path, "", f"a value cannot be read: {error}"))
    return document


class _Refused(yaml.YAMLError):
    """Valid YAML of a kind that is not taken."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = mark


def _refuse_bombs(text: str) -> None:
    try:
        _refuse_bombs_in(text)
    except yaml.YAMLError as error:
        if isinstance(error, _Refused) or "nesting depth" not in str(error):
            raise
        mark = getattr(error, "problem_mark", None)  # newer PyYAML counts for itself
        raise _Refused(f"nested deeper than {MAX_DEPTH} levels", mark) from None


def _refuse_bombs_in(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            problem = "aliases (*name) are not taken here; write the value out"
            raise _Refused(problem, event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)


def _note_lines(node: yaml.Node, key: Key, document: Document) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            document.lines[(*key, position)] = value.start_mark.line + 1
            _note_lines(value, (*key, position), document)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, str(name.value))
            line = name.start_mark.line + 1
            if inner in document.lines:
                first = document.lines[inner]
                document.mistakes.append(
                    Mistake(f"{document.path}:{line}", dotted(inner), f"given in line {first} too")
                )
            document.lines[inner] = line
            _note_lines(value, inner, document)


def _syntax(error: yaml.YAMLError, path: str, text: str) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    where = f"{path}:{mark.line + 1}" if mark else path
    line = text.split("\n")[mark.line] if mark and mark.line <= text.count("\n") else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        problem = "a tab; indent with spaces"
    return Mistake(where, "", f"cannot be read: {problem}")


def dotted(key: Key) -> str:
    """``("stt", "model")`` as ``stt.model``; positions in brackets."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below``, section by section."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged
