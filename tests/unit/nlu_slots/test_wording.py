"""What is said can be read back: wording and slots are each other's inverse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.core.errors import UnderstandingError
from edgebot.dialogue import wording
from edgebot.nlu import slots
from edgebot.nlu.slots.tables import tables_of

NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))
LANGUAGES = st.sampled_from(["en", "de"])
SOON = st.datetimes(datetime(2026, 3, 27, 18, 1), datetime(2032, 12, 31)).map(
    lambda at: at.replace(second=0, microsecond=0)
)


def test_the_same_languages_are_read_and_said() -> None:
    assert slots.languages() == wording.languages() == ["de", "en"]


@given(language=LANGUAGES, seconds=st.integers(-86_400, 5 * 31_536_000))
def test_durations_are_read_back(language: str, seconds: int) -> None:
    said = wording.say_duration(seconds, language)
    assert slots.read("duration", said, language, NOW) == seconds


@given(language=LANGUAGES, seconds=st.integers(1, 400 * 86_400))
def test_durations_behind_in_are_read_back(language: str, seconds: int) -> None:
    said = wording.say_duration(seconds, language, dative=True)
    assert slots.read("duration", said, language, NOW) == seconds


@given(language=LANGUAGES, seconds=st.integers(1, 400 * 86_400))
def test_rounded_durations_are_near_and_short(language: str, seconds: int) -> None:
    said = wording.say_duration(seconds, language, parts=2)
    read = slots.read("duration", said, language, NOW)
    assert read == pytest.approx(seconds, rel=0.05)
    assert len(said.split()) <= 7


@given(
    language=LANGUAGES,
    value=st.integers(-(10**9), 10**12) | st.decimals(-9999, 9999, places=2).map(float),
)
def test_numbers_are_read_back(language: str, value: float) -> None:
    said = wording.say_number(value, language)
    assert slots.read("number", said, language, NOW) == pytest.approx(value, rel=1e-5)


@given(language=LANGUAGES, day=st.integers(1, 31))
def test_ordinals_are_read_back(language: str, day: int) -> None:
    assert slots.read("ordinal", wording.say_ordinal(day, language), language, NOW) == day


@given(language=LANGUAGES, minute=st.integers(0, 1439))
def test_clock_times_are_read_back_with_their_half_of_the_day(language: str, minute: int) -> None:
    at = NOW.replace(hour=minute // 60, minute=minute % 60)
    value = slots.read("moment", wording.say_time(at, language), language, NOW)
    read = datetime.fromisoformat(value["at"])
    assert (read.hour, read.minute) == (at.hour, at.minute)
    assert not value["ambiguous_half_day"]
    assert value["has_time"]


@given(language=LANGUAGES, wall=SOON)
def test_moments_are_read_back(language: str, wall: datetime) -> None:
    at = wall.replace(tzinfo=NOW.tzinfo).astimezone(UTC).astimezone(NOW.tzinfo)
    at = at.replace(fold=0)  # of an hour that comes twice, words can only mean the first
    value = slots.read("moment", wording.say_when(at, NOW, language), language, NOW)
    assert value is not None
    assert datetime.fromisoformat(value["at"]) == at
    assert value["has_date"]
    assert not value["past"]


@given(language=LANGUAGES, days=st.integers(-2000, 2000))
def test_dates_are_read_back(language: str, days: int) -> None:
    day = NOW.date() + timedelta(days=days)
    for said in (
        wording.say_date(day, NOW, language),
        wording.say_date(day, NOW, language, in_sentence=True),
        wording.say_full_date(day, language),
    ):
        value = slots.read("moment", said, language, NOW)
        assert datetime.fromisoformat(value["at"]).date() == day, said
        assert value["past"] == (day < NOW.date())


DAYS = st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True).map(sorted)
CLOCKS = st.times().map(lambda at: f"{at.hour:02}:{at.minute:02}")


@given(
    language=LANGUAGES,
    value=st.fixed_dictionaries({"days": DAYS, "at": CLOCKS | st.none()})
    | st.fixed_dictionaries({"days": DAYS, "weeks": st.integers(2, 9), "at": CLOCKS})
    | st.fixed_dictionaries(
        {
            "days": st.integers(0, 6).map(lambda day: [day]),
            "nth": st.sampled_from([1, 2, 3, 4, -1]),
            "at": CLOCKS | st.none(),
        }
    )
    | st.fixed_dictionaries(
        {"month_days": st.integers(-1, 31).map(lambda day: [day]), "at": CLOCKS | st.none()}
    )
    | st.fixed_dictionaries(
        {
            "month_days": st.integers(1, 28).map(lambda day: [day]),
            "month": st.integers(1, 12),
            "at": CLOCKS | st.none(),
        }
    ),
)
def test_recurrences_are_read_back(language: str, value: dict[str, Any]) -> None:
    said = wording.say_recurrence(value, language)
    assert slots.read("recurrence", said, language, NOW) == value | {"ambiguous_half_day": False}


@given(language=LANGUAGES, every_s=st.integers(1, 10 * 86_400))
def test_intervals_are_read_back(language: str, every_s: int) -> None:
    said = wording.say_recurrence({"every_s": every_s}, language)
    value = slots.read("recurrence", said, language, NOW)
    if every_s == 86_400:
        assert value["days"] == [0, 1, 2, 3, 4, 5, 6]
    else:
        assert value == {"every_s": every_s}


UNITS = sorted({unit for entries in tables_of("en").units.values() for _, unit in entries})


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("unit", UNITS)
def test_quantities_are_read_back(language: str, unit: str) -> None:
    for value in (1, 2, 2.5, 0, -3, 25):
        said = wording.say_quantity({"value": value, "unit": unit}, language)
        assert slots.read("quantity", said, language, NOW) == {"value": value, "unit": unit}
    assert slots.read("unit", wording.say_unit(unit, language), language, NOW) == unit


ITEMS = st.lists(st.sampled_from(["Eier", "milk", "two loaves", "Brot"]), min_size=1, max_size=5)


@given(language=LANGUAGES, items=ITEMS)
def test_lists_are_read_back(language: str, items: list[str]) -> None:
    said = wording.say_list(items, language)
    assert slots.read("item_list", said, language, NOW) == items


@pytest.mark.parametrize(
    ("language", "seconds", "said"),
    [
        ("en", 1800, "half an hour"),
        ("en", 5400, "an hour and a half"),
        ("en", 3661, "one hour, one minute and one second"),
        ("en", 1500, "25 minutes"),
        ("de", 1800, "eine halbe Stunde"),
        ("de", 3661, "eine Stunde, eine Minute und eine Sekunde"),
    ],
)
def test_durations_sound_like_people(language: str, seconds: int, said: str) -> None:
    assert wording.say_duration(seconds, language) == said


@pytest.mark.parametrize(
    ("language", "at", "said"),
    [
        ("en", "2026-03-28T06:30", "tomorrow at half past six in the morning"),
        ("en", "2026-03-27T20:05", "today at eight oh five in the evening"),
        ("en", "2026-03-28T00:00", "today at midnight"),
        ("en", "2026-03-31T12:00", "on Tuesday at noon"),
        ("en", "2026-05-03T12:45", "on Sunday the third of May at quarter to one in the afternoon"),
        ("de", "2026-03-28T06:30", "morgen um sechs Uhr dreißig früh"),
        ("de", "2026-03-27T20:05", "heute um zwanzig Uhr fünf"),
        ("de", "2026-05-03T13:45", "am Sonntag, dem dritten Mai um dreizehn Uhr fünfundvierzig"),
    ],
)
def test_moments_sound_like_people(language: str, at: str, said: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=NOW.tzinfo)
    assert wording.say_when(moment, NOW, language) == said


def test_every_placeholder_name_words_its_value() -> None:
    values: dict[str, Any] = {
        "number": 3, "ordinal": 3, "percent": 50, "list": ["a", "b"], "list_or": ["a", "b"],
        "unit": "meter", "quantity": {"value": 2, "unit": "meter"}, "duration": 60,
        "about_duration": 60, "in_duration": 60, "time": NOW.isoformat(), "date": NOW.isoformat(),
        "on_date": NOW.date(), "full_date": NOW, "when": NOW, "for_when": NOW,
        "recurrence": {"every_s": 60},
    }  # fmt: skip
    for language in wording.languages():
        words = wording.words_of(language)
        assert set(words) == set(values)
        for name, word in words.items():
            assert word(values[name], NOW)


def test_times_are_said_in_the_zone_of_now() -> None:
    assert wording.words_of("en")["time"]("2026-03-27T05:00:00+00:00", NOW) == "six in the morning"


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(UnderstandingError, match="de, en"):
        wording.words_of("xx")
    with pytest.raises(UnderstandingError, match="de, en"):
        slots.read("number", "five", "../en", NOW)
