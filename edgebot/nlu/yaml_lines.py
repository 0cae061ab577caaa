"""YAML and JSON files together with the line each value stands in."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.mistakes import Mistake

MAX_BYTES = 8_000_000
"""Home Assistant's largest file has a fifth of it."""

MAX_DEPTH = 32

Key: TypeAlias = tuple[str | int, ...]
"""Names of keys and positions in lists, outermost first."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Document:
    """What a file holds, where it stands, and what kept it from being read."""

    path: str
    data: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    wrong: list[Key] = field(default_factory=list)
    """Where the mistakes are."""

    def line(self, key: Key) -> int:
        """The line of ``key``, or of the nearest thing around it that has one."""
        return next(
            (self.lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.lines), 1
        )

    def where(self, key: Key) -> str:
        """``file:line`` of ``key``."""
        return f"{self.path}:{self.line(key)}"

    def mistake(self, key: Key, message: str) -> None:
        """Note that what stands at ``key`` is wrong."""
        self.mistakes.append(Mistake(self.where(key), message))
        self.wrong.append(key)

    def blank_mistakes(self) -> None:
        """Put None where something is wrong, so that the rest can still be looked at."""
        for key in self.wrong:
            if "lists" in key:
                key = key[: key.index("lists") + 2]
            with contextlib.suppress(LookupError, TypeError):
                inside: Any = self.data
                for part in key[:-1]:
                    inside = inside[part]
                if key:
                    inside[key[-1]] = None
        self.wrong.clear()


def read(path: Path, shown: str | None = None) -> Document:
    """Read a YAML (or ``.json``) file; ``shown`` is what messages call it.

    Raises ``UnderstandingError`` when the file cannot be read at all; what is wrong inside is found
    in :attr:`Document.mistakes`.
    """
    name = shown or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnderstandingError(f"{name}: cannot be read ({reason}); name another file") from None
    document = Document(name)
    if len(raw) > MAX_BYTES:
        document.mistake((), f"larger than {MAX_BYTES} bytes; this is no sentence file")
        return document
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        document.mistakes.append(Mistake(f"{name}:{line}", "not UTF-8; save the file as UTF-8"))
        return document
    try:
        if path.suffix == ".json":
            document.data = json.loads(text)
        else:
            _parse(text, document)
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax(error, text, name))
    except json.JSONDecodeError as error:
        document.mistakes.append(Mistake(f"{name}:{error.lineno}", f"no JSON: {error.msg}"))
    except (ValueError, RecursionError, OverflowError) as error:
        document.mistake((), f"a value cannot be read: {error}")
    return document


def _parse(text: str, document: Document) -> None:
    _refuse_bombs(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _note_lines(node, (), document)
            document.data = loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_bombs(text: str) -> None:
    """A few lines of aliases can expand to gigabytes, and no sentence file needs one."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not taken here; write it out",
                problem_mark=mark,
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark
            )


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
                    Mistake(
                        f"{document.path}:{line}", f"'{name.value}' is given in line {first} too"
                    )
                )
            document.lines[inner] = line
            _note_lines(value, inner, document)


def _syntax(error: yaml.YAMLError, text: str, path: str) -> Mistake:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    lines = text.splitlines()
    if mark and mark.line < len(lines) and "\t" in lines[mark.line]:
        problem = "a tab; indent with spaces"
    elif "mapping values are not allowed" in problem:
        problem = "a ':' that YAML does not expect; put the sentence in quotes"
    elif "flow" in problem or "expected <block end>" in problem:
        problem += "; a sentence that begins with '[' or '{' needs quotes"
    return Mistake(f"{path}:{mark.line + 1}" if mark else path, f"cannot be read: {problem}")
