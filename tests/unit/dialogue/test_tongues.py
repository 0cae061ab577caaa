"""Which language something was said in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgebot.dialogue.tongues import foreign, others


@pytest.mark.parametrize(
    ("text", "own", "expected"),
    [
        ("quelle heure est-il", "en", "fr"),
        ("Comment tu t'appelles ?", "en", "fr"),
        ("wie spät ist es", "en", "de"),
        ("stell einen Timer auf zehn Minuten", "en", "de"),
        ("¿qué hora es?", "en", "es"),
        ("che ore sono adesso", "en", "it"),
        ("hoe laat is het", "en", "nl"),
        ("que horas são", "en", "pt"),
        ("what time is it", "de", "en"),
        ("tell me a joke about the weather", "de", "en"),
        ("what time is it", "en", None),
        ("what does guten morgen mean", "en", None),
        ("how do you say where is the station in french", "en", None),
        ("la la land", "en", None),
        ("who wrote les miserables", "en", None),
        ("where is los angeles", "en", None),
        ("spiel mir was von den beatles", "de", None),
        ("asdf qwer zxcv", "en", None),
        ("", "en", None),
        ("42", "en", None),
        ("wie spät ist es", "xx", None),
    ],
)
def test_languages(text: str, own: str, expected: str | None) -> None:
    assert foreign(text, own) == expected


def test_english_is_never_taken_for_anything_else(shared_data: Path) -> None:
    wrong = []
    for name in ("snips/train", "clinc150/train", "hwu64/train", "slurp/devel"):
        lines = (shared_data / "nlu" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines[::5]]
        wrong += [text for text in texts if foreign(text, "en")]
    assert len(wrong) <= 5, wrong


def test_our_own_paraphrases_are_our_own_language(root: Path) -> None:
    folder = root / "edgebot" / "nlu" / "sentences" / "en" / "paraphrases"
    for file in folder.glob("*.yaml"):
        for texts in yaml.safe_load(file.read_text(encoding="utf-8")).values():
            assert not [text for text in texts if foreign(text, "en")]


@given(st.text(max_size=300), st.sampled_from(["en", "de"]))
def test_any_text_will_do(text: str, own: str) -> None:
    assert foreign(text, own) in {None, *(code for code, _ in others(own))}
