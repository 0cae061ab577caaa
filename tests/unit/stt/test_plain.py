import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.stt.plain import plain_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It's 7:30, 75% done.", "it's seven thirty seventy five percent done"),
        ("the 16th century", "the sixteenth century"),
        ("36 feet by 15.5", "thirty six feet by fifteen point five"),
        ("in 1945", "in nineteen forty five"),
        ("1,250 people & 3 dogs", "one thousand two hundred fifty people and three dogs"),
        ("agent 007", "agent zero zero seven"),
        ("at 8:00", "at eight o'clock"),
        ("“Don’t!”—she said", "don't she said"),
        ("", ""),
        ("?!…", ""),
    ],
)
def test_english(written: str, spoken: str) -> None:
    assert plain_words(written, "en") == spoken


def test_german() -> None:
    assert plain_words("Um 7:30 sind 21.5 % da.", "de") == (
        "um sieben dreißig sind einundzwanzig komma fünf prozent da"
    )


def test_an_unknown_language_is_read_as_english() -> None:
    assert plain_words("5 %", "xx") == "five percent"


@given(st.text(max_size=80))
def test_whatever_is_written_comes_out_as_words(text: str) -> None:
    plain = plain_words(text, "en")
    assert plain == " ".join(plain.split())
    assert not any(mark in plain for mark in '.,;:?!"()%')
