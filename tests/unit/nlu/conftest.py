"""A small household of sentences, and an encoder that needs no model."""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from edgebot.core.embedding import Vectors
from edgebot.core.nlu import NluContext
from edgebot.nlu.sentence_files import load
from edgebot.nlu.templates import SentenceSet

HOUSEHOLD = """
    language: en
    intents:
      timer_set:
        data:
          - sentences:
              - "(set|start) [a|the] timer for {duration}"
              - "<set> [a|an|the] {timer_name} timer for {duration}"
          - sentences: ["{duration}"]
            requires_context: {state: ask_duration}
      timer_cancel:
        data:
          - sentences: ["(cancel|stop) [the|my] {timer_name} timer", "cancel [the|my] timer"]
      list_add:
        data:
          - sentences: ["add {item} [to ([the|my] {list_name} list|the list)]"]
          - sentences: ["{item}"]
            requires_context: {state: ask_item}
      reminder_set:
        data:
          - sentences:
              - "remind me {when} to {text}"
              - "remind me to {text} {when}"
              - "remind me to {text}"
      alarm_set:
        data:
          - sentences: ["set [an|the] alarm [for] {when}", "wake me [up] {when}"]
      time_now:
        data:
          - sentences: ["(what's the|tell me the) time", "what time is it"]
      volume_set:
        data:
          - sentences: ["[set] volume [to] {level}", "mute"]
            slots: {device: speaker}
      stop:
        data:
          - sentences: ["stop [it]"]
    expansion_rules:
      set: "(set|start|make|create)"
    lists:
      level: {range: {from: 0, to: 10}}
    slot_kinds:
      duration: duration
      timer_name: name
      item: item_list
      list_name: name
      when: moment
      text: text
    slot_examples:
      timer_name: [pasta, egg]
"""


@pytest.fixture(scope="session")
def now() -> datetime:
    """A Friday at noon."""
    return datetime(2026, 5, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(scope="session")
def context(now: datetime) -> NluContext:
    """No question open, nothing known of the household."""
    return NluContext(now=now)


@pytest.fixture
def sentences_of(tmp_path: Path) -> Callable[[str], SentenceSet]:
    """Makes a sentence set of YAML text."""

    def make(text: str, name: str = "mine.yaml") -> SentenceSet:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load([path])

    return make


@pytest.fixture(scope="session")
def household(tmp_path_factory: pytest.TempPathFactory) -> SentenceSet:
    """Timers, lists, reminders, alarms."""
    path = tmp_path_factory.mktemp("sentences") / "household.yaml"
    path.write_text(textwrap.dedent(HOUSEHOLD), encoding="utf-8")
    return load([path])


class WordEncoder:
    """Sums a fixed random direction for each word: alike words, alike vectors."""

    model_id = "words"
    dimensions = 64

    def __init__(self) -> None:
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                rng = np.random.default_rng(zlib.crc32(word.encode()))
                out[row] += rng.standard_normal(self.dimensions).astype(np.float32)
            out[row] /= np.linalg.norm(out[row]) or 1.0
        return out

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture
def encoder() -> WordEncoder:
    """A sentence encoder without a model."""
    return WordEncoder()
