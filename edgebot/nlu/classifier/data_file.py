"""Labelled texts: tab-separated with a header, or JSON lines; columns ``text`` and ``intent``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.mistakes import Mistake, near

MAX_TEXT = 4_000
"""Characters; what is longer is no utterance."""

_COLUMNS = ("text", "intent")


@dataclass(slots=True)
class LabelledTexts:
    """The usable rows of a file, and what was wrong with the others."""

    texts: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def read_labelled(path: Path) -> LabelledTexts:
    """Read ``path``. Rows that cannot be used are left out and named, each with its line.

    Raises ``UnderstandingError`` when the file cannot be read, lacks a column or has no usable row.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnderstandingError(f"{path}: cannot be read ({reason})") from None
    found = LabelledTexts()
    lines = raw.decode("utf-8-sig", errors="replace").split("\n")
    first = next((line for line in lines if line.strip()), "")
    rows = _json_rows if first.lstrip().startswith("{") else _tab_rows
    for number, row in rows(path, lines, found):
        _take(path, number, row, found)
    if not found.texts:
        shown = "".join(f"\n  {mistake}" for mistake in found.mistakes[:5])
        raise UnderstandingError(f"{path}: there is no usable row in it{shown}")
    return found


def _json_rows(
    path: Path, lines: list[str], found: LabelledTexts
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            found.mistakes.append(Mistake(f"{path}:{number}", f"no JSON ({error})"))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            found.mistakes.append(Mistake(f"{path}:{number}", "no JSON object"))


def _tab_rows(
    path: Path, lines: list[str], found: LabelledTexts
) -> Iterator[tuple[int, dict[str, Any]]]:
    header: list[str] | None = None
    for number, line in enumerate(lines, start=1):
        cells = line.rstrip("\r").split("\t")
        if not line.strip():
            continue
        if header is None:
            header = [cell.strip().casefold() for cell in cells]
            _check_header(path, number, header)
        elif len(cells) != len(header):
            found.mistakes.append(
                Mistake(f"{path}:{number}", f"{len(cells)} columns, the header has {len(header)}")
            )
        else:
            yield number, dict(zip(header, cells, strict=True))


def _check_header(path: Path, number: int, header: list[str]) -> None:
    for column in _COLUMNS:
        if column not in header:
            raise UnderstandingError(
                f"{path}:{number}: the header has no column '{column}'{near(column, header)} "
                "The first line must name the columns text and intent, separated by a tab."
            )


def _take(path: Path, number: int, row: dict[str, Any], found: LabelledTexts) -> None:
    text, intent = row.get("text"), row.get("intent")
    problem = ""
    if not isinstance(text, str) or not text.strip():
        problem = "no text"
    elif not isinstance(intent, str) or not intent.strip():
        problem = "no intent"
    elif len(text) > MAX_TEXT:
        problem = f"the text has {len(text)} characters, {MAX_TEXT} at most"
    elif "\ufffd" in text or "\ufffd" in intent:
        problem = "not UTF-8; save the file as UTF-8"
    elif not any(map(str.isalnum, text)):
        problem = "the text has neither a letter nor a figure"
    if problem:
        found.mistakes.append(Mistake(f"{path}:{number}", problem))
    else:
        found.texts.append(" ".join(str(text).split()))
        found.intents.append(" ".join(str(intent).split()))
