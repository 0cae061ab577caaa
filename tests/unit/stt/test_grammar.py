import json
import logging
from pathlib import Path

import pytest

from edgebot.stt.grammar import FILLER_WEIGHT, compile_grammar
from edgebot.stt.vocabulary import Vocabulary

WORDS = ["turn", "on", "off", "the", "light", "eco", "bee", "five", "minutes", "yes", "no"]


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    file = tmp_path / "words.txt"
    fillers = [f"{a}{b}{c}" for a in "bdfg" for b in "aeiou" for c in "lmnr"]
    file.write_text("\n".join(f"{word} {n}" for n, word in enumerate(fillers)) + "\n")
    known = {*WORDS, *fillers}
    return Vocabulary(file, known.__contains__)


def test_fillers_are_no_words_of_the_phrases(vocabulary: Vocabulary) -> None:
    filler = vocabulary.fillers(300)[0]
    grammar = compile_grammar([f"turn on {filler}"], vocabulary)
    assert grammar.fillers and filler not in grammar.fillers
    assert set(json.loads(grammar.phrases_json)) == {f"turn on {filler}", *grammar.fillers}


def test_fillers_have_the_same_weight_beside_few_phrases_and_many(vocabulary: Vocabulary) -> None:
    few = compile_grammar(["yes", "no"], vocabulary)
    many = compile_grammar(["turn on the light", "yes"] * 4000, vocabulary)
    for grammar in (few, many):
        given = json.loads(grammar.phrases_json)
        fillers = sum(phrase in grammar.fillers for phrase in given)
        assert FILLER_WEIGHT * 0.8 < fillers / (len(given) - fillers) < FILLER_WEIGHT * 1.25


def test_a_phrase_is_mine(vocabulary: Vocabulary) -> None:
    grammar = compile_grammar(["turn on the light", "turn off the light"], vocabulary)
    assert grammar.judge(["turn", "off", "the", "light"], 0.99) == "mine"


def test_words_that_never_stand_side_by_side_are_not(vocabulary: Vocabulary) -> None:
    grammar = compile_grammar(["turn on the light", "five minutes"], vocabulary)
    assert grammar.judge(["light", "the", "five", "on", "turn"], 0.99) == "foreign"
    assert grammar.judge(["turn", "on", "the", "light", "minutes"], 0.99) == "doubtful"


def test_fillers_and_low_confidence_are_doubted(vocabulary: Vocabulary) -> None:
    grammar = compile_grammar(["turn on the light"], vocabulary)
    filler = next(iter(grammar.fillers))
    assert grammar.judge(["turn", "on", "the", "light"], 0.5) == "doubtful"
    assert grammar.judge([filler, filler, "light"], 1.0) == "foreign"
    assert grammar.judge([*["turn", "on", "the", "light"], filler], 1.0) == "doubtful"
    assert grammar.judge([], 0.0) == "foreign"


def test_unknown_words_are_respelled_or_named(
    vocabulary: Vocabulary, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        grammar = compile_grammar(
            ["turn on the ecobee", "turn on the qxzt", "turn off the light"], vocabulary
        )
    assert grammar.respelled == {("eco", "bee"): "ecobee"}
    assert grammar.unknown == ("qxzt",) and "qxzt" in caplog.text and "ecobee" not in caplog.text
    given = json.loads(grammar.phrases_json)
    assert "turn on the eco bee" in given and "turn on the" not in given


def test_a_text_of_another_engine_is_compared_in_this_spelling(vocabulary: Vocabulary) -> None:
    grammar = compile_grammar(["turn on the ecobee"], vocabulary)
    assert grammar.familiarity(grammar.spoken("Turn on the Ecobee.", vocabulary)) == 1.0
    assert grammar.familiarity(grammar.spoken("what a day", vocabulary)) == 0.0


@pytest.mark.parametrize("phrases", [[], ["", "  ", "?!"], ["qxzt"]])
def test_a_grammar_without_phrases_takes_nothing_as_its_own(
    vocabulary: Vocabulary, phrases: list[str]
) -> None:
    grammar = compile_grammar(phrases, vocabulary)
    assert not grammar.pairs
    assert grammar.judge(["yes"], 1.0) == "foreign"
