"""How fast the model reads and writes on this board, and what a turn may therefore take."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebot.core.knowledge import Passage
from edgebot.core.language import GenerationStats

log = logging.getLogger(__name__)

_WEIGHT = 0.3
"""Share of the newest measurement in the running mean."""

_FEWEST = 8
"""Tokens below which a measurement says more about overhead than about speed."""

_FIRST_SENTENCE = 16
"""Tokens of a usual first sentence."""

_SHORTEST_REPLY = 24
_SHORTEST_QUESTION = 800
_PASSAGE_CHARACTERS = 4
"""Characters a token, about: passages are weighed before they are tokenized."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reply may take."""

    max_tokens: int = 96
    deadline_s: float = 20.0
    """From the beginning of the reply to its last token."""

    filler_after_s: float = 2.5
    """Expected silence before the first sentence from which a filler is spoken first."""

    reading_s: float = 4.0
    """Time that passages in the prompt may cost."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one reply gets."""

    max_tokens: int
    filler: bool
    deadline_s: float


class Pace:
    """Running means of prefill and decode speed, remembered between starts.

    Safe from several threads. Until something was measured it assumes a small board.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.prefill_tps = 40.0
        """Prompt tokens a second."""

        self.decode_tps = 10.0
        """Reply tokens a second."""

        self.measured = False
        if file is not None:
            self._load(file)

    def observe(self, stats: GenerationStats) -> None:
        """Take a finished generation into account."""
        with self._lock:
            read = stats.prompt_tokens - stats.reused_tokens
            if read >= _FEWEST and stats.prefill_s > 0:
                self.prefill_tps = self._mean(self.prefill_tps, read / stats.prefill_s)
            if stats.reply_tokens >= _FEWEST and stats.decode_s > 0:
                self.decode_tps = self._mean(self.decode_tps, stats.reply_tokens / stats.decode_s)
                self.measured = True

    def _mean(self, old: float, new: float) -> float:
        return old + _WEIGHT * (new - old) if self.measured else new

    def budget(self, new_tokens: int, limits: Limits) -> Budget:
        """The budget of a reply to ``new_tokens`` prompt tokens that are not computed yet."""
        silence_s = new_tokens / self.prefill_tps
        first_s = silence_s + _FIRST_SENTENCE / self.decode_tps
        affordable = int((limits.deadline_s - silence_s) * self.decode_tps)
        return Budget(
            max_tokens=max(min(limits.max_tokens, affordable), _SHORTEST_REPLY),
            filler=self.measured and first_s > limits.filler_after_s,
            deadline_s=limits.deadline_s,
        )

    def readable(self, limits: Limits) -> int:
        """Characters of a question that can be read in time; a spoken one is never longer."""
        return max(
            int(self.prefill_tps * limits.reading_s) * _PASSAGE_CHARACTERS, _SHORTEST_QUESTION
        )

    def affordable(self, passages: Sequence[Passage], limits: Limits) -> list[Passage]:
        """As many of ``passages``, best first, as can be read in time; one at least."""
        room = self.prefill_tps * limits.reading_s * _PASSAGE_CHARACTERS
        chosen: list[Passage] = []
        for passage in passages:
            room -= len(passage.text)
            if chosen and room < 0:
                break
            chosen.append(passage)
        return chosen

    def save(self) -> None:
        """Remember the speeds for the next start; a disk that cannot is no reason to fail."""
        if self._file is None or not self.measured:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"prefill_tps": self.prefill_tps, "decode_tps": self.decode_tps})
            self._file.write_text(text + "\n", encoding="ascii")
        except OSError as problem:
            log.warning("the model's speed cannot be saved: %s", problem)

    def _load(self, file: Path) -> None:
        try:
            data = json.loads(file.read_text(encoding="ascii"))
            prefill, decode = float(data["prefill_tps"]), float(data["decode_tps"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("%s: damaged; the speed is measured again", file)
            return
        if prefill > 0 and decode > 0:
            self.prefill_tps, self.decode_tps, self.measured = prefill, decode, True
