"""A language of tones: fakes at the ports that really hear what sounds in a simulated room.

Each word is a tone of its own frequency. So a fake voice can speak, a fake recogniser can hear a
person or the echo of the voice, and nothing is scripted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.dialogue import Announcement, Decision, Route, Sentence
from edgebot.core.listening import Wake
from edgebot.core.nlu import NluContext
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.live.daemon import Daemon, Parts, Patience
from edgebot.runtime.live.jobs import Outcome
from edgebot.runtime.live.ledger import Ledger
from edgebot.runtime.live.manners import Ears, Hooks, Manners

_VOCABULARY = """
nabu what time is it stop yes no tell me a story one two three four five six seven eight nine ten
hello go on never mind timer rings sorry broken ask which colour blue again
"""
WORDS = tuple(_VOCABULARY.split())
WORD_S, GAP_S = 0.25, 0.05
_WORD, _GAP = int(WORD_S * RATE_HZ), int(GAP_S * RATE_HZ)


def _hertz(word: str) -> float:
    return 400.0 + 80.0 * WORDS.index(word)


def speech(text: str, level: float = 0.2) -> Samples:
    """``text`` as sound at 16 kHz."""
    parts = []
    time_s = np.arange(_WORD) / RATE_HZ
    for word in text.split():
        parts.append(level * np.sin(2 * np.pi * _hertz(word) * time_s))
        parts.append(np.zeros(_GAP))
    sound: Samples = (np.concatenate(parts) * 32767).astype(np.int16)
    return sound


def words_in(samples: Samples) -> list[str]:
    """The words that sound in ``samples``."""
    window = _WORD // 5
    heard: list[str] = []
    runs: list[tuple[str, int]] = []
    for at in range(0, len(samples) - window + 1, window):
        piece = samples[at : at + window].astype(np.float64)
        word = ""
        if np.sqrt(np.mean(piece**2)) > 100:
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(window), 8 * window))
            hertz = np.argmax(spectrum) * RATE_HZ / (8 * window)
            index = round((hertz - 400.0) / 80.0)
            if 0 <= index < len(WORDS) and abs(hertz - 400.0 - 80.0 * index) < 25:
                word = WORDS[index]
        if runs and runs[-1][0] == word:
            runs[-1] = (word, runs[-1][1] + 1)
        else:
            runs.append((word, 1))
    for word, length in runs:
        if word and length >= 3:
            heard.append(word)
    return heard


class ToneVoiceActivity:
    """Speech is what is loud."""

    chunk = 512

    def probability(self, samples: Samples) -> float:
        level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
        return 0.95 if level > 200 else 0.05

    def reset(self) -> None: ...

    def close(self) -> None: ...


class ToneWake:
    """Wakes on "nabu"."""

    words = ("nabu",)

    def __init__(self) -> None:
        self._heard = np.zeros(0, np.int16)

    def accept(self, samples: Samples, start: int) -> Wake | None:
        self._heard = np.concatenate([self._heard, samples])[-2 * _WORD :]
        is_over = np.abs(self._heard[-_GAP // 3 :]).max() < 500
        if is_over and "nabu" in words_in(self._heard):
            self.reset()
            return Wake("nabu", 0.9, start + len(samples))
        return None

    def set_sensitivity(self, sensitivity: float) -> None: ...

    def score(self) -> float:
        return 0.0

    def reset(self) -> None:
        self._heard = np.zeros(0, np.int16)

    def close(self) -> None: ...


class ToneTurns:
    """A sentence that ends in "on" is not finished."""

    longest_s = 8.0

    def finished(self, samples: Samples) -> float:
        return 0.1 if words_in(samples)[-1:] == ["on"] else 0.9

    def close(self) -> None: ...


class ToneStream:
    """Hears words."""

    def __init__(self, fail: Callable[[], None]) -> None:
        self._samples = np.zeros(0, np.int16)
        self._fail = fail

    def accept(self, frame: AudioFrame) -> str:
        self._samples = np.concatenate([self._samples, frame.samples])
        return " ".join(words_in(self._samples))

    def finish(self) -> Transcript:
        self._fail()
        words = " ".join(words_in(self._samples))
        return Transcript(words, "tones", audio_s=len(self._samples) / RATE_HZ)


class ToneTts:
    """Speaks words."""

    model_id = "tones"
    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self.fail: Callable[[], None] = lambda: None

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        self.fail()
        for word in text.split():
            if cancellation.is_set:
                return
            yield AudioFrame(speech(word), RATE_HZ)

    def close(self) -> None: ...


class Volume:
    """As loud as it gets."""

    def volume(self) -> int:
        return 100

    def set_volume(self, percent: int) -> None: ...

    def muted(self) -> bool:
        return False

    def mute(self, on: bool, for_s: float | None = None) -> None: ...

    def mute_left_s(self) -> float | None:
        return None


class Promises:
    """Rings that tests put in."""

    def __init__(self) -> None:
        self._due: list[Announcement] = []
        self._ringing: list[Announcement] = []
        self.finished: list[int] = []

    def promise(self, text: str, *, ring: bool = True) -> None:
        number = len(self.finished) + len(self._ringing) + len(self._due) + 1
        self._due.append(Announcement(number, "timer", text, datetime.now(UTC), ring))

    def due(self) -> Sequence[Announcement]:
        fresh, self._due = self._due, []
        self._ringing += fresh
        return fresh

    def next_due_s(self) -> float | None:
        return 0.0 if self._due else None

    def ringing(self) -> Sequence[Announcement]:
        return list(self._ringing)

    def done(self, announcement: Announcement) -> None:
        self._ringing = [one for one in self._ringing if one.id != announcement.id]
        self.finished.append(announcement.id)

    def silence(self) -> None:
        for one in list(self._ringing):
            self.done(one)

    def close(self) -> None: ...


@dataclass
class _Proposal:
    decision: Decision
    dialogue: ToneDialogue
    text: str
    turn: Turn

    def sentences(self) -> Iterator[Sentence]:
        self.dialogue.happened.append(self.text)
        if self.text == "stop":
            self.dialogue.scheduler.silence()
        for index, text in enumerate(self.dialogue.replies.get(self.text, ["hello"])):
            self.dialogue.fail()
            yield Sentence(text, index)


class ToneDialogue:
    """Answers by a table."""

    toolbox = None

    def __init__(self, replies: dict[str, list[str]]) -> None:
        self.replies = replies
        self.scheduler = Promises()
        self.happened: list[str] = []
        """What was answered: side effects would have happened."""
        self.history: list[tuple[str, str]] = []
        self.prepared: list[str] = []
        self.fail: Callable[[], None] = lambda: None
        self.route: Route = "command"
        self._said: dict[str, str] = {}

    def propose(self, turn: Turn, text: str, *, draft: bool = False) -> _Proposal:
        self._said[turn.id] = text
        asks = self.replies.get(text, [""])[-1].startswith("which")
        decision = Decision(self.route, text.replace(" ", "_"), expects_answer=asks)
        decision.whole = not text.endswith("on")
        return _Proposal(decision, self, text, turn)

    def prepare(self, turn: Turn, text: str) -> None:
        self.prepared.append(text)

    def heard(self, turn: Turn, text: str) -> None:
        self.history.append((self._said[turn.id], text))

    def context(self, session: str) -> NluContext:
        return NluContext()

    def close(self) -> None: ...


@dataclass
class Scene:
    """A daemon in a room, and what came of it."""

    room: Room
    daemon: Daemon
    dialogue: ToneDialogue
    tts: ToneTts
    ledger: Ledger
    outcomes: list[Outcome] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    stalls: list[str] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def play(self, until_s: float) -> None:
        """Let the room's clock run to ``until_s`` and the daemon come to its end."""
        self.room.end_at(int(until_s * RATE_HZ))
        self.start()
        self.join()

    def start(self) -> None:
        """Start the daemon on a thread."""
        self._thread = threading.Thread(target=self._run, name="daemon")
        self._thread.start()

    def join(self) -> None:
        """Wait for it; raises what it raised."""
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive(), "the daemon hangs"
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            self.daemon.run(on_stall=lambda stall: self.stalls.append(stall.stage))
        except BaseException as failure:  # noqa: BLE001 - join() raises it
            self.failure = failure

    def spoken(self) -> str:
        """All the words the loudspeaker played."""
        return " ".join(word for frame in self.room.heard() for word in words_in(frame.samples))

    def silent_from(self) -> int:
        """Position behind the last sound, in samples."""
        return self.room.heard()[-1].end

    def wait_for(self, condition: Callable[[], bool], patience_s: float = 20.0) -> None:
        """Real time passes until ``condition``."""
        end = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < end, "nothing happened"
            time.sleep(0.002)


def scene(
    replies: dict[str, list[str]],
    *,
    acoustics: Acoustics | None = None,
    manners: Manners | None = None,
    patience: Patience | None = None,
    speed: float | None = None,
    stt_fails: Callable[[], None] = lambda: None,
    ring_s: float = 3.0,
    promises: Promises | None = None,
) -> Scene:
    """A daemon of fakes in a simulated room."""
    room = Room(acoustics or Acoustics(echo_db=None, noise_dbfs=-70), speed=speed)
    dialogue, tts, ledger = ToneDialogue(replies), ToneTts(), Ledger(None)
    dialogue.scheduler = promises or dialogue.scheduler
    made: list[Scene] = []
    parts = Parts(
        sound=room,
        ears=Ears(ToneVoiceActivity(), ToneWake(), ToneTurns()),
        tts=tts,
        dialogue=dialogue,  # type: ignore[arg-type]
        volume=Volume(),
        open_stream=lambda session: ToneStream(stt_fails),
        apology=lambda: "sorry broken",
        ledger=ledger,
        tones={"ring": speech("ten"), "error": speech("broken")},
        hooks=Hooks(state=lambda name: made[0].states.append(name)),
        on_outcome=lambda outcome: made[0].outcomes.append(outcome),
    )
    daemon = Daemon(parts, manners or Manners(), patience, ring_s)
    room.busy = daemon.activity.busy
    made.append(Scene(room, daemon, dialogue, tts, ledger))
    return made[0]
