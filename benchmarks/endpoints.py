"""Endpointing on real speech: sentences cut off, and the wait after finished ones.

Where speech ends is found by energy over the noise floor, not by the voice activity detector that
is being measured. Everything is counted in samples.
"""

from __future__ import annotations

import functools
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import vosk

from benchmarks import speech_data as data
from benchmarks.common import say, table
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.listening import TurnDetector, VoiceActivity
from edgebot.core.turn import Turn
from edgebot.runtime.endpointing import Endpointer, EndpointLimits, Event
from edgebot.runtime.live.responder import may_change
from edgebot.runtime.unfinished import dangles
from edgebot.runtime.wiring import Assembly

FRAME = RATE_HZ // 100
TAIL_S = 2.5
PRE_ROLL = RATE_HZ // 2
GAPS_MS = (300, 450, 600, 800, 1000)
PAUSE_MS = 200
"""Silences within a sentence count from here on."""

SETS = {"coffee orders": 36, "spoken commands": 24, "home commands (synthetic voice)": 16}
READ = {"read sentences": 8}


@dataclass
class Take:
    """A recording with room noise behind it."""

    kind: str
    samples: Samples
    end: int
    """Reference end of speech, in samples."""

    gap: tuple[int, int] | None = None
    """A silence put in: first sample and the one behind it."""

    probabilities: list[float] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    """The words so far at the end of every tenth of a second, by free dictation."""

    answers: dict[tuple[int, int], float] = field(default_factory=dict)

    def said(self, position: int) -> str:
        """The words understood up to ``position``, in samples."""
        tenths = position // (RATE_HZ // 10)
        return self.partials[min(tenths, len(self.partials)) - 1] if tenths else ""


def active(samples: Samples) -> Any:
    """Whether each 10 ms hold speech, by their energy; shape (n // 160,)."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    decibels = 10 * np.log10((frames**2).mean(axis=1) + 1.0)
    floor, peak = np.percentile(decibels, 10), decibels.max()
    threshold = min(max(floor + 12.0, peak - 40.0), peak - 12.0)
    loud = decibels > threshold
    # Runs of less than 30 ms are clicks.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin < 3:
            loud[begin:end] = False
    return loud


def pauses(samples: Samples) -> list[tuple[int, int]]:
    """Silences of at least :data:`PAUSE_MS` between the first and the last speech, in samples."""
    loud = np.flatnonzero(active(samples))
    gaps = np.flatnonzero(np.diff(loud) > PAUSE_MS / 10)
    return [(int(loud[at] + 1) * FRAME, int(loud[at + 1]) * FRAME) for at in gaps]


def room(samples: Samples, seconds: float, seed: int) -> Samples:
    """Noise as loud as the quietest tenth of ``samples``."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    level = np.sqrt(np.percentile((frames**2).mean(axis=1), 10))
    noise = np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ)) * level
    return np.clip(noise, -32768, 32767).astype(np.int16)


def takes(model: Any, quick: bool) -> Iterator[Take]:
    """Sentences as they were spoken, and with a silence of 300–1000 ms between two words."""
    for name, most in (SETS | READ).items():
        say(f"recordings: {name}")
        for at, clip in enumerate(data.clips(name, most // 3 if quick else most)):
            loud = np.flatnonzero(active(clip.samples))
            if len(loud) < 20 or clip.seconds >= data.LONGEST_S:
                continue  # empty, or cut by us
            end = int(loud[-1] + 1) * FRAME
            samples = np.concatenate([clip.samples, room(clip.samples, TAIL_S, at)])
            partials, cuts = recognised(model, samples)
            yield Take(name, samples, end, partials=partials)
            if not cuts or name in READ:
                continue
            cut = cuts[(7 * at + 3) % len(cuts)]
            gap = room(clip.samples, GAPS_MS[at % len(GAPS_MS)] / 1000, at)
            split = np.concatenate([samples[:cut], gap, samples[cut:]])
            words, _ = recognised(model, split[: cut + len(gap)])
            yield Take(name, split, end + len(gap), (cut, cut + len(gap)), partials=words)


def recognised(model: Any, samples: Samples) -> tuple[list[str], list[int]]:
    """The words so far at every tenth of a second; ends of the inner words, in samples."""
    recogniser = vosk.KaldiRecognizer(model, RATE_HZ)
    recogniser.SetWords(True)
    before, partials, words = "", [], []
    for at in range(0, len(samples), RATE_HZ // 10):
        if recogniser.AcceptWaveform(samples[at : at + RATE_HZ // 10].tobytes()):
            result = json.loads(recogniser.Result())
            words += result.get("result", [])
            before = f"{before} {result['text']}".strip()
            partials.append(before)
        else:
            now = json.loads(recogniser.PartialResult())["partial"]
            partials.append(f"{before} {now}".strip())
    words += json.loads(recogniser.FinalResult()).get("result", [])
    return partials, [int(word["end"] * RATE_HZ) for word in words[1:-2]]


def followed(
    take: Take, limits: EndpointLimits, voice: VoiceActivity, turn: TurnDetector, by_words: bool
) -> int:
    """Position at which the utterance of ``take`` is taken for ended."""
    chunk = voice.chunk
    if not take.probabilities:
        voice.reset()
        whole = len(take.samples) // chunk * chunk
        take.probabilities = [
            voice.probability(take.samples[at : at + chunk]) for at in range(0, whole, chunk)
        ]
    position, begin = 0, 0

    def finished() -> float:
        if by_words and dangles(take.said(position), "en"):
            return 0.0
        key = (begin, position)
        if key not in take.answers:
            take.answers[key] = turn.finished(take.samples[begin:position])
        return take.answers[key]

    endpointer = Endpointer(limits, finished)
    for probability in take.probabilities:
        position += chunk
        events = endpointer.accept(probability, chunk)
        if Event.STARTED in events:
            begin = max(0, position - PRE_ROLL)
        if Event.ENDED in events:
            return position
    return len(take.samples)


def score(
    takes: list[Take],
    limits: EndpointLimits,
    voice: VoiceActivity,
    turn: TurnDetector,
    by_words: bool = True,
    changes: Callable[[str], bool] = lambda words: True,
    go_on_s: float = 0.0,
) -> dict[str, Any]:
    """Cut-offs among sentences with a pause in them, and the wait after the others' end.

    A cut-off is *felt* where the daemon does not take its answer back: the person goes on later
    than ``go_on_s`` after the end of their speech, or what they said so far has done something
    (``changes``).
    """
    waits: list[float] = []
    paused = cut = felt = held = split = split_felt = 0

    def is_felt(take: Take, ended: int, silences: list[tuple[int, int]]) -> bool:
        behind = [one for one in silences if one[0] <= ended + RATE_HZ // 10]
        if not behind:
            return True
        begin, end = behind[-1]
        return end - begin > go_on_s * RATE_HZ or changes(take.said(ended))

    for take in takes:
        ended = followed(take, limits, voice, turn, by_words)
        if take.gap:
            split += 1
            held += ended >= take.gap[1]
            if ended < take.gap[1]:
                silences = [take.gap] if ended >= take.gap[0] else pauses(take.samples[: take.end])
                split_felt += is_felt(take, ended, silences)
            continue
        early = ended < take.end - RATE_HZ // 10
        if silences := pauses(take.samples[: take.end]):
            paused += 1
            cut += early
            felt += early and is_felt(take, ended, silences)
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
        "split_cut_off": round(1 - held / split, 3) if split else None,
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
    dialogue = assembly.dialogue()
    model_acts = assembly.plan.has("llm") and assembly.talker().can_call

    @functools.cache
    def changes(words: str) -> bool:
        """Whether the daemon would have done something on ``words``."""
        decision = dialogue.propose(Turn("bench"), words).decision
        return may_change(decision, lambda: model_acts)

    go_on_s = assembly.settings.listening.go_on_s
    scored = functools.partial(
        score, limits=shipped, voice=voice, turn=turn, changes=changes, go_on_s=go_on_s
    )
    kinds = {kind: scored([one for one in found if one.kind == kind]) for kind in SETS | READ}
    orders = [one for one in found if one.kind in SETS]
    grid = []
    for pause_ms in (128, 160, 192, 256):
        for ask_again_ms in (200, 1200):
            for probability in (0.5, 0.8, 0.95):
                limits = replace(
                    shipped,
                    propose_ms=128,
                    pause_ms=pause_ms,
                    finished_ms=pause_ms + 32,
                    ask_again_ms=ask_again_ms,
                    finished_probability=probability,
                )
                grid.append(
                    {
                        "pause_ms": pause_ms,
                        "ask_again_ms": ask_again_ms,
                        "finished_probability": probability,
                        **score(orders, limits, voice, turn),
                    }
                )
    return {
        "all": scored(orders),
        "by_ear_alone": scored(orders, by_words=False),
        "kinds": kinds,
        "grid": grid,
    }


def report(figures: dict[str, Any], limits: dict[str, Any]) -> str:
    """The figures as tables."""
    head = ["speech", "wait, ms", "p95", "cut off at own pauses", "cut off at silences put in"]
    named = {"orders and commands": "all", "the same, by ear alone": "by_ear_alone"}
    rows = [[name, *_cells(figures[key])] for name, key in named.items()]
    rows += [[name, *_cells(one)] for name, one in figures["kinds"].items()]
    grid = [
        [one["pause_ms"], one["ask_again_ms"], one["finished_probability"], *_cells(one)]
        for one in figures["grid"]
    ]
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
            table(["pause_ms", "ask_again_ms", "finished_probability", *head[1:]], grid),
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
