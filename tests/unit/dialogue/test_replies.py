"""Replies: variants, placeholders, pieces, and files that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from edgebot.core.errors import UnderstandingError
from edgebot.dialogue.build import load_replies
from edgebot.dialogue.replies import Replies, flatten
from edgebot.dialogue.sentences import split
from edgebot.dialogue.skill import Phrase
from tests.unit.dialogue.fakes import FakeClock

NOW = FakeClock().local()
ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "edgebot" / "dialogue"
LANGUAGES = sorted(path.stem for path in (FOLDER / "replies").glob("*.yaml"))


def made(**templates: list[str]) -> Replies:
    wording = {"double": lambda value, now: str(2 * value), "list": lambda v, now: "+".join(v)}
    return Replies(templates, wording)


def test_variants_take_turns() -> None:
    replies = made(hello=["Hi.", "Hello."])
    assert [replies.word("hello", {}, NOW)[0] for _ in range(3)] == ["Hi.", "Hello.", "Hi."]


def test_placeholders() -> None:
    replies = made(a=["{n} is {n:double}. {n:plural one/many}{who:if , said }."])
    assert replies.word("a", {"n": 3, "who": "Ada"}, NOW) == ["3 is 6.", "Many, said Ada."]
    assert replies.word("a", {"n": 1, "who": ""}, NOW) == ["1 is 2.", "One."]


def test_what_people_said_does_not_end_sentences() -> None:
    replies = made(a=["Reminder: {label}."])
    assert replies.word("a", {"label": "call Dr. No. Now!"}, NOW) == [
        "Reminder: call Dr. No. Now!."
    ]


def test_braces_in_values_are_only_braces() -> None:
    assert made(a=["{x}!"]).word("a", {"x": "{n} {0} {x.y}"}, NOW) == ["{n} {0} {x.y}!"]


def test_pieces_are_worded_first() -> None:
    replies = made(all=["All: {items:list}."], one=["{n}x"])
    items = [Phrase("one", {"n": 1}), Phrase("one", {"n": 2})]
    assert replies.word("all", {"items": items}, NOW) == ["All: 1x+2x."]


def test_attributes_cannot_be_reached() -> None:
    with pytest.raises(UnderstandingError):
        made(a=["{x.__class__}"]).word("a", {"x": 1}, NOW)


def test_missing_keys_and_values_are_named() -> None:
    with pytest.raises(UnderstandingError, match="no reply 'b'"):
        made(a=["x"]).word("b", {}, NOW)
    with pytest.raises(UnderstandingError, match="'a' needs a value for 'n'"):
        made(a=["{n}"]).word("a", {}, NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "cannot be read"),
        ("- a\n- b\n", "expected a mapping"),
        ("a: 5\n", "a: expected a text"),
        ("a: ['{n:nonsense}']\n", "{n:nonsense} is unknown; known:"),
        ("a: ['{n']\n", "a: "),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "xx.yaml"
    file.write_text(text)
    with pytest.raises(UnderstandingError, match=re.escape(why)) as caught:
        Replies.load(file, {})
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_reply(language: str) -> None:
    assert load_replies(language).keys == load_replies("en").keys


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_uses_the_same_values(language: str) -> None:
    ours, theirs = load_replies("en"), load_replies(language)
    for key in ours.keys:
        names = {n for v in ours.variants(key) for n in re.findall(r"\{(\w+)", v)}
        other = {n for v in theirs.variants(key) for n in re.findall(r"\{(\w+)", v)}
        assert other <= names | {"count"}, key


def test_every_reply_that_code_names_is_there() -> None:
    source = "\n".join(path.read_text() for path in FOLDER.rglob("*.py"))
    groups = sorted({key.partition(".")[0] for key in load_replies("en").keys})
    named = set(re.findall(rf'"((?:{"|".join(groups)})\.[a-z_]+)"', source))
    assert len(named) > 100
    assert named <= set(load_replies("en").keys)


def test_no_english_hides_in_the_code() -> None:
    """What a person hears comes from the files: no skill builds a sentence."""
    for file in (FOLDER / "skills").glob("*.py"):
        assert not re.search(r"Outcome\(text=f?[\"']", file.read_text()), file.name


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. No has 3.5 apples. Good.", ["Dr. No has 3.5 apples.", "Good."]),
        ("J. R. came.", ["J. R. came."]),
        ("No end", ["No end"]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_flatten() -> None:
    assert flatten({"a": {"b": "x", "c": {"d": ["y"]}}}, "f") == {"a.b": ["x"], "a.c.d": ["y"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_every_language_have_the_same_tables(language: str) -> None:
    files = {
        name: yaml.safe_load((FOLDER / "words" / f"{name}.yaml").read_text())
        for name in ("en", language)
    }
    assert files[language].keys() == files["en"].keys()


def test_holidays_that_are_understood_are_known() -> None:
    sentences = yaml.safe_load((ROOT / "edgebot/nlu/sentences/en/time.yaml").read_text())
    words = yaml.safe_load((FOLDER / "words/en.yaml").read_text())
    assert set(sentences["lists"]["holiday"]["values"]) <= set(words["holidays"])
