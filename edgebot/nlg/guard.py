"""Safety topics: fixed answers that no model is asked for.

Topics are YAML files, one a language. A pattern is a few words in their order; up to two other
words may stand between them. ``a|b`` are alternatives, ``word*`` a word that begins so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgebot.core.errors import ConfigError
from edgebot.core.language import FixedAnswer

_WORD = re.compile(r"[^\W_]+")
_BETWEEN = r"(?: \w+){0,2} "
_LONGEST = 20_000
_CONTRACTIONS = (
    (re.compile(r"\b(ca)n['’]t\b"), "can not"),
    (re.compile(r"\bwon['’]t\b"), "will not"),
    (re.compile(r"n['’]t\b"), " not"),
    (re.compile(r"\bi['’]m\b"), "i am"),
    (re.compile(r"['’](?:re)\b"), " are"),
    (re.compile(r"['’]ve\b"), " have"),
    (re.compile(r"['’]s\b"), " is"),
    (re.compile(r"\bcannot\b"), "can not"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bwanna\b"), "want to"),
)


class SafetyTopic(BaseModel):
    """A topic, what it sounds like, and its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    topic: str = Field(min_length=1)
    answer: str = Field(min_length=1, max_length=600)
    """Spoken as it stands."""

    when: tuple[str, ...] = Field(min_length=1)
    """Patterns; one that fits is enough."""

    unless: tuple[str, ...] = ()
    """Patterns of harmless sayings that only sound alike."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    topic: SafetyTopic
    when: re.Pattern[str]
    unless: re.Pattern[str] | None


class SafetyTopics:
    """All topics of the languages given; implements :class:`edgebot.core.language.Guard`."""

    def __init__(self, topics: list[SafetyTopic]) -> None:
        self._topics = [
            _Compiled(topic, _compile(topic.when), _compile(topic.unless) if topic.unless else None)
            for topic in topics
        ]

    def check(self, text: str) -> FixedAnswer | None:
        """See :meth:`Guard.check`; topics are tried in their order in the file."""
        words = f" {_normalise(text)} "
        for entry in self._topics:
            heard = entry.when.search(words)
            if heard and not (entry.unless and entry.unless.search(words)):
                return FixedAnswer(entry.topic.topic, entry.topic.answer)
        return None


def read_topics(path: Path) -> list[SafetyTopic]:
    """The topics in ``path``; raises ``ConfigError`` that names file and mistake."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or not isinstance(data.get("topics"), list):
            raise ConfigError(f"{path}: expected 'topics:' with a list under it")
        return [SafetyTopic.model_validate(topic) for topic in data["topics"]]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise ConfigError(f"{path}: cannot be read as safety topics ({problem})") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {where}: {first['msg']}") from None


def _normalise(text: str) -> str:
    """Lower case, contractions opened, accents and marks off: as a recogniser may write it."""
    text = text[:_LONGEST].lower()
    for short, full in _CONTRACTIONS:
        text = short.sub(full, text)
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(_WORD.findall(plain))


def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?: {_pattern(text)}(?= ))" for text in patterns))


def _pattern(text: str) -> str:
    return _BETWEEN.join(_alternatives(word) for word in text.lower().split())


def _alternatives(word: str) -> str:
    return "(?:" + "|".join(_form(form) for form in word.split("|")) + ")"


def _form(form: str) -> str:
    stem, star, _ = form.partition("*")
    return re.escape(_normalise(stem)) + (r"\w*" if star else "")
