"""Values in spoken words, for replies: the other way round from reading slots.

The functions ``say_…(value, …, language)`` word one value each. :func:`words_of` gives them by
name, as the placeholders of replies use them (``{left:duration}``). The words themselves are data:
``<language>.yaml`` in this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from edgebot.dialogue.wording.numbers import (
    say_list,
    say_number,
    say_ordinal,
    say_percent,
    say_quantity,
    say_unit,
)
from edgebot.dialogue.wording.tables import languages, tables_of
from edgebot.dialogue.wording.times import (
    say_date,
    say_duration,
    say_full_date,
    say_recurrence,
    say_time,
    say_when,
)

__all__ = [
    "languages",
    "say_date",
    "say_duration",
    "say_full_date",
    "say_list",
    "say_number",
    "say_ordinal",
    "say_percent",
    "say_quantity",
    "say_recurrence",
    "say_time",
    "say_unit",
    "say_when",
    "words_of",
]

Word = Callable[[Any, datetime], str]
"""Words a value, given what time it is (local, with its zone)."""


def words_of(language: str) -> Mapping[str, Word]:
    """Every wording of ``language`` by the name replies call it by.

    Times may be given as aware ``datetime`` or in ISO 8601; they are said in the zone of *now*.
    Raises ``UnderstandingError`` for a language without tables.
    """
    tables_of(language)
    return {
        "number": lambda value, now: say_number(value, language),
        "ordinal": lambda value, now: say_ordinal(value, language),
        "percent": lambda value, now: say_percent(value, language),
        "list": lambda value, now: say_list(value, language),
        "list_or": lambda value, now: say_list(value, language, "or"),
        "unit": lambda value, now: say_unit(value, language),
        "quantity": lambda value, now: say_quantity(value, language),
        "duration": lambda value, now: say_duration(value, language),
        "about_duration": lambda value, now: say_duration(value, language, parts=2),
        "in_duration": lambda value, now: say_duration(value, language, dative=True),
        "time": lambda value, now: say_time(_local(value, now), language),
        "date": lambda value, now: say_date(_day(value, now), now, language),
        "on_date": lambda value, now: say_date(_day(value, now), now, language, True),
        "full_date": lambda value, now: say_full_date(_day(value, now), language),
        "when": lambda value, now: say_when(_local(value, now), now, language),
        "for_when": lambda value, now: say_when(_local(value, now), now, language, True),
        "recurrence": lambda value, now: say_recurrence(value, language),
    }


def _local(value: datetime | str, now: datetime) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(now.tzinfo) if at.tzinfo else at


def _day(value: date | str, now: datetime) -> date:
    if isinstance(value, str | datetime):
        return _local(value, now).date()
    return value
