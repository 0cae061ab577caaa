import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.core.embedding import TokenVectors
from edgebot.knowledge import spoken
from edgebot.knowledge.features import take_apart
from edgebot.knowledge.mismatch import mismatch_features
from edgebot.knowledge.porter import stem
from edgebot.knowledge.short import certainty, short_answer
from edgebot.knowledge.span_features import asked_of
from edgebot.knowledge.spans import candidates, text_of, word_vectors, words_in
from edgebot.knowledge.words import words_of

CANAL = "The canal was opened in November 1869. Ferdinand de Lesseps (a diplomat) built it."


def question(text):
    return take_apart(text, lambda _stem: 1.0)


def stretches(text, sentences):
    words = words_in(text)
    firsts, lasts = candidates(words, sentences)
    return {text_of(words, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)}


def test_words_know_where_they_stand_and_in_which_sentence():
    words = words_in(CANAL)
    assert [CANAL[a:b] for a, b in zip(words.starts, words.ends, strict=True)] == list(words.plain)
    assert words.sentence.tolist() == [0] * 7 + [1] * 7
    assert words.before[0] == words.before[7] == "\n"
    assert words.before[10] == "("


def test_stretches_neither_cross_sentences_nor_brackets_nor_end_in_small_words():
    found = stretches(CANAL, [0, 1])
    assert {"November 1869", "1869", "The canal", "Ferdinand de Lesseps"} <= found
    assert not any("Lesseps a" in one or "1869 Ferdinand" in one for one in found)
    assert not any(one.split()[-1] in ("in", "was", "a", "the") for one in found)
    assert stretches(CANAL, [1]) < found
    assert "T cells" in stretches("They are called T cells here.", [0])


@given(st.text(max_size=300))
def test_any_text_has_stretches_within_it(text):
    words = words_in(text)
    firsts, lasts = candidates(words, sorted(set(words.sentence.tolist())))
    assert len(firsts) == len(lasts)
    assert all(0 <= a <= b < len(words) for a, b in zip(firsts, lasts, strict=True))
    assert all(words.sentence[a] == words.sentence[b] for a, b in zip(firsts, lasts, strict=True))


@pytest.mark.parametrize(
    ("asked", "wh", "focus", "verb"),
    [
        ("In what year did the canal open?", 1, ("year",), "canal"),
        ("What type of river is the Rhine?", 0, ("river",), "Rhine"),
        ("How many locks does it have?", 0, ("locks",), None),
        ("Who built the canal?", 0, (), "built"),
        ("tell me about canals", 0, (), "canals"),
    ],
)
def test_what_a_question_asks_for(asked, wh, focus, verb, encoder):
    words = words_in(asked).plain
    found = asked_of(question(asked), encoder.tokens(asked))
    assert found.wh == wh
    assert tuple(words[one] for one in found.focus) == focus
    assert (words[found.follower] if found.follower >= 0 else None) == verb


def test_words_the_encoder_has_not_seen_have_no_meaning():
    words = words_in("one two three")
    pieces = TokenVectors(np.ones((1, 4), np.float32), ((0, 3),))
    assert word_vectors(words, pieces).sum(axis=1).tolist() == [4.0, 0.0, 0.0]


def test_stretches_that_overlap_the_best_one_are_the_same_answer():
    firsts, lasts = np.array([0, 0, 5]), np.array([1, 2, 5])
    sure = certainty(np.array([3.0, 2.5, -3.0], np.float32), firsts, lasts)
    torn = certainty(np.array([3.0, -3.0, 2.5], np.float32), firsts, lasts)
    assert sure["span_same"] > 0.9 > torn["span_same"]
    assert sure["span_margin"] > torn["span_margin"]


def _wide(text):
    """Vectors as long as those the network knows."""
    found = words_in(text)
    spans = tuple(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    draw = np.random.default_rng(0)
    return TokenVectors(draw.standard_normal((len(spans), 384)).astype(np.float32), spans)


def test_sentences_that_give_orders_are_not_searched():
    ask = question("when was the canal opened")
    pieces, inside = _wide(ask.text), _wide(CANAL)
    found = short_answer(ask, pieces, CANAL, inside, [float("-inf"), 0.0])
    assert found.start >= CANAL.index("Ferdinand")
    assert short_answer(ask, pieces, CANAL, inside, [float("-inf")] * 2) is None
    assert short_answer(ask, pieces, "…", _wide("…"), [0.0]) is None


def test_nobody_is_a_number_and_what_is_denied_does_not_stand_alone():
    def answer(asked, text):
        ask = question(asked)
        sentences = [0.0] * (int(words_in(text).sentence.max()) + 1)
        return short_answer(ask, _wide(asked), text, _wide(text), sentences)

    assert not any(mark.isdigit() for mark in answer("who opened it", CANAL).text)
    assert answer("what does E1 mean", "Not water.").alone is False
    assert answer("what does E1 mean", "Enough water.").alone


@pytest.mark.parametrize(
    ("asked", "sentence", "sign"),
    [
        ("What is the smallest moon?", "Titan is the largest moon.", "opposite"),
        ("What never freezes?", "Water freezes at zero degrees.", "negation"),
        ("What did Anna write?", "Only Bruno wrote a book.", "names"),
        ("Who won in 1954?", "Germany won in 1974.", "numbers"),
    ],
)
def test_what_speaks_against_a_sentence(asked, sentence, sign):
    stems = {stem(word) for word in words_of(sentence)}
    assert mismatch_features(question(asked), sentence, stems)[f"mismatch_{sign}"] == 1.0
    same = mismatch_features(question(sentence), sentence, stems)
    assert not any(same.values())


def test_a_short_answer_is_spoken_with_its_source():
    assert spoken.short_with_source("Suez Canal", "in 1869") == "In 1869, according to Suez Canal."
    assert spoken.short_with_source("", "1869") == "1869."
