"""Spoken forms and what they mean, as listed in forms_<language>.yaml."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from edgebot.nlu.slots import find, read

NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))
HERE = Path(__file__).parent
FORMS = [
    (file.stem.removeprefix("forms_"), kind, text, expected)
    for file in sorted(HERE.glob("forms_*.yaml"))
    for kind, forms in yaml.safe_load(file.read_text("utf-8")).items()
    for text, expected in forms.items()
]
NAMES = [f"{language}-{kind}-{text}" for language, kind, text, _ in FORMS]


def shorthand(kind: str, value: Any) -> Any:
    """A slot value in the form the lists are written in."""
    if value is None:
        return None
    if kind == "moment":
        return moment_shorthand(value)
    if kind == "recurrence":
        short = {
            key: value[key]
            for key in ("days", "weeks", "nth", "month_days", "month", "every_s", "at", "also_at")
            if value.get(key) is not None
        }
        return short | ({"open": True} if value.get("ambiguous_half_day") else {})
    if kind == "quantity":
        return [value["value"], value["unit"]]
    return value


def moment_shorthand(value: dict[str, Any]) -> str:
    at = datetime.fromisoformat(value["at"])
    assert at.utcoffset() == at.replace(tzinfo=NOW.tzinfo).utcoffset()
    said = f"{at:%Y-%m-%d}"
    if value["has_time"]:
        said += f" {at:%H:%M:%S}".removesuffix(":00")
    elif (at.hour, at.minute) == (NOW.hour, NOW.minute):
        said += " keep"
    elif (at.hour, at.minute) != (0, 0):
        said += " part"
    return f"{'past ' if value['past'] else ''}{'~ ' if value['ambiguous_half_day'] else ''}{said}"


@pytest.mark.parametrize(("language", "kind", "text", "expected"), FORMS, ids=NAMES)
def test_means(language: str, kind: str, text: str, expected: Any) -> None:
    value = shorthand(kind, read(kind, text, language, NOW))
    if isinstance(expected, float):
        assert value == pytest.approx(expected)
    else:
        assert value == expected
    assert type(value) is type(expected) or isinstance(expected, float)


FINDABLE = {"ordinal", "duration", "recurrence", "quantity"}
ONLY_AT_THE_END = {"an hour thirty", "eine Stunde dreißig"}


@pytest.mark.parametrize(
    ("language", "kind", "text", "expected"),
    [
        form
        for form in FORMS
        if form[1] in FINDABLE and form[3] is not None and form[2] not in ONLY_AT_THE_END
    ],
)
def test_is_found_between_other_words(language: str, kind: str, text: str, expected: Any) -> None:
    """Between words that are no part of it, at the place where it stands."""
    found = find(kind, f"xyz {text} qwertz", language, NOW)
    assert [shorthand(kind, one.value) for one in found] == [expected]
    assert found[0].text in text
    assert found[0].start == 4 + text.index(found[0].text)
