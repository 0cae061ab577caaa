"""Hearing and speaking: errors, the way out, real-time factors, first audio, loading, memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import soxr

from benchmarks import speech_data as data
from benchmarks.common import say, summary, table
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ModelError
from edgebot.core.speech import SpeechToText, Transcript
from edgebot.runtime.wiring import Assembly
from edgebot.stt.compose import compose

SENTENCES = [
    "It is half past seven.",
    "The timer for the eggs has two minutes left.",
    "According to the manual, the filter should be cleaned once a month with warm water.",
    "Tomorrow will be mostly sunny, with a light breeze from the west in the afternoon.",
]
DICTATION = ["read sentences", "spoken commands", "home commands (synthetic voice)"]
OWN = [*DICTATION[1:], "coffee orders", "single digits"]
FOREIGN = [
    ("home commands (synthetic voice)", "coffee orders"),
    ("home commands (synthetic voice)", "read sentences"),
    ("home commands (synthetic voice)", "talk (LibriSpeech)"),
    ("home commands (synthetic voice)", "spoken commands"),
    ("coffee orders", "home commands (synthetic voice)"),
    ("coffee orders", "talk (LibriSpeech)"),
    ("single digits", "spoken commands"),
]
SNR_DB = (24, 18, 12, 6)
_LOADED = """
import sys, time
from benchmarks.common import peak_rss_mb
from edgebot.config.loader import load_settings
from edgebot.runtime.wiring import Assembly
began = time.perf_counter()
assembly = Assembly(load_settings())
getattr(assembly, sys.argv[1])()
print(time.perf_counter() - began, peak_rss_mb())
"""


def run(quick: bool) -> dict[str, Any]:
    """All figures; those on real speech only where the shared data is present."""
    from edgebot.config.loader import load_settings

    figures: dict[str, Any] = {"loading": {part: loading(part) for part in ("stt", "tts")}}
    with Assembly(load_settings()) as assembly:
        say("voice")
        figures["voice"] = voice(assembly, 3 if quick else 8)
        if not data.present():
            say("no real data beside the checkout: dictation and the way out are left out")
            return figures
        engines = recognizers(assembly)
        most = 12 if quick else 30
        figures["dictation"] = {
            name: {part: dictation(engine, part, most) for part in DICTATION}
            for name, engine in engines.items()
        }
        whole = engines["both"] if "both" in engines else engines["vosk"]
        figures["phrases"] = {name: phrases(whole, name, name, most) for name in OWN}
        figures["foreign"] = [
            {"grammar": grammar, "speech": speech, **phrases(whole, grammar, speech, most)}
            for grammar, speech in FOREIGN
        ]
        figures["orders_in_noise"] = in_noise(whole, 10 if quick else 24)
    return figures


def recognizers(assembly: Assembly) -> dict[str, SpeechToText]:
    """Each engine alone, and together as they are wired."""
    first = assembly._recognizer(assembly.model("stt"))
    engines: dict[str, SpeechToText] = {"vosk": compose(first, None, "never")}
    try:
        second = assembly._recognizer(assembly.model("stt_second"))
    except ModelError as problem:
        say(f"no second recogniser: {problem}")
        return engines
    engines["moonshine"] = second
    engines["both"] = compose(first, second, "low_confidence")
    engines["both, always"] = compose(first, second, "always")
    return engines


def loading(part: str) -> dict[str, float]:
    """Opening one part in a process of its own: seconds and peak memory."""
    say(f"loading {part}")
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", _LOADED, part], capture_output=True, text=True, check=True
        )
        runs.append([float(word) for word in done.stdout.split()])
    return {
        "seconds": round(statistics.median(run[0] for run in runs), 2),
        "peak_rss_mb": round(max(run[1] for run in runs)),
    }


def hear(
    stt: SpeechToText, samples: Samples, grammar: Sequence[str] | None = None
) -> tuple[Transcript, float, float]:
    """Transcript, processor seconds of all of it, and seconds from its end to the transcript."""
    began = time.process_time()
    stream = stt.stream(grammar)
    for at in range(0, len(samples), 1600):
        stream.accept(AudioFrame(samples[at : at + 1600], RATE_HZ, at))
    ended = time.perf_counter()
    transcript = stream.finish()
    return transcript, time.process_time() - began, time.perf_counter() - ended


def dictation(stt: SpeechToText, part: str, most: int) -> dict[str, Any]:
    """Free speech: word error rate, sentences without error, cost."""
    say(f"dictation: {part}")
    pairs, cpu_s, audio_s, waits = [], 0.0, 0.0, []
    for clip in data.clips(part, most):
        heard, took_s, waited_s = hear(stt, clip.samples)
        pairs.append((clip.said, heard.text))
        cpu_s += took_s
        audio_s += clip.seconds
        waits.append(waited_s * 1000)
    wer, exact = data.word_errors(pairs)
    return {
        "wer": round(wer, 3),
        "exact": round(exact, 3),
        "rtf_cpu": round(cpu_s / audio_s, 3),
        "end_to_text_ms": summary(waits, 0),
        "clips": len(pairs),
    }


def phrases(stt: SpeechToText, grammar: str, part: str, most: int) -> dict[str, Any]:
    """Speech of one set, heard with the grammar of the same or another one."""
    say(f"grammar of {grammar}: {part}")
    expected = data.phrases(grammar)
    found = data.clips(part, most)
    mine, right, pairs, cpu_s, waits = 0, 0, [], 0.0, []
    for clip in found:
        heard, took_s, waited_s = hear(stt, clip.samples, expected)
        mine += bool(heard.in_grammar)
        right += bool(clip.slots) and data.all_slots(clip, heard.text)
        pairs.append((clip.said, heard.text))
        cpu_s += took_s
        waits.append(waited_s * 1000)
    figures: dict[str, Any] = {
        "taken_as_phrase": round(mine / len(found), 3),
        "rtf_cpu": round(cpu_s / sum(clip.seconds for clip in found), 3),
        "end_to_text_ms": summary(waits, 0),
        "clips": len(found),
    }
    if found[0].slots:
        figures["all_slots"] = round(right / len(found), 3)
    elif found[0].said:
        figures["wer"], figures["exact"] = (round(x, 3) for x in data.word_errors(pairs))
    return figures


def in_noise(stt: SpeechToText, most: int) -> dict[str, float]:
    """Orders with every slot right, over kinds of noise, at several signal-to-noise ratios."""
    found = data.clips("coffee orders", most)
    expected = data.phrases("coffee orders")
    noises = [samples for _, samples in data.noises()]
    shares: dict[str, float] = {}
    for snr_db in SNR_DB:
        say(f"orders in noise: {snr_db} dB")
        right = 0
        for at, clip in enumerate(found):
            samples = data.mixed(clip.samples, noises[at % len(noises)], snr_db)
            right += data.all_slots(clip, hear(stt, samples, expected)[0].text)
        shares[f"{snr_db} dB"] = round(right / len(found), 3)
    return shares


def voice(assembly: Assembly, runs: int) -> dict[str, Any]:
    """The voice: work for each second of speech, time to the first audio, heard again."""
    tts = assembly.tts()
    factors, firsts, pairs = [], [], []
    for sentence in SENTENCES * runs:
        began, cpu = time.perf_counter(), time.process_time()
        first_ms, audio = 0.0, []
        for frame in tts.synthesize(sentence, Cancellation()):
            first_ms = first_ms or (time.perf_counter() - began) * 1000
            audio.append(frame.samples)
        whole = np.concatenate(audio)
        factors.append((time.process_time() - cpu) / (len(whole) / tts.rate_hz))
        firsts.append(first_ms)
        if len(pairs) < len(SENTENCES):
            samples = soxr.resample(whole, tts.rate_hz, RATE_HZ)
            pairs.append((sentence, hear(assembly.stt(), samples)[0].text))
    wer = data.word_errors(pairs)[0] if data.present() else None
    return {
        "rtf_cpu": summary(factors),
        "first_audio_ms": summary(firsts, 0),
        "round_trip_wer": None if wer is None else round(wer, 3),
    }


def report(figures: dict[str, Any]) -> str:
    """The figures as tables."""
    spoken = figures["voice"]
    lines = [
        "Real-time factors count processor time (one is as long as the audio). "
        "*End to text* is what a person waits after the last sample.",
        "",
        table(
            ["", "loaded in, s", "peak memory, MB"],
            [[n, f["seconds"], f["peak_rss_mb"]] for n, f in figures["loading"].items()],
        ),
        "",
        f"Voice: RTF {spoken['rtf_cpu']['median']} (p95 {spoken['rtf_cpu']['p95']}), first audio "
        f"{spoken['first_audio_ms']['median']:.0f} ms (p95 {spoken['first_audio_ms']['p95']:.0f}), "
        f"word error rate when heard again {spoken['round_trip_wer']}.",
    ]
    if "dictation" not in figures:
        return "\n".join(lines)
    lines += ["", "Free dictation: word error rate / sentences without error / RTF.", ""]
    lines.append(
        table(
            ["engine", *DICTATION, "end to text, ms"],
            [
                [
                    name,
                    *(
                        f"{p['wer']:.3f} / {p['exact']:.2f} / {p['rtf_cpu']}"
                        for p in parts.values()
                    ),
                    f"{parts[DICTATION[0]]['end_to_text_ms']['median']:.0f}",
                ]
                for name, parts in figures["dictation"].items()
            ],
        )
    )
    lines += ["", "Speech heard with the grammar it belongs to.", "", _phrase_table(figures)]
    lines += [
        "",
        "Speech heard with a grammar it does not belong to: taken as a phrase is wrong.",
        "",
    ]
    lines.append(
        table(
            ["grammar", "speech", "taken as phrase", "word error rate", "RTF", "end to text, ms"],
            [
                [
                    f["grammar"],
                    f["speech"],
                    f["taken_as_phrase"],
                    f.get("wer", ""),
                    f["rtf_cpu"],
                    f"{f['end_to_text_ms']['median']:.0f}",
                ]
                for f in figures["foreign"]
            ],
        )
    )
    noise = ", ".join(f"{share:.3f} at {snr}" for snr, share in figures["orders_in_noise"].items())
    return "\n".join([*lines, "", f"Coffee orders with every slot right, in noise: {noise}."])


def _phrase_table(figures: dict[str, Any]) -> str:
    return table(
        ["speech", "taken as phrase", "word error rate", "no error", "all slots right", "RTF"],
        [
            [
                name,
                part["taken_as_phrase"],
                part.get("wer", ""),
                part.get("exact", ""),
                part.get("all_slots", ""),
                part["rtf_cpu"],
            ]
            for name, part in figures["phrases"].items()
        ],
    )
