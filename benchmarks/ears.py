"""Ears: wake words missed and imagined, endpoints, and what listening costs."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile
import soxr

from benchmarks import endpoints
from benchmarks import speech_data as data
from benchmarks.common import SHARED_DATA, say, table
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.listening import VoiceActivity, WakeWord
from edgebot.runtime.ears import WAKE
from edgebot.runtime.live.listener import Listener
from edgebot.runtime.live.manners import Ears
from edgebot.runtime.live.starting import limits_of
from edgebot.runtime.wiring import Assembly
from edgebot.wake.sensitivity import threshold

WORDS = ("okay nabu", "hey jarvis", "hey mycroft", "alexa")
ENGINES = ("microwakeword", "openwakeword")
SENSITIVITIES = (0.3, 0.4, 0.5, 0.6, 0.7)
LIMITS = (
    "pause_ms", "finished_ms", "complete_ms", "unfinished_ms", "finished_probability",
    "certain_probability",
)  # fmt: skip
STEP = 480
"""Samples between two looks at the scores: no score of either engine lasts for less."""

OTHER_SPEECH = (
    "background_speech",
    "commands_s2i",
    "read_phmatthes_ljtext",
    "misc_commands_real",
    "home_commands_tts",
    "alnum_an4",
)


def run(quick: bool) -> dict[str, Any]:
    """All figures."""
    from edgebot.config.loader import load_settings

    settings = load_settings()
    with Assembly(settings) as assembly:
        figures: dict[str, Any] = {"cost": cost(assembly, 20 if quick else 60)}
        if not data.present():
            say("no real data beside the checkout: only the cost is measured")
            return figures
        figures["wake"] = {engine: wake(assembly, engine, quick) for engine in ENGINES}
        limits = limits_of(settings.vad)
        figures["limits"] = {name: getattr(limits, name) for name in LIMITS}
        figures["endpoints"] = endpoints.measure(assembly, limits, quick)
    return figures


# --- wake words


def rows(folder: str) -> list[dict[str, str]]:
    with (SHARED_DATA / "speech" / folder / "labels.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def clip(folder: str, name: str) -> Samples:
    samples, rate_hz = soundfile.read(SHARED_DATA / "speech" / folder / name, dtype="int16")
    assert rate_hz == RATE_HZ
    return samples


def padded(samples: Samples) -> Samples:
    """Half a second of silence before and one second behind."""
    return np.pad(samples, (RATE_HZ // 2, RATE_HZ))


def spoken(assembly: Assembly, word: str, times: int) -> Iterator[Samples]:
    """``word`` by the synthetic voice, never twice the same."""
    tts = assembly.tts()
    for _ in range(times):
        frames = [f.samples for f in tts.synthesize(f"{word.title()}.", Cancellation())]
        yield padded(soxr.resample(np.concatenate(frames), tts.rate_hz, RATE_HZ))


def strangers(quick: bool) -> Iterator[Samples]:
    """Speech and noise in which nobody says a wake word."""
    every = 8 if quick else 1
    for row in rows("wakeword")[::every]:
        if row["keyword"] not in ("alexa", "jarvis"):
            yield clip("wakeword", row["path"])
    for folder in OTHER_SPEECH:
        for row in rows(folder)[::every]:
            yield clip(folder, row["path"])
    yield from (samples for _, samples in data.noises())


def peaks(engine: Any, samples: Samples) -> dict[str, float]:
    """Largest score of each word in a recording."""
    engine.reset()
    found = dict.fromkeys(engine.words, 0.0)
    for at in range(0, len(samples), STEP):
        engine.accept(samples[at : at + STEP], at)
        for word in engine._words:
            found[word.name] = max(found[word.name], word.score)
    return found


def wake(assembly: Assembly, name: str, quick: bool) -> dict[str, Any]:
    """Misses and false accepts of each word, at several sensitivities."""
    say(f"wake words: {name}")
    files = [assembly.store.open(f"{name}-{word.replace(' ', '-')}").files for word in WORDS]
    engine: Any = WAKE.load(name)(files)
    shipped = {word.name: getattr(word, "shipped", 0.5) for word in engine._words}
    real = [clip("wakeword", r["path"]) for r in rows("wakeword") if r["keyword"] == "alexa"]
    heard: dict[str, list[float]] = {
        "alexa": [peaks(engine, padded(one))["alexa"] for one in real[:: 6 if quick else 1]]
    }
    for word in WORDS[:-1]:
        said = spoken(assembly, word, 4 if quick else 12)
        heard[word] = [peaks(engine, one)[word] for one in said]
    strange: list[dict[str, float]] = []
    seconds = 0.0
    if name == "openwakeword":  # costs 25 times as much: a third of the recordings
        strangers_heard = itertools.islice(strangers(quick), 0, None, 3)
    else:
        strangers_heard = strangers(quick)
    for samples in strangers_heard:
        strange.append(peaks(engine, samples))
        seconds += len(samples) / RATE_HZ
    engine.close()
    return {
        "hours": round(seconds / 3600, 2),
        "words": {
            word: {
                "recordings": len(heard[word]),
                "real": word == "alexa",
                "by_sensitivity": {
                    str(one): {
                        "missed": sum(s <= threshold(shipped[word], one) for s in heard[word]),
                        "false": sum(s[word] > threshold(shipped[word], one) for s in strange),
                    }
                    for one in SENSITIVITIES
                },
            }
            for word in WORDS
        },
    }


# --- what it costs


def cost(assembly: Assembly, seconds: int) -> dict[str, float]:
    """Share of one core that each part takes, on noise as a quiet room has it."""
    noise = (np.random.default_rng(1).standard_normal(seconds * RATE_HZ) * 30).astype(np.int16)
    voice = assembly.voice_activity()

    def share(work: Callable[[Samples, int], Any]) -> float:
        work(noise[:512], 0)
        began = time.process_time()
        for at in range(0, len(noise) - 511, 512):
            work(noise[at : at + 512], at)
        return round((time.process_time() - began) / seconds, 4)

    figures = {"voice activity": share(lambda samples, at: voice.probability(samples))}
    for name in ENGINES:
        for words in (WORDS[:1], WORDS):
            files = [assembly.store.open(f"{name}-{w.replace(' ', '-')}").files for w in words]
            engine: Any = WAKE.load(name)(files)
            label = f"{name}, {len(words)} word" + ("s" if len(words) > 1 else "")
            figures[label] = share(engine.accept)
            if name == ENGINES[0] and words == WORDS[:1]:
                figures["the listener asleep, with it"] = share(asleep(engine, voice))
            engine.close()
    return figures


def asleep(words: WakeWord, voice: VoiceActivity) -> Callable[[Samples, int], Any]:
    """A listener of the daemon that waits for its wake word; nobody speaks in the room."""
    quiet: Any = SimpleNamespace(speaking=lambda: False, saying=lambda: "")
    listener = Listener(
        sound=quiet,
        ears=Ears(voice, words),
        speaker=quiet,
        responder=quiet,
        dialogue=quiet,
        open_stream=lambda session: quiet,
        health=quiet,
    )
    return lambda samples, at: listener.accept(AudioFrame(samples, RATE_HZ, at))


# --- report


def report(figures: dict[str, Any]) -> str:
    """The figures as tables."""
    lines = ["Share of one core while nobody speaks (every sample is looked at).", ""]
    lines.append(
        table(["part", "share"], [[k, f"{100 * v:.2f} %"] for k, v in figures["cost"].items()])
    )
    if "wake" not in figures:
        return "\n".join(lines)
    lines += ["", "Wake words: misses of recordings / false accepts an hour, by sensitivity "]
    lines[-1] += "(0.4 is shipped). *Alexa* was said by real people, the others by the synthetic "
    lines[-1] += "voice, which is easier."
    body = []
    for engine, found in figures["wake"].items():
        for word, one in found["words"].items():
            cells = [
                f"{level['missed']} / {level['false'] / found['hours']:.1f}"
                for level in one["by_sensitivity"].values()
            ]
            body.append([engine, word, one["recordings"], *cells])
    hours = " and ".join(f"{one['hours']} ({name})" for name, one in figures["wake"].items())
    lines += ["", table(["engine", "word", "recordings", *map(str, SENSITIVITIES)], body)]
    lines += ["", f"False accepts were looked for in {hours} hours of other speech and noise."]
    return "\n".join([*lines, "", endpoints.report(figures["endpoints"], figures["limits"])])
