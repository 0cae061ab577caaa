"""How near to waking the assistant came: scores on disk, never audio.

A line is written when somebody wakes the assistant, and with it the near misses before it: some
dozen short lines a day.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

_LOG = logging.getLogger(__name__)
_LONGEST_LINE = 1000

MOST_A_DAY = 200
"""Wakings written a day: a television that wakes us all evening must not wear the card out."""

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Score:
    """A word that was heard, or nearly."""

    at: float
    """Seconds since 1970."""

    word: str
    score: float
    """Largest score, 0 … 1."""

    needs: float
    """Sensitivity at which it would just have woken the assistant, 0 … 1: the same scale for all
    words and engines."""

    followed: bool | None
    """Whether somebody spoke afterwards; None for a near miss."""


class ScoreFile:
    """The last ``keep`` scores, in a file of mode 0600."""

    def __init__(self, file: Path, keep: int) -> None:
        self._file = file
        self._keep = keep
        self._lock = threading.Lock()
        self._in_file = len(read_scores(file))
        self._day = 0
        self._today = 0

    def add(self, waking: Score, misses: Iterable[Score] = ()) -> None:
        """Append ``waking`` and the near misses before it.

        Where that fails, and after :data:`MOST_A_DAY` of them, they are lost and nothing else.
        """
        lines = [json.dumps(asdict(score)) + "\n" for score in (*misses, waking)]
        with self._lock:
            if not self._may_write(int(waking.at // _DAY_S)):
                return
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                if self._in_file + len(lines) > 2 * self._keep:
                    self._shorten()
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
                with os.fdopen(os.open(self._file, flags, 0o600), "w") as out:
                    out.writelines(lines)
                self._in_file += len(lines)
            except OSError as problem:
                _LOG.info("%s: scores are not kept (%s)", self._file, problem)

    def _may_write(self, day: int) -> bool:
        if day != self._day:
            self._day, self._today = day, 0
        self._today += 1
        return self._today <= MOST_A_DAY

    def _shorten(self) -> None:
        kept = read_scores(self._file)[-self._keep :]
        staging = self._file.with_name(f".{self._file.name}.new")
        with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.writelines(json.dumps(asdict(score)) + "\n" for score in kept)
        staging.replace(self._file)
        self._in_file = len(kept)


def scores_file(state_dir: Path) -> Path:
    """Where the scores are kept."""
    return state_dir / "wake-scores.jsonl"


def read_scores(file: Path) -> list[Score]:
    """What ``file`` holds, oldest first; lines that are none are left out, no file is empty."""
    found = []
    try:
        with file.open("rb") as lines:
            while line := lines.readline(_LONGEST_LINE):
                if (score := _parsed(line)) is not None:
                    found.append(score)
    except OSError:
        return []
    return found


def _parsed(line: bytes) -> Score | None:
    try:
        fields = json.loads(line)
        followed = fields["followed"]
        if followed not in (True, False, None):
            return None
        score = Score(
            float(fields["at"]),
            str(fields["word"]),
            float(fields["score"]),
            float(fields["needs"]),
            followed,
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return score if 0.0 <= score.score <= 1.0 and 0.0 <= score.needs <= 1.0 else None
