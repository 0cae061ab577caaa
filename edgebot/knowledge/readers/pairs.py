"""Question–answer pairs in YAML."""

from __future__ import annotations

from typing import Any

import yaml

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.document import Document, Pair
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode

MAX_QUESTIONS = 64
"""Wordings a pair may have."""

_SHAPE = "expected 'title:' and 'pairs:' with 'q:' and 'a:' in each pair"


def read_pairs(content: bytes, name: str) -> Document:
    """``title: …`` and ``pairs: [{q: … or [… …], a: …, source: …}]``."""
    try:
        loaded = yaml.load(decode(content), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise KnowledgeError(f"no YAML{where}: {getattr(error, 'problem', error)}") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("pairs"), list):
        raise KnowledgeError(f"no question–answer file: {_SHAPE}")
    pairs = tuple(_pair(entry, number) for number, entry in enumerate(loaded["pairs"], start=1))
    return Document(_line(loaded.get("title")) or title_from(name), pairs=pairs)


def _pair(entry: Any, number: int) -> Pair:
    if not isinstance(entry, dict):
        raise KnowledgeError(f"pair {number}: {_SHAPE}")
    wordings = entry.get("q")
    listed = wordings if isinstance(wordings, list) else [wordings]
    questions = tuple(line for line in map(_line, listed[:MAX_QUESTIONS]) if line)
    answer = _line(entry.get("a"))
    if not questions or not answer:
        raise KnowledgeError(f"pair {number}: needs a question 'q' and an answer 'a'")
    return Pair(questions, answer, _line(entry.get("source")))


def _line(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).encode("utf-8", errors="replace").decode("utf-8")  # "\\ud800" is no letter
    return " ".join(text.split())
