"""Scores of wakings: noted, kept within bounds, learned from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.listening import Wake
from edgebot.runtime.wake_observing import ObservedWakeWord
from edgebot.runtime.wake_scores import MOST_A_DAY, Score, ScoreFile, read_scores, scores_file
from edgebot.runtime.wake_tuning import ENOUGH, labelled, outcome, suggest

BLOCK = 1600


class Scripted:
    """Wakes when the first sample of a block is above 80; the score is a hundredth of it."""

    words = ("computer",)

    def __init__(self) -> None:
        self._score = 0.0

    def accept(self, samples: Samples, start: int) -> Wake | None:
        self._score = float(samples[0]) / 100
        if self._score > 0.8:
            return Wake("computer", self._score, start + len(samples))
        return None

    def score(self) -> float:
        return self._score

    def likeliest(self) -> str:
        return "computer"

    def sensitivity_for(self, word: str, score: float) -> float:
        return 1.0 - score

    def set_sensitivity(self, sensitivity: float) -> None: ...

    def reset(self) -> None:
        self._score = 0.0

    def close(self) -> None: ...


class Room:
    """A stream of blocks, each with one score, and a clock that follows it."""

    def __init__(self, file: Path, keep: int = 100) -> None:
        self.file = file
        self.position = 0
        self.words = ObservedWakeWord(Scripted(), ScoreFile(file, keep), self.now)

    def now(self) -> float:
        return self.position / RATE_HZ

    def hear(self, *levels: int) -> list[Wake]:
        found = []
        for level in levels:
            wake = self.words.accept(np.full(BLOCK, level, np.int16), self.position)
            self.position += BLOCK
            if wake is not None:
                found.append(wake)
        return found

    def hush(self) -> None:
        self.hear(*[0] * 15)

    def scores(self) -> list[Score]:
        return read_scores(self.file)


def test_a_waking_is_noted_when_it_is_known_what_came_of_it(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path))
    assert room.hear(0, 40, 90)[0].word == "computer"
    assert room.scores() == []
    room.words.followed(True)
    assert [(s.word, s.score, s.followed) for s in room.scores()] == [("computer", 0.9, True)]
    assert scores_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_near_miss_is_one_score_and_is_written_with_the_next_waking(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path))
    room.hear(20, 60, 70, 30)
    room.hush()
    room.hear(2)
    room.hush()
    assert room.scores() == []
    room.hear(95)
    room.words.followed(False)
    assert [(s.score, s.followed) for s in room.scores()] == [(0.7, None), (0.95, False)]


def test_what_leads_up_to_a_waking_is_no_near_miss(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path))
    room.hear(50, 60, 90, 70, 60)
    room.words.followed(True)
    room.words.reset()
    room.hush()
    room.hear(95)
    room.words.followed(True)
    assert [s.score for s in room.scores()] == [0.9, 0.95]


def test_a_button_does_not_count_as_a_waking(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path))
    room.words.followed(True)
    assert room.scores() == []


def test_the_file_stays_small(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path), keep=10)
    for _ in range(50):
        room.hear(90)
        room.words.followed(True)
    assert 10 <= len(room.scores()) <= 20
    again = Room(scores_file(tmp_path), keep=10)
    for _ in range(50):
        again.hear(90)
        again.words.followed(True)
    assert len(again.scores()) <= 20


def test_a_television_does_not_wear_the_card_out(tmp_path: Path) -> None:
    room = Room(scores_file(tmp_path), keep=1000)
    for _ in range(MOST_A_DAY + 50):
        room.hear(90)
        room.words.followed(False)
    assert len(room.scores()) == MOST_A_DAY
    room.position += 86_400 * RATE_HZ
    room.hear(90)
    room.words.followed(True)
    assert len(room.scores()) == MOST_A_DAY + 1


def test_a_full_disk_costs_scores_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    room = Room(scores_file(tmp_path / "state"))
    assert len(room.hear(90)) == 1
    room.words.followed(True)
    assert room.scores() == []


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    file = scores_file(tmp_path)
    good = {"at": 1.0, "word": "w", "score": 0.5, "needs": 0.5, "followed": True}
    bad = [
        b"\xff\xfe\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b"[" * 500 + b"\n",
        b"x" * 5000 + b"\n",
        json.dumps({**good, "needs": 7}).encode() + b"\n",
        json.dumps({**good, "score": "NaN"}).encode() + b"\n",
        json.dumps({**good, "followed": "yes"}).encode() + b"\n",
    ]
    file.write_bytes(b"".join(bad) + json.dumps(good).encode() + b"\n" + b'{"at": 2')
    assert read_scores(file) == [Score(1.0, "w", 0.5, 0.5, True)]


def said(at: float, needs: float, followed: bool | None) -> Score:
    return Score(at, "computer", 1.0 - needs, needs, followed)


def test_a_word_said_again_was_meant_the_first_time() -> None:
    scores = [said(0, 0.6, None), said(4, 0.2, True), said(100, 0.6, None), said(200, 0.2, False)]
    assert [meant for _, meant in labelled(scores)] == [True, True, False, False]


def test_nothing_is_suggested_from_a_few_scores() -> None:
    assert suggest(labelled([said(60 * n, 0.3, True) for n in range(ENOUGH - 1)]), 0.5) is None


def test_a_dull_ear_is_made_keener() -> None:
    scores = []
    for n in range(20):
        scores += [said(60 * n, 0.62, None), said(60 * n + 3, 0.45, True)]
    better = suggest(labelled(scores), 0.5)
    assert better is not None
    assert better.sensitivity == pytest.approx(0.65)
    assert (better.missed, better.false) == (0, 0)


def test_a_keen_ear_is_made_duller() -> None:
    scores = [said(60 * n, 0.2, True) for n in range(20)]
    scores += [said(60 * n + 30, 0.48, False) for n in range(20)]
    better = suggest(labelled(scores), 0.5)
    assert better is not None
    assert 0.2 <= better.sensitivity < 0.48
    assert (better.missed, better.false) == (0, 0)


def test_what_is_right_stays() -> None:
    scores = [said(60 * n, 0.3, True) for n in range(20)]
    better = suggest(labelled(scores), 0.5)
    assert better is not None
    assert better.sensitivity == 0.5


@given(
    st.lists(
        st.builds(
            said,
            st.floats(min_value=0, max_value=1e6),
            st.floats(min_value=0, max_value=1),
            st.sampled_from([True, False, None]),
        ),
        max_size=40,
    ),
    st.floats(min_value=0, max_value=1),
)
def test_a_suggestion_never_costs_more_than_what_is_set(scores: list[Score], now: float) -> None:
    known = labelled(scores)
    better = suggest(known, now)
    if better is not None:
        before = outcome(known, now)
        assert 3 * better.missed + better.false <= 3 * before.missed + before.false
