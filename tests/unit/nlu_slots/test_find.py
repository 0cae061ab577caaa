"""Values inside sentences."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from unicode_rbnf import FormatPurpose, RbnfEngine

from edgebot.nlu.slots import find, read, spans

NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("language", "kind", "sentence", "found"),
    [
        ("en", "duration", "set a timer for twenty five minutes please", ["twenty five minutes"]),
        ("en", "duration", "one for an hour and one for ten minutes", ["an hour", "ten minutes"]),
        ("en", "duration", "wait a minute", ["a minute"]),
        ("en", "moment", "remind me at half past six to call mum", ["at half past six"]),
        ("en", "moment", "wake me at seven tomorrow", ["at seven tomorrow"]),
        ("en", "moment", "what is the weather tomorrow morning in Rome", ["tomorrow morning"]),
        ("en", "moment", "add seven apples and two pears", []),
        ("en", "moment", "who was the first man on the moon", []),
        ("en", "moment", "remind me in ten minutes to turn it off", ["in ten minutes"]),
        ("en", "moment", "book it for the third of may at noon", ["the third of may at noon"]),
        ("en", "recurrence", "wake me every weekday at seven", ["every weekday at seven"]),
        ("en", "recurrence", "i tell you every time", []),
        ("en", "number", "roll two dice with twenty sides", ["two", "twenty"]),
        ("en", "quantity", "how much is five miles in km", ["five miles"]),
        ("en", "quantity", "add a pinch of salt", []),
        ("en", "percent", "volume to fifty percent now", ["fifty percent"]),
        ("en", "percent", "play song fifty", []),
        ("en", "ordinal", "take the second one", ["second"]),
        ("en", "text", "anything", []),
        ("de", "duration", "einen Timer auf fünfundzwanzig Minuten", ["fünfundzwanzig Minuten"]),
        ("de", "moment", "weck mich morgen früh um halb sieben", ["morgen früh um halb sieben"]),
        ("de", "moment", "wie heißen die sieben Zwerge", []),
        ("de", "moment", "erinnere mich am Montagabend an Oma", ["am Montagabend"]),
        ("de", "recurrence", "weck mich werktags um sechs Uhr", ["werktags um sechs Uhr"]),
        ("de", "quantity", "wie viel sind fünf Meilen in Kilometern", ["fünf Meilen"]),
        ("de", "number", "würfle mit dreizehn Würfeln", ["dreizehn"]),
    ],
)  # fmt: skip
def test_found(language: str, kind: str, sentence: str, found: list[str]) -> None:
    hits = find(kind, sentence, language, NOW)
    assert [hit.text for hit in hits] == found
    assert all(sentence[hit.start : hit.end] == hit.text for hit in hits)


NUMBERS = [*range(130), 199, 200, 342, 999, 1000, 1001, 1100, 1999, 2026, 10_204, 99_999,
           100_000, 345_678, 1_000_000, 2_000_021, 999_999_999]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
def test_numbers_as_the_unicode_project_spells_them(language: str) -> None:
    engine = RbnfEngine.for_language(language)
    for number in NUMBERS:
        spelled = engine.format_number(number).text.replace("\u00ad", "")
        assert read("number", spelled, language, NOW) == number, spelled


@pytest.mark.parametrize("language", ["en", "de"])
def test_ordinals_as_the_unicode_project_spells_them(language: str) -> None:
    engine = RbnfEngine.for_language(language)
    for number in [n for n in NUMBERS if 0 < n < 1000]:
        forms = engine.format_number(number, purpose=FormatPurpose.ORDINAL).text_by_ruleset
        for spelled in forms.values():
            spelled = spelled.replace("\u00ad", "")
            assert read("ordinal", spelled, language, NOW) == number, spelled


def test_spans_give_each_reading_of_an_and() -> None:
    said = "between one hundred and five"
    assert {hit.text: hit.value for hit in spans("number", said, "en", NOW)} == {
        "one hundred and five": 105,
        "one hundred": 100,
        "hundred and five": 105,
        "hundred": 100,
        "five": 5,
    }
    assert [hit.text for hit in find("number", "one hundred and two hundred", "en", NOW)] == [
        "one hundred",
        "two hundred",
    ]
