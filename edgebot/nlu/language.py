"""What understanding needs to know of a language: ``sentences/<language>/_language.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.mistakes import WrongSentences, near
from edgebot.nlu.yaml_lines import Document, read

SENTENCES_DIR = Path(__file__).resolve().parent / "sentences"


@dataclass(frozen=True, slots=True)
class LanguageData:
    """Words that carry no meaning of their own, and spellings that mean the same."""

    language: str
    hesitations: tuple[str, ...] = ()
    """Dropped wherever they stand ("um")."""

    fillers: frozenset[str] = frozenset()
    """Dropped wherever they stand, once nothing fits with them ("mal", which also multiplies)."""

    split_off: tuple[str, ...] = ()
    """Ends of compounds that are words of their own ("Nudeltimer" → "Nudel Timer")."""

    padding_start: tuple[str, ...] = ()
    """Dropped at the start, longest first ("could you please")."""

    padding_end: tuple[str, ...] = ()
    keep_after: frozenset[str] = frozenset()
    """Words behind which the end is no padding ("say thank you")."""

    rewrites: Mapping[str, str] = field(default_factory=dict)
    """Word → the words it stands for ("what's" → "what is")."""

    symbols: Mapping[str, str] = field(default_factory=dict)
    """Sign → words ("+" → "plus")."""

    between_figures: Mapping[str, str] = field(default_factory=dict)
    """Sign → words, only between two numbers ("-" → "minus")."""

    conjunctions: tuple[tuple[str, ...], ...] = ()
    """What joins two commands ("and then"), longest first."""

    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind of slot → values as they are said."""


_LISTS = ("hesitations", "conjunctions", "keep_after", "fillers", "split_off")
_MAPPINGS = ("rewrites", "symbols", "between_figures", "examples", "padding")
_KNOWN = ("language", *_LISTS, *_MAPPINGS)


def languages() -> list[str]:
    """Languages there are sentences for, sorted."""
    return sorted(path.parent.name for path in SENTENCES_DIR.glob("*/_language.yaml"))


@functools.lru_cache(maxsize=8)
def language_data(language: str, directory: Path = SENTENCES_DIR) -> LanguageData:
    """The data of ``language``; empty for a language there is no folder for.

    Raises :class:`WrongSentences` when its file is wrong.
    """
    path = directory / language / "_language.yaml"
    if not path.is_file():
        return LanguageData(language)
    document = read(path, f"{language}/{path.name}")
    data = document.data if isinstance(document.data, dict) else {}
    if not data and not document.mistakes:
        document.mistake((), "expected 'key: value' lines")
    _check(document, data)
    if document.mistakes:
        raise WrongSentences(document.mistakes)
    return _build(language, data)


def _check(document: Document, data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if key not in _KNOWN:
            document.mistake((key,), f"unknown key '{key}'{near(key, _KNOWN)}")
        elif key in _LISTS and not _is_words(value):
            document.mistake((key,), f"'{key}' must be a list of words in quotes")
        elif key in _MAPPINGS and not isinstance(value, dict):
            document.mistake((key,), f"'{key}' must be 'key: value' lines")
        elif key in ("padding", "examples"):
            for name, words in value.items():
                if not _is_words(words):
                    document.mistake((key, name), f"'{name}' must be a list of words in quotes")
        elif key in _MAPPINGS:
            for name, words in value.items():
                if not isinstance(name, str) or not isinstance(words, str):
                    document.mistake((key, str(name)), f"'{name}' and its words must be text")


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _build(language: str, data: Mapping[str, Any]) -> LanguageData:
    padding = data.get("padding") or {}
    return LanguageData(
        language=language,
        hesitations=tuple(data.get("hesitations") or ()),
        fillers=frozenset(data.get("fillers") or ()),
        split_off=tuple(data.get("split_off") or ()),
        padding_start=_longest_first(padding.get("start")),
        padding_end=_longest_first(padding.get("end")),
        keep_after=frozenset(data.get("keep_after") or ()),
        rewrites=dict(data.get("rewrites") or {}),
        symbols=dict(data.get("symbols") or {}),
        between_figures=dict(data.get("between_figures") or {}),
        conjunctions=tuple(
            tuple(words.split()) for words in _longest_first(data.get("conjunctions"))
        ),
        examples={kind: tuple(said) for kind, said in (data.get("examples") or {}).items()},
    )


def _longest_first(words: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted(words or (), key=lambda each: (-len(each.split()), -len(each))))


def out_of_scope(language: str, directory: Path = SENTENCES_DIR) -> tuple[str, ...]:
    """Sentences no skill is meant by: ``_out_of_scope.yaml``, one list; empty when absent."""
    path = directory / language / "_out_of_scope.yaml"
    if not path.is_file():
        return ()
    document = read(path, f"{language}/{path.name}")
    if document.mistakes:
        raise WrongSentences(document.mistakes)
    if not _is_words(document.data):
        raise UnderstandingError(f"{document.path}:1: expected a list of sentences in quotes")
    return tuple(document.data)
