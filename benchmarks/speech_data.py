"""Real recordings with what was said in them, and the word error rate; from the shared data."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import soundfile

from benchmarks.common import SHARED_DATA
from edgebot.core.audio import RATE_HZ, Samples

LONGEST_S = 12
SETS = {
    "read sentences": "read_phmatthes_ljtext",
    "spoken commands": "misc_commands_real",
    "home commands (synthetic voice)": "home_commands_tts",
    "coffee orders": "commands_s2i",
    "talk (LibriSpeech)": "background_speech",
    "single digits": "digits_fsdd",
}
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@dataclass(frozen=True)
class Clip:
    """A recording of at most :data:`LONGEST_S` and what is known about it."""

    samples: Samples
    said: str
    slots: tuple[str, ...] = ()
    row: Mapping[str, str] = field(default_factory=dict)
    """Its line of the set's table."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ


def present() -> bool:
    """Whether the shared data lies beside the checkout."""
    return (SHARED_DATA / "speech").is_dir()


def clips(name: str, most: int) -> list[Clip]:
    """At most ``most`` recordings of a set, spread over it."""
    folder = SHARED_DATA / "speech" / SETS[name]
    rows = _rows(folder.name)
    found = []
    for row in rows[:: max(1, len(rows) // most)][:most]:
        samples, rate_hz = soundfile.read(folder / row["path"], dtype="int16")
        assert rate_hz == RATE_HZ
        slots = tuple(json.loads(row.get("slots") or "{}").values())
        said = row.get("transcript", "")
        found.append(Clip(samples[: LONGEST_S * RATE_HZ], said, slots, row))
    return found


def phrases(name: str) -> list[str]:
    """What may be said in a set: its own sentences, or the sentences it was recorded from."""
    if name == "coffee orders":
        file = SHARED_DATA / "speech" / "commands_s2i" / "corpus.txt"
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if name == "single digits":
        return DIGITS
    return [" ".join(scorer().norm(row["transcript"])) for row in _rows(SETS[name])]


def scorer() -> ModuleType:
    """The scoring rules that come with the data."""
    spec = importlib.util.spec_from_file_location("score", SHARED_DATA / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def word_errors(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """Word error rate and share of sentences without error, of (said, heard) pairs."""
    rules = scorer()
    errors = words = exact = 0
    for said, heard in pairs:
        wanted, found = (" ".join(rules.norm(text)) for text in (said, heard))
        # Compounds: the voice says nothing about where the blank is.
        if wanted.replace(" ", "") == found.replace(" ", ""):
            found = wanted
        errors += rules.ed(wanted.split(), found.split())
        words += len(wanted.split())
        exact += wanted == found
    return errors / max(1, words), exact / max(1, len(pairs))


def all_slots(clip: Clip, heard: str) -> bool:
    """Whether every slot value of an order is in what was heard."""
    rules = scorer()
    text = f" {' '.join(rules.norm(heard))} "
    return all(f" {' '.join(rules.norm(value))} " in text for value in clip.slots)


def noises() -> Iterator[tuple[str, Samples]]:
    """Recordings of noise."""
    for path in sorted((SHARED_DATA / "speech" / "noise").glob("*.flac")):
        samples, _ = soundfile.read(path, dtype="int16")
        yield path.stem, samples if samples.ndim == 1 else samples[:, 0]


def mixed(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Speech in noise at a signal-to-noise ratio."""
    tiled = np.resize(noise, len(samples)).astype(np.float64)
    speech = samples.astype(np.float64)
    power = np.mean(speech**2) / max(1.0, np.mean(tiled**2)) / 10 ** (snr_db / 10)
    return np.clip(speech + tiled * np.sqrt(power), -32768, 32767).astype(np.int16)


def _rows(folder: str) -> list[dict[str, str]]:
    with (SHARED_DATA / "speech" / folder / "labels.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
