from pathlib import Path

import pytest

from edgebot.stt.vocabulary import Vocabulary, words_of

KNOWN = {"eco", "bee", "turn", "on", "kitchen", "kitchens", "a", "e", "cobee", "ecob", "ee", "tv"}


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    file = tmp_path / "words.txt"
    short = [f"{a}{b}x" for a in "abcdefgh" for b in "abcdefgh"]
    lines = ["<eps> 0", "!SIL 1", *(f"{word} {n}" for n, word in enumerate(short, 2)), "", "b12 99"]
    file.write_text("\n".join(lines))
    return Vocabulary(file, KNOWN.__contains__)


def test_known_words_stay_as_they_are(vocabulary: Vocabulary) -> None:
    assert vocabulary.spell("kitchen") == ("kitchen",)
    assert "kitchen" in vocabulary and "cellar" not in vocabulary


def test_unknown_words_are_cut_where_the_pieces_are_longest(vocabulary: Vocabulary) -> None:
    assert vocabulary.spell("ecobee") == ("eco", "bee")  # not "ecob ee", and never "e cobee"


def test_an_apostrophe_is_given_up_before_a_word_is_cut(vocabulary: Vocabulary) -> None:
    assert vocabulary.spell("kitchen's") == ("kitchens",)


@pytest.mark.parametrize("word", ["qxz", "", "x", "é" * 40])
def test_what_cannot_be_written_is_empty(vocabulary: Vocabulary, word: str) -> None:
    assert vocabulary.spell(word) == ()


def test_fillers_are_short_words_from_all_over_the_alphabet(vocabulary: Vocabulary) -> None:
    fillers = vocabulary.fillers(16)
    assert len(fillers) == len(set(fillers)) == 16
    assert {word[0] for word in fillers} == set("abcdefgh")
    assert all(len(word) == 3 and word.isalpha() for word in fillers)
    assert fillers == vocabulary.fillers(16)


def test_phrases_lose_their_punctuation() -> None:
    assert words_of("Turn on the Mother-in-law’s TV!") == [
        "turn", "on", "the", "mother", "in", "law's", "tv",
    ]  # fmt: skip
    assert words_of("…?!") == []
