"""The examples of docs/slots.md run, and its tables name what there is."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from edgebot.nlu.slots import KINDS, languages
from edgebot.nlu.slots.fields import field_readers
from edgebot.nlu.slots.tables import tables_of
from edgebot.nlu.slots.utterance import Utterance

PAGE = Path(__file__).resolve().parents[3] / "docs" / "slots.md"


def test_examples_run() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 15
    assert results.failed == 0


def test_every_kind_is_in_the_table() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"\n| `{kind}` |" in text for kind in KINDS)


def test_the_fields_are_those_of_the_readers() -> None:
    section = PAGE.read_text("utf-8").partition("## Adding a language")[2]
    named = set(
        re.findall(r"`\{([a-z_]+)\}`", section.partition("| field")[2].partition("| meaning")[0])
    )
    readers = set(field_readers(Utterance("", tables_of("en")))) | {"length", "unit"}
    assert named == readers - {"digit"}


def test_languages_are_named() -> None:
    assert languages() == ["de", "en"]
