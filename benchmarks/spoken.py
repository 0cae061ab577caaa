"""The spoken closed loop: template, voice, noise, recogniser with the grammar, intent.

Every intent of our own sentences is said in samples of its templates by the real voice, pink noise
is added, the recogniser hears it with the grammar of the state the sentence belongs to, and what it
heard is understood as in a turn. Sentences that are ambiguous as text are not drawn.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from benchmarks.common import say, table
from benchmarks.speech_data import mixed
from edgebot.cli.parse import understand
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.nlu import NluContext, Understander
from edgebot.core.speech import TextToSpeech
from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.templates import SentenceSet
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.wiring import Assembly

SNR_DB = (None, 20.0, 15.0, 10.0)
_SILENCE_S = 0.3
_FRAME = RATE_HZ // 10
_DRAWS = 40


@dataclass(frozen=True)
class Said:
    """One sentence of the loop."""

    text: str
    intent: str
    state: str


@dataclass(frozen=True)
class Heard:
    """What became of it."""

    said: Said
    text: str
    intent: str | None

    @property
    def right(self) -> bool:
        return self.intent == self.said.intent


def sentences_of(
    sentences: SentenceSet,
    understander: Understander,
    each: int,
    seed: int,
    intents: Sequence[str] = (),
) -> Iterator[Said]:
    """``each`` sentences an intent (all when none is named), of different templates if it can."""
    sampler, order = Sampler(sentences, seed), random.Random(seed)
    for intent in intents or sentences.intents:
        templates = [one for one in sentences.templates if one.intent == intent]
        order.shuffle(templates)
        found: set[str] = set()
        for draw in range(_DRAWS * each):
            if len(found) == each:
                break
            template = templates[draw % len(templates)]
            state = min(template.states, default="")
            try:
                text = sampler.sample(template)
            except NoExample:
                continue
            parses = understander.match(text, NluContext(state))
            if text not in found and [parse.intent for parse in parses] == [intent]:
                found.add(text)
                yield Said(text, intent, state)


def spoken(tts: TextToSpeech, text: str) -> Samples:
    """``text`` by the voice at 16 kHz, with a moment of silence around it."""
    pieces = [frame.samples for frame in tts.synthesize(text, Cancellation())]
    voice = soxr.resample(np.concatenate(pieces).astype(np.float32), tts.rate_hz, RATE_HZ)
    silence = np.zeros(int(_SILENCE_S * RATE_HZ), np.int16)
    samples: Samples = np.concatenate(
        [silence, np.clip(voice, -32768, 32767).astype(np.int16), silence]
    )
    return samples


def pink_noise(length: int, seed: int) -> Samples:
    """Noise whose power falls with the frequency, as that of rooms does; the same every time."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(len(spectrum))))
    noise = np.fft.irfft(spectrum, length)
    made: Samples = (noise / np.abs(noise).max() * 16_000).astype(np.int16)
    return made


def hear(assembly: Assembly, said: Said, samples: Samples) -> Heard:
    """What a turn would make of the recording."""
    understander, context = assembly.understander(), NluContext(said.state)
    stream = open_stream(assembly.stt(), understander, context)
    for start in range(0, len(samples), _FRAME):
        piece = np.ascontiguousarray(samples[start : start + _FRAME])
        stream.accept(AudioFrame(piece, RATE_HZ, start))
    text = stream.finish().text
    parses = understand(understander, text, context) if text else []
    return Heard(said, text, parses[0].intent if len(parses) == 1 else None)


def loop(
    assembly: Assembly,
    each: int,
    snr_db: float | None,
    seed: int = 5,
    intents: Sequence[str] = (),
) -> list[Heard]:
    """``each`` sentences of every intent, said and heard at ``snr_db`` (None: no noise)."""
    understander = assembly.understander()
    sentences = own_sentences(understander.language)
    heard = []
    drawn = sentences_of(sentences, understander, each, seed, intents)
    for number, said in enumerate(drawn):
        samples = spoken(assembly.tts(), said.text)
        if snr_db is not None:
            samples = mixed(samples, pink_noise(len(samples), number), snr_db)
        heard.append(hear(assembly, said, samples))
    return heard


def run(quick: bool) -> dict[str, Any]:
    """Shares by noise level, and by intent at the level of a room."""
    each = 1 if quick else 3
    figures: dict[str, Any] = {"sentences_an_intent": each, "levels": {}, "intents": {}}
    with Assembly(load_settings()) as assembly:
        for snr_db in SNR_DB[1:2] if quick else SNR_DB:
            name = "no noise" if snr_db is None else f"{snr_db:g} dB"
            say(f"spoken loop, {name}")
            heard = loop(assembly, each, snr_db)
            figures["levels"][name] = {
                "sentences": len(heard),
                "right": round(sum(one.right for one in heard) / len(heard), 4),
            }
            shares: dict[str, list[int]] = {}
            for one in heard:
                shares.setdefault(one.said.intent, []).append(int(one.right))
                if not one.right:
                    say(f"  {one.said.intent}: {one.said.text!r} → {one.text!r}, {one.intent}")
            for intent, right in shares.items():
                figures["intents"].setdefault(intent, {})[name] = f"{sum(right)}/{len(right)}"
    return figures


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    levels = figures["levels"]
    rows = [(name, one["sentences"], f"{100 * one['right']:.1f} %") for name, one in levels.items()]
    weak = [
        (intent, *(shares.get(name, "–") for name in levels))
        for intent, shares in figures["intents"].items()
        if any(share.split("/")[0] != share.split("/")[1] for share in shares.values())
    ]
    parts = [
        f"{len(figures['intents'])} intents, {figures['sentences_an_intent']} sentences each, "
        "by our own voice, in pink noise.",
        table(["noise", "sentences", "intent right"], rows),
    ]
    if weak:
        parts += ["Intents not always right:", table(["intent", *levels], weak)]
    return "\n\n".join(parts)
