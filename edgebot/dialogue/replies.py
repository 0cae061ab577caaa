"""Replies: templates with variants, one YAML file a language.

A variant is a sentence or two with placeholders: ``{name}`` as it is, ``{left:duration}`` worded
by the language. A key's variants take turns, so that the assistant does not sound like a tape.
"""

from __future__ import annotations

import string
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from edgebot.core.errors import UnderstandingError
from edgebot.dialogue.sentences import split
from edgebot.dialogue.skill import Phrase

Word = Callable[[Any, datetime], str]
"""Words a value, given what time it is."""


class Replies:
    """The replies of one language. Safe from any thread."""

    def __init__(self, templates: Mapping[str, Sequence[str]], wording: Mapping[str, Word]) -> None:
        self._templates = {key: list(variants) for key, variants in templates.items()}
        self._wording = wording
        self._turn: dict[str, int] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, file: Path, wording: Mapping[str, Word]) -> Replies:
        """Read ``file``; raises ``UnderstandingError`` naming it and the key that is wrong."""
        try:
            loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise UnderstandingError(f"{file}: replies cannot be read ({error})") from None
        replies = cls(flatten(loaded, str(file)), wording)
        replies.check(str(file))
        return replies

    def add(self, templates: Mapping[str, Sequence[str]]) -> None:
        """Take in a plug-in's replies; those we have already stay ours."""
        for key, variants in templates.items():
            self._templates.setdefault(key, list(variants))

    def __contains__(self, key: object) -> bool:
        return key in self._templates

    @property
    def keys(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self._templates)

    def variants(self, key: str) -> list[str]:
        """The templates of one key."""
        return list(self._templates[key])

    def word(self, key: str, args: Mapping[str, Any], now: datetime) -> list[str]:
        """The sentences of the next variant of ``key``.

        Raises ``UnderstandingError`` when the key or a placeholder's value is missing.
        """
        if key not in self._templates:
            raise UnderstandingError(f"there is no reply {key!r}; add it to the replies")
        formatter = _Formatter(self._wording, now, key)
        values = {name: self._inner(value, now) for name, value in args.items()}
        # Split before the values go in: what a person said may hold full stops of its own.
        templates = split(self._next(key))
        sentences = (formatter.vformat(template, (), values).strip() for template in templates)
        return [_capital(sentence) for sentence in sentences if sentence]

    def phrase(self, phrase: Phrase, now: datetime) -> str:
        """A piece of a sentence: its first variant, without a capital of its own."""
        values = {name: self._inner(value, now) for name, value in phrase.args.items()}
        if phrase.reply not in self._templates:
            raise UnderstandingError(f"there is no reply {phrase.reply!r}; add it to the replies")
        template = self._templates[phrase.reply][0]
        return _Formatter(self._wording, now, phrase.reply).vformat(template, (), values).strip()

    def _inner(self, value: Any, now: datetime) -> Any:
        if isinstance(value, Phrase):
            return self.phrase(value, now)
        if isinstance(value, list | tuple):
            return [self._inner(one, now) for one in value]
        return value

    def _next(self, key: str) -> str:
        with self._lock:
            turn = self._turn.get(key, -1) + 1
            self._turn[key] = turn
        variants = self._templates[key]
        return variants[turn % len(variants)]

    def check(self, where: str) -> None:
        """Raise ``UnderstandingError`` for placeholders that cannot be worded."""
        specs = {*self._wording, "plural", "if"}
        for key, variants in self._templates.items():
            for variant in variants:
                try:
                    fields = list(string.Formatter().parse(variant))
                except ValueError as error:
                    raise UnderstandingError(f"{where}: {key}: {error} in {variant!r}") from None
                for _, name, spec, _ in fields:
                    wording = (spec or "").partition(" ")[0]
                    if name is not None and wording and wording not in specs:
                        raise UnderstandingError(
                            f"{where}: {key}: {{{name}:{spec}}} is unknown; "
                            f"known: {', '.join(sorted(specs))}"
                        )


class _Formatter(string.Formatter):
    """``{name:spec}`` with the specs of the wording; no attributes, no indices."""

    def __init__(self, wording: Mapping[str, Word], now: datetime, key: str) -> None:
        self._wording = wording
        self._now = now
        self._key = key

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if field_name not in kwargs:
            raise UnderstandingError(f"reply {self._key!r} needs a value for {field_name!r}")
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        wording, _, rest = format_spec.partition(" ")
        if wording == "plural":  # {n:plural timer/timers}; n may be a list
            one, _, many = rest.partition("/")
            count = len(value) if isinstance(value, list | tuple) else value
            return one if count == 1 else many
        if wording == "if":  # {label:if  called }: the words only when there is a value
            return f"{rest}{value}" if value not in (None, "", 0, False) else ""
        if wording:
            return self._wording[wording](value, self._now)
        return str(value)


def flatten(loaded: Any, where: str) -> dict[str, list[str]]:
    """``{"timers": {"set": [...]}}`` as ``{"timers.set": [...]}``."""
    if not isinstance(loaded, dict):
        raise UnderstandingError(f"{where}: expected a mapping of replies")
    flat: dict[str, list[str]] = {}
    for key, value in loaded.items():
        if isinstance(value, dict):
            inner = flatten(value, where)
            flat.update({f"{key}.{name}": variants for name, variants in inner.items()})
        elif isinstance(value, str):
            flat[str(key)] = [value]
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            flat[str(key)] = value
        else:
            raise UnderstandingError(f"{where}: {key}: expected a text or a list of texts")
    return flat


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
