import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.knowledge.document import Document, Pair, Section
from edgebot.knowledge.passages import MAX_WORDS, cut
from edgebot.knowledge.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rains. We stay.", ["It rains.", "We stay."]),
        ("Dr. Ada met Mr. Bo. They left.", ["Dr. Ada met Mr. Bo.", "They left."]),
        ("It costs 3.50 euros. Pay now!", ["It costs 3.50 euros.", "Pay now!"]),
        ("J. R. R. Tolkien wrote it. It sold.", ["J. R. R. Tolkien wrote it.", "It sold."]),
        ('He said "Stop." Then he ran.', ['He said "Stop."', "Then he ran."]),
        ("Born in the U.S. The family moved.", ["Born in the U.S.", "The family moved."]),
        ("one\ntwo", ["one", "two"]),
        ("What? Why? Because.", ["What?", "Why?", "Because."]),
        ("", []),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


@given(st.text(max_size=400))
def test_sentences_lose_no_word(text):
    assert " ".join(split_sentences(text)).split() == text.split()


def test_a_passage_never_reaches_over_a_heading():
    document = Document("T", (Section("Short one.", ("A",)), Section("Short two.", ("B",))))
    assert [(draft.heading, draft.text) for draft in cut(document)] == [
        ("A", "Short one."),
        ("B", "Short two."),
    ]


def test_short_paragraphs_are_joined_and_long_ones_cut_between_sentences():
    short = "A few words here."
    long = " ".join(f"Sentence number {n} has exactly eight words here." for n in range(60))
    drafts = cut(Document("T", (Section(f"{short}\n\n{short}\n\n{long}"),)))
    assert drafts[0].text == f"{short}\n{short}"
    assert all(len(draft.text.split()) <= MAX_WORDS for draft in drafts)
    assert all(draft.text.endswith(".") for draft in drafts)
    assert " ".join(draft.text for draft in drafts[1:]) == long


def test_text_without_sentences_or_spaces_is_cut_anyway():
    drafts = cut(Document("T", (Section("x" * 100_000 + " " + "word " * 1000),)))
    assert all(len(draft.text.split()) <= MAX_WORDS for draft in drafts)
    assert sum(draft.text.count("x") for draft in drafts) == 100_000


def test_the_same_passage_is_kept_once_and_pairs_stay_whole():
    pair = Pair(("When", "What time"), "At noon.")
    drafts = cut(Document("T", (Section("Same."), Section("Same.")), (pair, pair)))
    assert [draft.text for draft in drafts] == ["Same.", "At noon."]
    assert drafts[1].embedded_texts == ("When", "What time", "At noon.")
