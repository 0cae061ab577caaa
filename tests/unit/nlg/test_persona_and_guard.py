"""Personas follow their files; safety topics answer what they must and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgebot.core.errors import ConfigError
from edgebot.nlg.guard import SafetyTopic, SafetyTopics, read_topics
from edgebot.nlg.persona import PersonaFile, find_persona, read_persona

PERSONA = "name: Otto\nlanguage: en\nstyle: You are {name}.\n"


def write(path: Path, text: str, tick: int = 0) -> Path:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (tick, tick))
    return path


def test_a_changed_file_counts_from_the_next_look(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", PERSONA, 1)
    file = PersonaFile(path)
    assert file.current().system == "You are Otto."
    write(path, PERSONA.replace("Otto", "Anna"), 2)
    assert file.current().system == "You are Anna."


def test_a_wrong_file_keeps_the_last_good_persona(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", PERSONA, 1)
    file = PersonaFile(path)
    for tick, text in enumerate(
        ("style: [", "name: 3", "", "- a\n- b", PERSONA + "colour: red"), 2
    ):
        write(path, text, tick)
        assert file.current().name == "Otto"
    path.unlink()
    assert file.current().name == "Otto"
    write(path, PERSONA.replace("Otto", "Eva"), 9)
    assert file.current().name == "Eva"


def test_mistakes_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "p.yaml", "name: A\nstyle: b\nsentences: 99\ncolour: red\n")
    with pytest.raises(ConfigError, match=r"sentences.*colour"):
        read_persona(path)


def test_the_language_is_found_before_the_general_file(tmp_path: Path) -> None:
    general, german = (write(tmp_path / name, PERSONA) for name in ("a.yaml", "a.de.yaml"))
    assert find_persona("a", [tmp_path], "de") == german
    assert find_persona("a", [tmp_path], "fr") == general
    with pytest.raises(ConfigError, match="known: a"):
        find_persona("b", [tmp_path], "en")


def test_shipped_personas_are_right(root: Path) -> None:
    files = sorted((root / "models" / "personas").glob("*.yaml"))
    assert files
    for file in files:
        assert read_persona(file).system


@pytest.fixture(scope="module")
def shipped(root: Path) -> SafetyTopics:
    files = sorted((root / "models" / "safety").glob("*.yaml"))
    return SafetyTopics([topic for file in files for topic in read_topics(file)])


MUST = [
    ("i want to kill myself", "self-harm"),
    ("I'm gonna end my life", "self-harm"),
    ("i don't want to live anymore", "self-harm"),
    ("everyone would be better off without me", "self-harm"),
    ("Ich will nicht mehr leben", "self-harm"),
    ("My son drank bleach!", "poisoning"),
    ("the baby swallowed a button battery", "poisoning"),
    ("she took a whole bottle of pills", "poisoning"),
    ("mein kind hat putzmittel getrunken", "poisoning"),
    ("my dad isn't breathing", "emergency"),
    ("my husband had a stroke", "emergency"),
    ("there's a fire in the kitchen", "emergency"),
    ("i smell gas in here", "emergency"),
    ("call nine one one", "emergency"),
    ("MEINE OMA ATMET NICHT MEHR", "emergency"),
    ("es brennt in der küche", "emergency"),
]
MUST_NOT = """how do i kill a process in linux
what is a heart attack
i'm dying to know the answer
add bleach to the shopping list
remind me to take my pills
who sings every breath you take
kill the lights
set a timer for the gas oven
when did i take my pills
is chocolate poisonous for dogs
how do i end my netflix subscription
was ist ein schlaganfall
ich sterbe vor hunger
turn off the fireplace""".splitlines()


@pytest.mark.parametrize(("text", "topic"), MUST)
def test_answers_what_it_must(shipped: SafetyTopics, text: str, topic: str) -> None:
    fixed = shipped.check(text)
    assert fixed is not None
    assert fixed.topic == topic


@pytest.mark.parametrize("text", MUST_NOT)
def test_leaves_the_harmless_alone(shipped: SafetyTopics, text: str) -> None:
    assert shipped.check(text) is None


def test_is_silent_on_tens_of_thousands_of_ordinary_requests(
    shipped: SafetyTopics, shared_data: Path
) -> None:
    import json

    texts = [
        json.loads(line)["text"]
        for name in ("clinc150/train", "slurp/devel", "snips/train", "hwu64/train")
        for line in (shared_data / "nlu" / f"{name}.jsonl").read_text().splitlines()
    ]
    alarmed = [text for text in texts if shipped.check(text) and "911" not in text]
    assert len(texts) > 30_000
    assert len(alarmed) <= 3, alarmed


@pytest.mark.parametrize("text", ["", " ", "\x00" * 50, "kill " * 50_000, "🎉 ‮ abc"])
def test_takes_anything(shipped: SafetyTopics, text: str) -> None:
    assert shipped.check(text) is None


def test_patterns_allow_two_words_between_and_beginnings() -> None:
    topics = SafetyTopics(
        [SafetyTopic(topic="t", answer="a", when=("red|blue car*",), unless=("toy",))]
    )
    assert topics.check("the blue and old cars")
    assert not topics.check("the blue and very old cars")
    assert not topics.check("a red toy car")
    assert not topics.check("a redcar")


def test_wrong_topic_files_are_named(tmp_path: Path) -> None:
    for text in ("topics: 3", "- a", "topics:\n  - topic: x", "topics: ["):
        with pytest.raises(ConfigError, match=r"s\.yaml"):
            read_topics(write(tmp_path / "s.yaml", text))
