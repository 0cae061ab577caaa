"""Endpointing on real speech: sentences cut off, and the wait after finished ones.

Where speech ends is found by energy over the noise floor, not by the voice activity detector that
is being measured. Everything is counted in samples. What was said so far is understood as in the
daemon: coffee orders by an assistant of that domain, the others by the usual one in a home.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
import vosk

from benchmarks.common import say, table
from benchmarks.endpoint_takes import PAUSE_MS, READ, SETS, Take, pauses, takes
from benchmarks.nlu_orders import DOMAIN
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.listening import TurnDetector, VoiceActivity
from edgebot.core.speech import SpeechToText
from edgebot.core.turn import Turn
from edgebot.dialogue.vocabulary import Vocabulary
from edgebot.runtime.endings import Endings
from edgebot.runtime.endpointing import Endpointer, EndpointLimits, Event, Said
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.live.responder import may_change
from edgebot.runtime.unfinished import judged
from edgebot.runtime.wiring import Assembly

PRE_ROLL = RATE_HZ // 2
HOME = {
    "home_area": ["kitchen", "office"],
    "home_device": [
        "bed light", "standing light", "sliding door", "front door", "tv", "kitchen lights",
        "kitchen windows", "office curtains", "eco bee",
    ],
}  # fmt: skip
"""What the home commands are about."""


class Assistant:
    """Somebody who is spoken to: what it understands, and what it would do."""

    def __init__(self, assembly: Assembly, stt: SpeechToText) -> None:
        self._stt = stt
        self._dialogue = assembly.dialogue()
        self._understander = assembly.understander()
        self._context = self._dialogue.context("bench")
        model_acts = assembly.plan.has("llm") and assembly.talker().can_call
        self._model_acts = model_acts
        self.begins = functools.cache(Endings(self._understander.grammar(self._context)).begins)
        self.decision = functools.cache(
            lambda words: self._dialogue.propose(Turn("bench"), words).decision
        )

    def hear(self, samples: Samples) -> tuple[str, str]:
        """The words so far as they are known in a pause, and as they are once it was thought."""
        stream = open_stream(self._stt, self._understander, self._context)
        partial = ""
        for at in range(0, len(samples), RATE_HZ // 10):
            piece = np.ascontiguousarray(samples[at : at + RATE_HZ // 10])
            partial = stream.accept(AudioFrame(piece, RATE_HZ, at))
        return partial, stream.finish().text

    def judge(self, partial: str, final: str) -> Said:
        """What the words are."""
        decision = self.decision(final) if final else None
        return judged(final or partial, decision, "en", begins=self.begins(partial))

    def changes(self, words: str) -> bool:
        """Whether the daemon would have done something on ``words``."""
        return may_change(self.decision(words), lambda: self._model_acts)


@dataclass
class Bench:
    """What endpoints are measured with."""

    voice: VoiceActivity
    turn: TurnDetector
    assistants: Mapping[str, Assistant]
    """By kind of speech."""

    go_on_s: float

    def followed(self, take: Take, limits: EndpointLimits, by_words: bool) -> tuple[int, str]:
        """Where the utterance of ``take`` is taken for ended, and the words up to there."""
        chunk, assistant = self.voice.chunk, self.assistants[take.kind]
        if not take.probabilities:
            self.voice.reset()
            whole = len(take.samples) // chunk * chunk
            take.probabilities = [
                self.voice.probability(take.samples[at : at + chunk])
                for at in range(0, whole, chunk)
            ]
        position, begin = 0, 0

        def words() -> tuple[str, str]:
            key = (begin, endpointer.last_speech_at)
            if key not in take.words:
                take.words[key] = assistant.hear(take.samples[begin:position])
            return take.words[key]

        def said() -> Said:
            return assistant.judge(*words()) if by_words else Said.UNKNOWN

        def finished() -> float:
            key = (begin, position)
            if key not in take.answers:
                take.answers[key] = self.turn.finished(take.samples[begin:position])
            return take.answers[key]

        endpointer = Endpointer(limits, finished, said)
        for probability in take.probabilities:
            position += chunk
            events = endpointer.accept(probability, chunk)
            if Event.STARTED in events:
                begin = max(0, position - PRE_ROLL)
            if Event.ENDED in events:
                return position, words()[1]
        return len(take.samples), ""

    def is_felt(self, take: Take, ended: int, words: str, silences: list[tuple[int, int]]) -> bool:
        """Whether a cut-off is not taken back: what was said so far has done something, or the
        person goes on later than :attr:`go_on_s` after the end of their speech."""
        behind = [one for one in silences if one[0] <= ended + RATE_HZ // 10]
        if not behind:
            return True
        begin, end = behind[-1]
        return end - begin > self.go_on_s * RATE_HZ or self.assistants[take.kind].changes(words)

    def score(
        self, takes: list[Take], limits: EndpointLimits, by_words: bool = True
    ) -> dict[str, Any]:
        """Cut-offs among sentences with a pause in them, and the wait after the others' end."""
        waits: list[float] = []
        paused = cut = felt = split = split_cut = split_felt = 0
        for take in takes:
            ended, words = self.followed(take, limits, by_words)
            silences = pauses(take.samples[: take.end])
            if take.gap:
                early = ended < take.gap[1]
                near = [take.gap] if ended >= take.gap[0] else silences
                split += 1
                split_cut += early
                split_felt += early and self.is_felt(take, ended, words, near)
                continue
            early = ended < take.end - RATE_HZ // 10
            if silences:
                paused += 1
                cut += early
                felt += early and self.is_felt(take, ended, words, silences)
            if not early:
                waits.append((ended - take.end) * 1000 / RATE_HZ)
        ordered = sorted(waits)
        return {
            "wait_ms": round(statistics.median(ordered)) if ordered else None,
            "wait_p95_ms": round(ordered[int(0.95 * len(ordered))]) if ordered else None,
            "finished": len(waits),
            "cut_off": round(cut / paused, 3) if paused else None,
            "felt": round(felt / paused, 3) if paused else None,
            "paused": paused,
            "split_cut_off": round(split_cut / split, 3) if split else None,
            "split_felt": round(split_felt / split, 3) if split else None,
            "split": split,
        }


def measure(assembly: Assembly, shipped: EndpointLimits, quick: bool) -> dict[str, Any]:
    """The shipped limits, by kind of speech, and others."""
    voice, turn = assembly.voice_activity(), assembly.turn_detector()
    assert turn is not None
    vosk.SetLogLevel(-1)
    model = vosk.Model(str(assembly.store.open("vosk-en-zamia").files["model"]))
    found = list(takes(model, quick))
    say(f"endpointing: {len(found)} takes")
    with (
        patch.object(Vocabulary, "lists", lambda _: HOME),
        Assembly(assembly.settings, DOMAIN) as counter,
    ):
        usual = Assistant(assembly, assembly.stt())
        assistants = dict.fromkeys(SETS | READ, usual)
        assistants["coffee orders"] = Assistant(counter, assembly.stt())
        bench = Bench(voice, turn, assistants, assembly.settings.listening.go_on_s)
        return scores(bench, found, shipped)


def scores(bench: Bench, found: list[Take], shipped: EndpointLimits) -> dict[str, Any]:
    """All figures."""
    orders = [one for one in found if one.kind in SETS]
    grid = []
    for pause_ms in (128, 192):
        for certain in (0.95, 0.98, 0.99):
            for finished in (0.4, 0.6, 0.8):
                limits = replace(
                    shipped,
                    pause_ms=pause_ms,
                    finished_ms=pause_ms + 32,
                    certain_probability=certain,
                    finished_probability=finished,
                )
                told = {name: getattr(limits, name) for name in GRID}
                grid.append({**told, **bench.score(orders, limits)})
    return {
        "all": bench.score(orders, shipped),
        "chosen_with": bench.score([one for one in orders if not one.kept_aside], shipped),
        "kept_aside": bench.score([one for one in orders if one.kept_aside], shipped),
        "by_ear_alone": bench.score(orders, shipped, by_words=False),
        "kinds": {
            kind: bench.score([one for one in found if one.kind == kind], shipped)
            for kind in SETS | READ
        },
        "grid": grid,
    }


GRID = ("pause_ms", "certain_probability", "finished_probability")


def report(figures: dict[str, Any], limits: dict[str, Any]) -> str:
    """The figures as tables."""
    head = ["speech", "wait, ms", "p95", "cut off at own pauses", "cut off at silences put in"]
    named = {
        "orders and commands": "all",
        "those that the limits were chosen with": "chosen_with",
        "those that were kept aside": "kept_aside",
        "all, by ear alone": "by_ear_alone",
    }
    rows = [[name, *_cells(figures[key])] for name, key in named.items() if key in figures]
    rows += [[name, *_cells(one)] for name, one in figures["kinds"].items()]
    grid = [[*(one[name] for name in GRID if name in one), *_cells(one)] for one in figures["grid"]]
    settings = ", ".join(f"{name} {value:g}" for name, value in limits.items())
    return "\n".join(
        [
            f"Endpointing with the shipped limits ({settings}). *Wait*: from the end of speech by "
            "energy to the endpoint, median of finished sentences. *Own pauses*: sentences in "
            f"which the speaker pauses for {PAUSE_MS} ms or more, many of them behind words that "
            "could be the end. *Silences put in*: the recording is cut behind a word, 300–1000 ms "
            "of room noise go in, and the rest follows; the voice does not know of the pause. "
            "*Felt*: what was said so far has changed something, or the rest came too late to be "
            "heard as one sentence with it; other cut-offs are taken back.",
            "",
            table(head, rows),
            "",
            "Other limits, on orders and commands.",
            "",
            table([*(name for name in GRID if name in figures["grid"][0]), *head[1:]], grid),
        ]
    )


def _cells(one: dict[str, Any]) -> list[str]:
    own = _share(one, "cut_off", "felt", "paused")
    put_in = _share(one, "split_cut_off", "split_felt", "split")
    return [str(one["wait_ms"] or "-"), str(one["wait_p95_ms"] or "-"), own, put_in]


def _share(one: dict[str, Any], cut_off: str, felt: str, of: str) -> str:
    if not one[of]:
        return "-"
    told = f" ({one[felt]:.2f} felt)" if felt in one else ""  # older measurements lack it
    return f"{one[cut_off]:.2f}{told} of {one[of]}"
