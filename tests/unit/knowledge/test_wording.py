import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.knowledge import spoken
from edgebot.knowledge.features import numbers_found, take_apart, wording_features
from edgebot.knowledge.logistic import sigmoid
from edgebot.knowledge.porter import stem
from edgebot.knowledge.questions import answer_type, holds
from edgebot.knowledge.words import content_words, stems_of


@given(st.lists(st.from_regex(r"[a-z]{1,14}", fullmatch=True), min_size=1, max_size=30))
def test_stems_are_those_of_the_index(words):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE f USING fts5(t, tokenize='porter unicode61')")
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(f, instance)")
    db.executemany("INSERT INTO f (rowid, t) VALUES (?, ?)", enumerate(words))
    indexed = dict(db.execute("SELECT doc, term FROM v"))
    strange = {"eed"}  # a bare suffix: SQLite cuts it to nothing but a letter
    assert all(indexed[n] == stem(word) for n, word in enumerate(words) if word not in strange)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("who was the first king", "person"),
        ("when did the war end", "time"),
        ("in what year was it built", "time"),
        ("where is the key", "place"),
        ("which country borders it", "place"),
        ("how many moons does mars have", "number"),
        ("how tall is it", "number"),
        ("why is the sky blue", "reason"),
        ("how do i stop a nosebleed", "manner"),
        ("is it safe", "yesno"),
        ("what is a quark", "other"),
    ],
)
def test_what_a_question_asks_for(question, kind):
    assert answer_type(question) == kind


@pytest.mark.parametrize(
    ("kind", "text", "held"),
    [
        ("time", "It was built in 1998.", True),
        ("time", "It was built quickly.", False),
        ("number", "There are twelve of them.", True),
        ("number", "There are many of them.", False),
        ("person", "The tree was planted by Ida.", True),
        ("person", "The tree was planted by somebody.", False),
        ("place", "They live in Ulm.", True),
        ("reason", "It broke because of rust.", True),
        ("other", "Anything.", None),
    ],
)
def test_whether_a_text_holds_it(kind, text, held):
    assert holds(kind, text) is held


def test_names_of_the_question_are_no_answer():
    assert not holds("person", "The tree of Ida is old.", frozenset({"ida"}))


def test_content_words():
    assert content_words("What is the boiling point of gold?") == ["boiling", "point", "gold"]
    assert content_words("who are you") == ["who", "are", "you"]
    assert stems_of("Crème Brûlées") == ["creme", "brule"]


def _rarity(word):
    return {"boil": 3.0, "melt": 3.0, "gold": 2.0}.get(word, 1.0)


def test_a_question_is_told_from_its_neighbour():
    asked = take_apart("what is the boiling point of gold", _rarity)
    right = wording_features(asked, ["At what point is gold boiling"])
    wrong = wording_features(asked, ["What is the melting point of gold"])
    assert right["wording_same"] == 1 and wrong["wording_same"] == 0
    assert right["wording_excess"] < wrong["wording_excess"]
    assert right["wording_coverage"] > wrong["wording_coverage"]


def test_numbers_of_the_question():
    asked = take_apart("who reigned in 1066 and 1087", _rarity)
    assert numbers_found(asked, {"1066"}) == 0.5
    assert numbers_found(take_apart("who reigned", _rarity), set()) == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It **is** `so` [1] (see https://example.org).", "It is so."),
        ("However, the king (1066–1087) left", "The king, 1066–1087, left."),
        ("Rollo (Old Norse: Hrólfr; died 930) swore", "Rollo swore."),
        ("A line\nbroken  in two", "A line broken in two."),
        ("", ""),
        ("***", ""),
    ],
)
def test_text_as_it_is_spoken(text, said):
    assert spoken.sentence(text) == said


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("Normans", "The duke left.", "According to Normans, the duke left."),
        ("Normans", "Rollo left.", "According to Normans, Rollo left."),
        ("Our *house*.", "It is old.", "According to Our house, it is old."),
        ("", "It is old.", "It is old."),
    ],
)
def test_the_source_is_said(title, text, said):
    assert spoken.with_source(title, text) == said


def test_only_the_columns_asked_for_are_spoken():
    row = "Element: potassium; symbol: K; atomic number: 19; used in: bananas."
    assert spoken.table_row(row, set(stems_of("symbol for potassium"))) == "Potassium: symbol K."
    assert spoken.table_row(row, set()) == "Potassium: symbol K, atomic number 19."
    assert spoken.table_row("No row: at all.", set()) == ""


@given(st.floats(-1e6, 1e6))
def test_probabilities(logit):
    assert 0.0 <= sigmoid(logit) <= 1.0
    assert abs(sigmoid(logit) + sigmoid(-logit) - 1) < 1e-9


@given(st.text(max_size=300))
def test_no_text_breaks_the_cleaning(text):
    said = spoken.with_source("Title", spoken.sentence(text))
    assert "\n" not in said
