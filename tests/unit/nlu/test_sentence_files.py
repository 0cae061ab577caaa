"""Sentence files: every mistake with its line, and what is right can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.language import languages
from edgebot.nlu.mistakes import WrongSentences
from edgebot.nlu.sentence_files import load, load_intents, own_sentences
from edgebot.nlu.templates import SentenceSet

Maker = Callable[[str], SentenceSet]


def mistakes(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongSentences) as caught:
        load([path])
    return [str(mistake).removeprefix(f"{path}:") for mistake in caught.value.mistakes]


def test_every_mistake_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path / "bad.yaml",
        """languag: en
intents:
  timer_set:
    data:
      - sentences:
          - "set a timer for {duraton}"
          - "set (a|the timer"
          - "<sett> it"
          - 5
        slts: {a: b}
  empty:
    data: []
lists:
  duration: {wildcard: true}
  steps: {range: {from: 5, to: 1}}
  names: {values: ["(a|b", {ni: c}]}
slot_kinds: {duration: durations}
expansion_rules:
  set: "<go>"
  go: "<set>"
""",
    )
    assert found == [
        "1: unknown key 'languag'; did you mean 'language'?",
        "1: needs a language code, such as 'language: en'",
        "6: there is no list {duraton}; did you mean 'duration'?",
        "7: 'set (a|the timer': '(' at character 5 is never closed",
        "8: there is no rule <sett>; did you mean 'set'?",
        "9: 5 is no text; put it in quotes",
        "10: unknown key 'slts'; did you mean 'slots'?",
        "15: 'from' (5) is greater than 'to' (1)",
        "16: a value needs 'in:' with text in quotes",
        "16: unknown key 'ni'; known: context, in, metadata, out",
        "17: there is no kind of slot 'durations'; did you mean 'duration'?",
        "19: rules go in a circle: <set> → <go> → <set>",
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("language: en\nintents:\n\ta: b\n", 3, "tab"),
        ("language: en\nintents: [", 3, "cannot be read"),
        ("- a\n- b\n", 1, "expected 'key: value' lines"),
        ("", 1, "expected 'key: value' lines"),
        ("language: en\nlanguage: de\n", 2, "given in line 1 too"),
        ("language: en\na: &x [1]\nb: *x\n", 3, "aliases"),
        ('language: en\nintents:\n  a:\n    data:\n      - sentences: ["{}"]\n', 5, "is empty"),
        ("language: en\nintents: {a: {data: [{sentences: ['a)']}]}}\n", 2, "closes nothing"),
        ("language: en\nintents: {a: 5}\n", 2, "needs 'data:'"),
        ("language: en\nintents: {a: {data: [{}]}}\n", 2, "'sentences' is missing"),
        ("language: en\nlists: {a: {values: []}}\n", 2, "not empty"),
        ("language: en\nlists: {a: {}}\n", 2, "needs one of"),
        ("language: en\nslot_kinds: {a: duration}\nlists: {a: {values: [b]}}\n", 2, "no wildcard"),
        ("language: en\nintents: {on: {data: [{sentences: [a]}]}}\n", 2, "put it in quotes"),
        ("language: en\n" + "a: " + "[" * 60 + "]" * 60, 2, "deeper"),
    ],
)
def test_each_mistake_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = mistakes(tmp_path / "bad.yaml", text)
    assert found[0].startswith(f"{line}: "), found
    assert words in found[0]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"language: en\nintents: \xff\xfe\n")
    with pytest.raises(WrongSentences, match=r"bad\.yaml:2: not UTF-8"):
        load([path])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnderstandingError, match=r"nowhere\.yaml"):
        load_intents(tmp_path / "nowhere.yaml")


def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnderstandingError, match=r"no \.yaml file"):
        load_intents(tmp_path)


def test_files_of_a_folder_share_lists_and_rules(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "language: en\nintents: {go: {data: [{sentences: ['<go> to {place}']}]}}\n"
    )
    (tmp_path / "b.yaml").write_text(
        "language: en\nlists: {place: {values: [rome]}}\nexpansion_rules: {go: '(go|run)'}\n"
    )
    assert [each.intent for each in load_intents(tmp_path).templates] == ["go"]


def test_one_name_cannot_mean_two_things(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("language: en\nexpansion_rules: {go: run}\n")
    (tmp_path / "b.yaml").write_text("language: en\nexpansion_rules: {go: walk}\n")
    with pytest.raises(
        WrongSentences, match=r"b\.yaml:2: rule 'go' is something else in .*a\.yaml"
    ):
        load_intents(tmp_path)


def test_the_digest_changes_with_the_content(sentences_of: Maker) -> None:
    text = "language: en\nintents: {{a: {{data: [{{sentences: ['{}']}}]}}}}\n"
    first, again = sentences_of(text.format("go")), sentences_of(text.format("go"))
    assert first.digest == again.digest != sentences_of(text.format("run")).digest


def test_templates_know_their_place_and_state(household: SentenceSet) -> None:
    answer = next(each for each in household.templates if each.text == "{duration}")
    assert answer.states == {"ask_duration"}
    assert answer.where.endswith("household.yaml:9")
    assert answer.needs == {"duration"}
    assert household.states == ["ask_duration", "ask_item"]


@pytest.mark.parametrize("language", languages())
def test_our_own_sentences_are_sound(language: str) -> None:
    assert own_sentences(language).language == language


def test_a_language_without_sentences_lists_the_others() -> None:
    with pytest.raises(UnderstandingError, match=r"one of: .*en"):
        own_sentences("xx")
