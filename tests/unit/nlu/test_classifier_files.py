"""Labelled texts, pictures of confusion, heat maps, and the examples of our own classifier."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.classifier.data_file import read_labelled
from edgebot.nlu.classifier.own import collect, own_model, paraphrases
from edgebot.nlu.classifier.picture import confusion_png, confusion_svg, write_pictures
from edgebot.nlu.heat_map import heat_map
from edgebot.nlu.language import languages, out_of_scope
from edgebot.nlu.mistakes import WrongSentences
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.syntax import parse
from edgebot.nlu.templates import SentenceSet
from tests.unit.nlu.conftest import WordEncoder

Maker = Callable[[str], SentenceSet]


def test_tab_separated_rows_and_their_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_bytes(
        b"\xef\xbb\xbfid\tText\tINTENT\r\n"
        b"1\tplay  a song\tmusic\r\n"
        b"\r\n"
        b"2\tno intent\t \n"
        b"3\ttoo\tmany\tcells\n"
        b"4\t?!\tmusic\n"
        b"5\tbroken \xff\tmusic\n"
        b"6\t" + b"a" * 5000 + b"\tmusic\n"
        b"7\tlast\toos"
    )
    found = read_labelled(path)
    assert (found.texts, found.intents) == (["play a song", "last"], ["music", "oos"])
    assert [str(mistake).removeprefix(f"{path}:") for mistake in found.mistakes] == [
        "4: no intent",
        "5: 4 columns, the header has 3",
        "6: the text has neither a letter nor a figure",
        "7: not UTF-8; save the file as UTF-8",
        "8: the text has 5000 characters, 4000 at most",
    ]


def test_json_lines_and_their_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a b", "intent": "x", "more": 1}\nnonsense\n[1]\n{"text": 5}\n\n')
    found = read_labelled(path)
    assert (found.texts, found.intents) == (["a b"], ["x"])
    lines = [str(mistake).removeprefix(f"{path}:")[:2] for mistake in found.mistakes]
    assert lines == ["2:", "3:", "4:"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no usable row"),
        ("text\tintent\n", "no usable row"),
        ("txt\tintent\na\tb\n", r"no column 'text'; did you mean 'txt'\?"),
        ("play a song\tmusic\n", "must name the columns"),
        ("text\tintent\nonly\n", ":2: 1 columns"),
    ],
)
def test_a_file_without_rows_says_why(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "data.tsv"
    path.write_text(content)
    with pytest.raises(UnderstandingError, match=words):
        read_labelled(path)


CONFUSION = {"a<b": {"a<b": 3, "c": 1}, "c": {"c": 2}, "oos": {"a<b": 1}}


def test_the_svg_holds_every_cell_and_the_worst_mistakes() -> None:
    svg = ET.fromstring(confusion_svg(CONFUSION, "mine & yours"))
    titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert sorted(map(str, titles)) == [
        "a<b → a<b: 3 of 4",
        "a<b → c: 1 of 4",
        "c → c: 2 of 2",
        "oos → a<b: 1 of 1",
    ]
    words = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "1 × a<b taken for c" in words
    assert "mine & yours" in words


def test_the_png_shows_right_in_blue_and_wrong_in_red() -> None:
    raw = confusion_png(CONFUSION, cell=1)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", raw[16:24])
    assert (width, height) == (3, 3)
    start = raw.index(b"IDAT")
    (length,) = struct.unpack(">I", raw[start - 4 : start])
    rows = zlib.decompress(raw[start + 4 : start + 4 + length])
    pixels = np.frombuffer(rows, np.uint8).reshape(3, 10)[:, 1:].reshape(3, 3, 3)
    assert pixels[1, 1, 2] > pixels[1, 1, 0]
    assert pixels[2, 0, 0] > pixels[2, 0, 2]
    assert pixels[2, 2].tolist() == [255, 255, 255]


def test_pictures_lie_side_by_side(tmp_path: Path) -> None:
    written = write_pictures(CONFUSION, "t", tmp_path / "confusion.png")
    assert [path.name for path in written] == ["confusion.svg", "confusion.png"]
    assert all(path.stat().st_size > 50 for path in written)
    assert confusion_svg({}, "empty").startswith("<svg")
    assert confusion_png({}).startswith(b"\x89PNG")


def test_the_heat_map_escapes_what_was_said() -> None:
    page = heat_map("<script>x", "timer_set", 0.9, [("<script>x", 1.0), ("not", -0.5)])
    assert "<script>" not in page
    assert "&lt;script&gt;x" in page
    assert "rgba(40, 110, 220, 1.0)" in page
    assert "rgba(220, 60, 50, 0.5)" in page
    assert "out of scope" in heat_map("x", None, 0.1, [])


def test_examples_are_drawn_written_and_strange(household: SentenceSet, tmp_path: Path) -> None:
    folder = tmp_path / "en"
    (folder / "paraphrases").mkdir(parents=True)
    (folder / "paraphrases" / "timers.yaml").write_text(
        'timer_set: ["give me a (nudge|shout) in {duration}"]\n'
    )
    (folder / "_out_of_scope.yaml").write_text('- "who wrote hamlet"\n- "stop it"\n')
    examples = collect(household, True, tmp_path)
    by_text = dict(zip(examples.texts, examples.intents, strict=True))
    assert by_text["who wrote hamlet"] == "oos"
    assert by_text.get("stop it") != "oos"
    assert any(text.startswith("give me a") for text in by_text)
    assert set(by_text.values()) == {*household.intents, "oos"}
    assert len(set(zip(examples.groups, examples.intents, strict=True))) == len(
        set(examples.groups)
    )
    assert collect(household, True, tmp_path) == examples


def test_paraphrases_of_an_unknown_intent_are_mistakes(
    household: SentenceSet, tmp_path: Path
) -> None:
    folder = tmp_path / "en" / "paraphrases"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text('timer_sets: ["x"]\nstop: ["halt ("]\ntime_now: 5\n')
    with pytest.raises(WrongSentences) as caught:
        paraphrases(household, tmp_path)
    messages = [mistake.message for mistake in caught.value.mistakes]
    assert messages[0] == "there is no intent 'timer_sets'; did you mean 'timer_set'?"
    assert "never closed" in messages[1]
    assert "list of sentences" in messages[2]


def test_the_classifier_is_trained_once_and_again_when_it_is_damaged(
    household: SentenceSet, tmp_path: Path
) -> None:
    encoder = WordEncoder()
    assert own_model(household, encoder, tmp_path, own=False) is not None
    trained = encoder.calls
    again = own_model(household, encoder, tmp_path, own=False)
    assert encoder.calls == trained
    assert again is not None
    kept = next((tmp_path / "classifiers").iterdir())
    (kept / "weights.npz").write_bytes(b"")
    assert own_model(household, encoder, tmp_path, own=False) is not None
    assert encoder.calls > trained


def test_a_prepared_classifier_is_used_and_nothing_is_trained_or_written(
    household: SentenceSet, tmp_path: Path
) -> None:
    maker, board = tmp_path / "maker", tmp_path / "board"
    made = own_model(household, WordEncoder(), maker, own=False)
    encoder = WordEncoder()
    found = own_model(household, encoder, board, own=False, prepared=maker)
    assert encoder.calls == 0
    assert not board.exists()
    assert made is not None
    assert found is not None
    assert found.about == made.about
    kept = next((maker / "classifiers").iterdir())
    (kept / "weights.npz").write_bytes(b"")  # damaged: trained, and kept where it may be
    assert own_model(household, encoder, board, own=False, prepared=maker) is not None
    assert encoder.calls > 0
    assert (board / "classifiers" / kept.name / "model.json").is_file()


def test_one_intent_has_no_classifier(sentences_of: Maker, tmp_path: Path) -> None:
    alone = sentences_of("language: en\nintents: {a: {data: [{sentences: [go]}]}}\n")
    assert own_model(alone, WordEncoder(), tmp_path, own=False) is None


@pytest.mark.parametrize("language", languages())
def test_our_own_examples_are_sound(language: str) -> None:
    sentences = own_sentences(language)
    for written in paraphrases(sentences).values():
        for text in written:
            parse(text)
    for text in out_of_scope(language):
        parse(text)
    examples = collect(sentences, own=True)
    counts = {intent: examples.intents.count(intent) for intent in set(examples.intents)}
    assert counts["oos"] >= 50
    assert min(counts.values()) >= 2
