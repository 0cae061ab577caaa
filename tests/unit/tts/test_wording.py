"""Written text becomes what a person would say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.tts.wording import speakable

ENGLISH = {
    "21.5 °C": "twenty-one point five degrees Celsius",
    "-5°C": "minus five degrees Celsius",
    "1 km": "one kilometer",
    "3/4 cup": "three quarters cup",
    "2 1/2 hours": "two and one half hours",
    "10:05": "ten oh five",
    "18:30": "eighteen thirty",
    "18:00": "eighteen o'clock",
    "at 7 p.m. sharp": "at seven P M sharp",
    "7am": "seven A M",
    "5 km/h": "five kilometers per hour",
    "12 km²": "twelve square kilometers",
    "$3.50": "three dollars fifty cents",
    "$1": "one dollar",
    "$15.2 billion": "fifteen point two billion dollars",
    "€20": "twenty euros",
    "50%": "fifty percent",
    "Dr. Smith lives on Main St.": "Doctor Smith lives on Main Street.",
    "St. Francis": "Saint Francis",
    "He lived on Elm St. It was strange.": "He lived on Elm Street. It was strange.",
    "Is Dr. King near St. Louis?": "Is Doctor King near Saint Louis?",
    "e.g. this": "for example this",
    "May 3rd, 2026": "May third, twenty twenty-six",
    "2026-11-23": "November twenty-third, twenty twenty-six",
    "12/24/2026": "December twenty-fourth, twenty twenty-six",
    "in 1999": "in nineteen ninety-nine",
    "the 1980s": "the nineteen eighties",
    "1,250 people": "one thousand two hundred fifty people",
    "version 0.3.36": "version zero point three point thirty-six",
    "3 × 4 = 12": "3 times 4 equals 12",
    "5-10 minutes": "5 to 10 minutes",
    "call 555-123-4567": "call five five five, one two three, four five six seven",
    "It is 2 in the morning.": "It is 2 in the morning.",
    "It cost 2000 dollars.": "It cost 2000 dollars.",
    "**bold** and `code`": "bold and code",
    "see https://example.com/a?b=c now": "see now",
    "[the page](https://example.com)": "the page",
    "great 🎉👍 news": "great news",
    "tab\tand\x07bell": "tab and bell",
    "Call 112.": "Call 112.",
}

GERMAN = {
    "21,5 °C": "einundzwanzig Komma fünf Grad Celsius",
    "18:30 Uhr": "achtzehn Uhr dreißig",
    "1.250 Leute": "eintausendzweihundertfünfzig Leute",
    "3,50 €": "drei Euro fünfzig Cent",
    "am 3. Mai 2026": "am dritten Mai, zweitausendsechsundzwanzig",
    "z.B. 5 km/h": "zum Beispiel fünf Kilometer pro Stunde",
    "im Jahr 1999": "im Jahr neunzehnhundertneunundneunzig",
}


@pytest.mark.parametrize(("written", "spoken"), ENGLISH.items())
def test_english(written: str, spoken: str) -> None:
    assert speakable(written, "en") == spoken


@pytest.mark.parametrize(("written", "spoken"), GERMAN.items())
def test_german(written: str, spoken: str) -> None:
    assert speakable(written, "de") == spoken


def test_a_language_without_a_table_is_only_cleaned() -> None:
    assert speakable("**5 km** 🎉 [là](https://x.fr)", "fr") == "5 km là"


def test_no_path_can_be_made_of_a_language() -> None:
    assert speakable("5 km", "../en") == "5 km"


@given(st.text(max_size=300), st.sampled_from(["en", "de"]))
def test_anything_becomes_one_printable_line(text: str, language: str) -> None:
    spoken = speakable(text, language)
    assert "\n" not in spoken
    assert all(character.isprintable() for character in spoken)


@given(st.text(alphabet="0123456789.,:/-+$€% kmhs°", max_size=60))
def test_figures_in_any_order_raise_nothing(text: str) -> None:
    speakable(text)


def test_a_hundred_thousand_characters_are_no_trap() -> None:
    for piece in ("1-", "9 ", "$1,", "a.", "12:", "((", "1/2 "):
        assert isinstance(speakable(piece * (100_000 // len(piece))), str)


def test_real_pairs_of_written_and_spoken(shared_data: Path) -> None:
    """Share of lines worded exactly; a floor, so that it does not get worse unnoticed."""
    right = total = 0
    for kind in ("money", "measure", "time", "fraction"):
        file = shared_data / "textnorm" / "nemo_tn" / f"test_cases_{kind}.txt"
        for line in file.read_text().splitlines():
            written, found, spoken = line.partition("~")
            if found:
                total += 1
                right += _plain(speakable(written)) == _plain(spoken)
    assert total > 30
    assert right / total >= 0.4


def _plain(text: str) -> list[str]:
    return [word for word in text.lower().replace("-", " ").split() if word != "and"]
