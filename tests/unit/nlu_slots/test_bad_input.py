"""Nothing a person or a recogniser hands in makes the readers raise or dawdle."""

from __future__ import annotations

import json
import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebot.core.errors import UsageError
from edgebot.nlu.slots import KINDS, find, languages, read
from edgebot.nlu.slots.tables import tables_of
from edgebot.nlu.slots.tokens import MAX_CHARS

NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))
LANGUAGES = st.sampled_from(languages())
NASTY = [
    "",
    " ",
    "\x00\x01\x02",
    "five\x00minutes",
    "💥" * 50,
    "five 💥 minutes",
    "‮setunim evif",
    "مؤقت خمس دقائق",
    "٣",
    "五分钟",
    "9" * 1000,
    "9" * 18 + " years",
    "1" + "0" * 400 + " million years",
    "1e308",
    "inf",
    "nan",
    "-" * 300,
    "--5",
    "5--",
    "::::",
    "1:2:3:4",
    "99:99",
    "24:00",
    "24:01",
    "0000-00-00",
    "9999-99-99",
    "the 31st of February",
    "the zeroth of May",
    "25 o'clock",
    "half past thirty",
    "in a million years",
    "a million years ago",
    "in nine hundred trillion seconds",
    "in minus five minutes",
    "every zero minutes",
    "every minus five minutes",
    "a a a a a a a a",
    "and and and and",
    "million million million",
    "point point point",
    "half half half",
    "minus minus five",
    "1/0",
    "½½½",
    "a\u0308\u0308\u0308\u0308",
    "ein" * 40,
    "einund" * 30 + "zwanzig",
    "'; DROP TABLE timers; --",
    "{number} [a|b] (c",
    "ſ",
    "İ",
    "ß" * 90,
]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", KINDS)
def test_nasty_text_is_read_as_a_json_value_or_none(kind: str, language: str) -> None:
    for text in NASTY:
        json.dumps(read(kind, text, language, NOW), allow_nan=False)
        for found in find(kind, text, language, NOW):
            json.dumps(found.value, allow_nan=False)
            assert text[found.start : found.end] == found.text != ""


@given(text=st.text(max_size=120), kind=st.sampled_from(KINDS), language=LANGUAGES)
def test_any_text_is_read_as_a_json_value_or_none(text: str, kind: str, language: str) -> None:
    json.dumps(read(kind, text, language, NOW), allow_nan=False)
    for found in find(kind, text, language, NOW):
        assert text[found.start : found.end] == found.text


def _vocabulary(language: str) -> list[str]:
    tables = tables_of(language)
    numbers = tables.numbers
    return sorted(
        {*numbers.small, *numbers.tens, *numbers.hundreds, *numbers.scales, *numbers.fractions,
         *numbers.ordinals, *numbers.joins, *numbers.articles, *numbers.minus, *numbers.point,
         *tables.durations, *tables.glue, *tables.weekdays, *tables.plural_weekdays,
         *tables.months, *tables.moments.by_word, *tables.recurrences.by_word, *tables.units,
         "3", "18:30", "2026", "7.5", "1,000"}
    )  # fmt: skip


VOCABULARIES = {language: _vocabulary(language) for language in languages()}


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS), language=LANGUAGES)
def test_word_salad_is_read_as_a_json_value_or_none(seed: int, kind: str, language: str) -> None:
    """The readers' own words in no order: the deepest paths through the rules."""
    chance = random.Random(seed)
    text = " ".join(chance.choices(VOCABULARIES[language], k=chance.randint(1, 12)))
    json.dumps(read(kind, text, language, NOW), allow_nan=False)
    find(kind, text, language, NOW)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", ["five ", "a", "twenty ", "five minutes and ", "1", "und", ", "])
def test_a_hundred_kilobytes_are_no_value_and_cost_a_bounded_number_of_tokens(
    kind: str, language: str, piece: str
) -> None:
    text = piece * (100_000 // len(piece))
    assert read(kind, text, language, NOW) is None
    assert all(found.end <= MAX_CHARS for found in find(kind, text, language, NOW))


def test_negative_and_past_values_say_so() -> None:
    assert read("duration", "minus five minutes", "en", NOW) == -300
    assert read("moment", "yesterday", "en", NOW)["past"]
    assert read("moment", "gestern um sieben Uhr abends", "de", NOW)["past"]
    assert read("duration", "a million years", "en", NOW) > 10**13


def test_wrong_calls_are_named() -> None:
    with pytest.raises(UsageError, match="kinds: number"):
        read("colour", "red", "en", NOW)
    with pytest.raises(UsageError, match="time zone"):
        find("number", "five", "en", datetime(2026, 1, 1))
