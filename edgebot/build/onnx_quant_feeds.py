"""What is put into a model to see its activations: sentences, phonemes or recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import soundfile
import soxr

from edgebot.build.artefact import Artefact
from edgebot.build.step import Texts
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import AudioError, EngineError, UsageError
from edgebot.vad.log_mel import log_mel

Feed: TypeAlias = dict[str, Any]

_WINDOW_S = 8.0
_LONGEST_TOKENS = 256


def sentences(texts: Texts, name: str, most: int) -> list[str]:
    """At most ``most`` sentences of the text ``name``, spread evenly over its files.

    JSON lines give their ``text`` or ``question``; of other files every line that is not empty.
    Raises ``UsageError`` when there are none.
    """
    found: list[str] = []
    for path in texts.paths(name):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [text for line in lines if (text := _sentence(line, path))]
    found = list(dict.fromkeys(found))
    if not found:
        raise UsageError(f"the text {name!r} of the recipe is empty; name files with sentences")
    if len(found) <= most:
        return found
    return [found[int(at)] for at in np.linspace(0, len(found) - 1, most)]


def _sentence(line: str, path: Path) -> str:
    if path.suffix != ".jsonl":
        return line.strip()
    try:
        row = json.loads(line) if line.strip() else {}
    except ValueError:
        raise UsageError(f"{path}: a line of it is no JSON; mend it, or name it .txt") from None
    text = row.get("text") or row.get("question") if isinstance(row, dict) else None
    return text.strip() if isinstance(text, str) else ""


def feeds(artefact: Artefact, texts: Texts, name: str, most: int) -> Iterator[Feed]:
    """Inputs for the model in ``artefact`` made from the text ``name``.

    Raises ``EngineError`` for a model whose inputs are none of the kinds known here.
    """
    inputs = input_names(artefact.file())
    if "input_ids" in inputs:
        yield from _token_feeds(artefact, sentences(texts, name, most), inputs)
    elif {"input", "input_lengths", "scales"} <= inputs:
        yield from voice_feeds(artefact, sentences(texts, name, most))
    elif "input_features" in inputs:
        for samples in recordings(texts.paths(name), most):
            yield {"input_features": features(samples)[None]}
    else:
        raise EngineError(
            f"{artefact.file().name} takes {', '.join(sorted(inputs))}: neither an encoder, a "
            "Piper voice nor a turn detector; take a step that needs no calibration"
        )


def input_names(model: Path) -> set[str]:
    """Names of the model's inputs, without running it."""
    import onnx

    loaded = onnx.load(str(model), load_external_data=False)
    return {entry.name for entry in loaded.graph.input}


def _token_feeds(artefact: Artefact, found: Sequence[str], inputs: set[str]) -> Iterator[Feed]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(artefact.file("tokenizer")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_LONGEST_TOKENS)
    for text in found:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        yield {name: value for name, value in feed.items() if name in inputs}


def voice_feeds(
    artefact: Artefact, found: Sequence[str], noise: Sequence[float] | None = None
) -> Iterator[Feed]:
    """Phonemes of each sentence; ``noise``: of the sound and of the pace, else the voice's own."""
    from piper import PiperVoice
    from piper.config import PiperConfig

    try:
        written = artefact.file("config").read_text(encoding="utf-8")
        config = PiperConfig.from_dict(json.loads(written))
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{artefact.file('config')}: no config of a voice ({error!r})") from None
    voice: Any = PiperVoice(session=None, config=config)
    sound, pace = noise or (config.noise_scale, config.noise_w_scale)
    for text in found:
        phonemes = [each for sentence in voice.phonemize(text) for each in sentence]
        ids = voice.phonemes_to_ids(phonemes)
        yield {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([sound, config.length_scale, pace], np.float32),
        }


def recordings(paths: Sequence[Path], most: int) -> list[Samples]:
    """At most ``most`` of the recordings, spread evenly, 16 kHz mono in 16 bits."""
    chosen = [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(most, len(paths)))]
    return [_recording(path) for path in chosen]


def _recording(path: Path) -> Samples:
    try:
        heard, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: not a recording that can be read ({error})") from None
    mono = soxr.resample(heard.mean(axis=1), rate_hz, RATE_HZ)
    samples: Samples = np.clip(np.round(mono * 32767.0), -32768, 32767).astype(np.int16)
    return samples


def features(samples: Samples) -> Any:
    """Of the last eight seconds, as the turn detector wants them: shape (80, 800)."""
    waveform = np.zeros(int(_WINDOW_S * RATE_HZ), np.float32)
    heard = samples[-len(waveform) :]
    if len(heard):
        waveform[-len(heard) :] = heard / np.float32(32768.0)
    return log_mel(waveform)
