"""Every file can be read, every answer can be spoken, and no question has two answers."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import yaml

LONGEST_ANSWER = 300
"""Characters; about twenty seconds of speech."""

MARKUP = re.compile(r"[*_`#<>|\[\]{}\\]|https?:")
SETTING = re.compile(r"\b[a-z0-9]+(?:\.[a-z_]+)*_[a-z0-9_]+(?:\.[a-z_]+)*\b|\bEDGEBOT_[A-Z_]+\b")
"""Names of settings and commands keep their underscores."""

SPELLINGS = {"meter": "metre", "liter": "litre", "color": "colour", "aluminum": "aluminium"}


def heard(question: str) -> str:
    """What a recogniser would leave of it: lower case, no punctuation."""
    return " ".join(re.sub(r"[^\w\s]", "", question.casefold()).split())


def normal(question: str) -> str:
    """The same for all spellings, numbers and articles of one question."""
    words = [word.removesuffix("s") if len(word) > 2 else word for word in heard(question).split()]
    return " ".join(SPELLINGS.get(word, word) for word in words if word not in ("an", "the"))


def test_everything_is_utf8_in_composed_form(knowledge):
    for path in knowledge.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("utf-8")
            assert unicodedata.is_normalized("NFC", text), path
            assert "\r" not in text and "\t" not in text and "\ufeff" not in text, path
            assert text.endswith("\n"), path


def test_only_documents_lie_in_the_folder(knowledge):
    endings = {path.suffix for path in knowledge.rglob("*") if path.is_file()}
    assert endings == {".md", ".yaml", ".csv"}


def test_every_pair_file_has_a_title_of_its_own(documents):
    titles = [doc.title for name, doc in documents.items() if name.endswith(".yaml")]
    assert len(titles) == len(set(titles))
    assert all(title[0].isupper() and len(title) < 50 for title in titles)


def test_pairs_hold_only_known_keys_and_strings(knowledge):
    for path in knowledge.rglob("*.yaml"):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert set(loaded) == {"title", "pairs"}, path
        for pair in loaded["pairs"]:
            assert set(pair) <= {"q", "a", "source"}, (path, pair)
            wordings = pair["q"] if isinstance(pair["q"], list) else [pair["q"]]
            # Unquoted yes, no and numbers would arrive as something else than text.
            assert all(isinstance(text, str) for text in [*wordings, pair["a"]]), (path, pair)


def test_questions_are_few_and_differ(documents):
    for name, document in documents.items():
        for pair in document.pairs:
            assert 1 <= len(pair.questions) <= 8, (name, pair)
            assert len({heard(q) for q in pair.questions}) == len(pair.questions), (name, pair)
            assert all(q[0].isupper() and q[-1] not in ".?!," for q in pair.questions), (name, pair)


def test_a_number_in_a_question_is_given_in_words_too(documents):
    """A recogniser writes "thirty one days", a keyboard "31 days"."""
    for name, document in documents.items():
        for pair in document.pairs:
            assert any(not re.search(r"\d", question) for question in pair.questions), (name, pair)


def test_answers_can_be_spoken(documents):
    for name, document in documents.items():
        for pair in document.pairs:
            assert len(pair.answer) <= LONGEST_ANSWER, (name, pair.answer)
            assert pair.answer[-1] in ".!?", (name, pair.answer)
            assert pair.answer[0].isupper() or pair.answer[0].isdigit(), (name, pair.answer)
            spoken = SETTING.sub("", pair.answer)
            assert not MARKUP.search(spoken), (name, pair.answer)
            assert "(" not in pair.answer and ".." not in pair.answer, (name, pair.answer)


def test_a_yes_or_no_answers_a_question_that_asks_for_it(documents):
    asks = re.compile(
        r"^(Is|Are|Was|Were|Will|Do|Does|Did|Can|Could|Should|May|Has|Have|Which cleaners)\b"
    )
    for name, document in documents.items():
        for pair in document.pairs:
            if re.match(r"(Yes|No),", pair.answer):
                assert any(asks.match(question) for question in pair.questions), (name, pair)


def test_no_question_has_two_answers(documents):
    found: dict[str, set[str]] = defaultdict(set)
    for document in documents.values():
        for pair in document.pairs:
            for question in pair.questions:
                found[normal(question)].add(pair.answer)
    assert {question: said for question, said in found.items() if len(said) > 1} == {}


def test_no_question_stands_in_two_places(documents):
    places: dict[str, set[object]] = defaultdict(set)
    for name, document in documents.items():
        for pair in document.pairs:
            for question in pair.questions:
                places[normal(question)].add((name, pair.questions))
    assert {question: where for question, where in places.items() if len(where) > 1} == {}


def test_tables_are_rectangular(knowledge):
    for path in knowledge.rglob("*.csv"):
        rows = list(csv.reader(path.open(encoding="utf-8", newline="")))
        assert all(len(row) == len(rows[0]) for row in rows), path
        assert all(cell == cell.strip() for row in rows for cell in row), path
        assert all(re.fullmatch(r"[A-Za-z ]+", column) for column in rows[0]), path
        assert len({row[0] for row in rows}) == len(rows), path


def test_pages_have_short_paragraphs(knowledge: Path):
    for path in knowledge.rglob("*.md"):
        prose = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for paragraph in prose.split("\n\n"):
            if not paragraph.startswith("|"):
                assert len(paragraph) <= 700, (path, paragraph)


def test_there_is_enough_to_be_useful(documents):
    pairs = sum(len(document.pairs) for document in documents.values())
    rows = sum(len(document.sections) for document in documents.values())
    assert pairs >= 1000 and pairs + rows <= 3000


def test_the_page_about_the_folder_is_not_a_document(documents):
    assert not any("README" in name for name in documents)
