"""What reaches the voice can be spoken: no markup, code, addresses, emoji, recitals, loops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlg.sentences import split_sentences
from edgebot.nlg.spoken import SpokenText, speakable


def spoken(text: str, **options: str) -> list[str]:
    return list(speakable(split_sentences([text]), **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Bold** and *italic* and `code`.", ["Bold and italic and code."]),
        ("## Heading\nText.", ["Heading.", "Text."]),
        ("- one thing\n* another thing\n3) a third", ["One thing.", "Another thing.", "A third."]),
        ("> quoted words here", ["Quoted words here."]),
        ("See [the site](https://a.example/x) now.", ["See the site now."]),
        ("Look at https://a.example/b?c=d for more.", ["Look at for more."]),
        ("Write to me@home.example today.", ["Write to today."]),
        ("Great 😀 news 🎉!", ["Great news!"]),
        ("It is 5 °C and costs €20.", ["It is 5 °C and costs €20."]),
        ("-5 degrees outside.", ["-5 degrees outside."]),
        ("Assistant: Hello you.", ["Hello you."]),
        ("Edda: Hello you.", ["Hello you."]),
        (
            "Here are the planets:\nMercury and Venus.",
            ["Here are the planets.", "Mercury and Venus."],
        ),
        ("<b>Hello</b> <|im_start|> you.", ["Hello you."]),
        ("As an AI language model, I can help.", ["I can help."]),
        ("I am Edda, an assistant created by OpenAI.", ["I am Edda, an assistant."]),
        ("GPT was developed by OpenAI.", ["GPT was developed by OpenAI."]),
        ('It is called "rain."', ['It is called "rain."']),
        ("First, the egg,", ["First, the egg."]),
        ("naïve café", ["Naïve café."]),
    ],
)
def test_cleans(text: str, expected: list[str]) -> None:
    assert spoken(text, name="Edda") == expected


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = f(1)\nreturn x\n```",
        "```js\nno end of the fence",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "def add(a, b):\n    return a + b",
        "print(add(5, 6))",
        "***\n---\n...",
        "{}[]();",
        "\\frac{a}{b}",
        "https://a.example",
        "🎉🎉🎉",
        "今天天气很好。",
        "\x00\x07\x1b",
    ],
)
def test_drops_what_cannot_be_spoken(text: str) -> None:
    assert spoken(text) == []


def test_code_between_words_is_left_out() -> None:
    text = "This adds numbers:\n```python\ndef f(a): return a\n```\nCall it with two."
    assert spoken(text) == ["This adds numbers.", "Call it with two."]


def test_another_script_is_spoken_where_it_is_the_language() -> None:
    assert spoken("今天天气很好。", language="zh") == ["今天天气很好。"]


def test_ends_when_the_model_plays_the_person() -> None:
    assert spoken("Hello.\nUser: and now?\nAssistant: Again.") == ["Hello."]


def test_the_prompt_is_not_recited() -> None:
    prompt = "You are a voice assistant at home and your answers are spoken aloud."
    text = "My rules: You are a voice assistant at home and your answers are short. It rains."
    assert spoken(text, prompt=prompt) == ["It rains."]


def test_repeated_sentences_are_said_once_and_end_the_reply() -> None:
    text = "The sky is blue. The sky is blue! The sky is blue. New words come."
    assert spoken(text) == ["The sky is blue."]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_takes_anything(text: str) -> None:
    cleaner = SpokenText(name="E(dda", prompt=text)
    for sentence in split_sentences([text]):
        clean = cleaner.clean(sentence)
        assert "\n" not in clean
        assert "```" not in clean
        assert "http" not in clean.lower() or "://" not in clean
