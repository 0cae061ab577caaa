"""Who speaks: known voices found, strangers kept out, on spoken orders of several people.

Households are drawn from the speakers of the coffee orders: three are enrolled with four orders
each, the others are strangers. The speaker labels of that set are a clustering by another voice
encoder, so some of the errors are those of the labels.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile

from benchmarks.common import SHARED_DATA, say, table
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.listening import Vector
from edgebot.runtime.voices import ENOUGH_S, MARGIN, THRESHOLD
from edgebot.runtime.wiring import Assembly

THRESHOLDS = (0.45, 0.5, 0.55, 0.6, 0.65)
ENROLLED, ORDERS = 3, 4
HOUSEHOLDS = 200
LEAST = 6
"""Orders a speaker must have to take part."""


def run(quick: bool = False) -> dict[str, Any]:
    """Errors for several thresholds, and the processor time of a second of speech."""
    if not (SHARED_DATA / "speech").is_dir():
        raise SystemExit("the speaker recordings (../shared/data) are absent")
    with Assembly(load_settings(None)) as assembly:
        prints = assembly.all_voices().voice_print
        by_speaker: dict[str, list[Vector]] = defaultdict(list)
        audio_s = cpu_s = 0.0
        silent = 0
        for speaker, samples in orders()[:: 3 if quick else 1]:
            began = time.process_time()
            vector, seconds = prints.vector(samples)
            cpu_s += time.process_time() - began
            audio_s += len(samples) / RATE_HZ
            if vector is None or seconds < ENOUGH_S:
                silent += 1
            else:
                by_speaker[speaker].append(vector)
    people = {name: np.array(v) for name, v in by_speaker.items() if len(v) >= LEAST}
    say(f"{len(people)} speakers, {sum(map(len, people.values()))} orders")
    return {
        "speakers": len(people),
        "orders": sum(map(len, people.values())),
        "too_short": silent,
        "cpu_s_per_audio_s": round(cpu_s / audio_s, 4),
        "enrolled": ENROLLED,
        "orders_enrolled": ORDERS,
        "households": HOUSEHOLDS,
        "shipped": THRESHOLD,
        "by_threshold": {str(one): errors(people, one) for one in THRESHOLDS},
    }


def orders() -> list[tuple[str, Samples]]:
    """Each recorded order and its speaker."""
    folder = SHARED_DATA / "speech" / "commands_s2i"
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        (row["speaker_cluster"], soundfile.read(folder / row["path"], dtype="int16")[0])
        for row in rows
    ]


def errors(people: Mapping[str, np.ndarray[Any, Any]], threshold: float) -> dict[str, float]:
    """Shares of the orders of household members and of strangers."""
    draw = np.random.default_rng(1)
    counts = dict.fromkeys(("right", "wrong", "nobody", "kept_out", "taken_in"), 0)
    for _ in range(HOUSEHOLDS):
        names = list(draw.permutation(sorted(people)))
        middles, later = [], []
        for name in names[:ENROLLED]:
            mixed = people[name][draw.permutation(len(people[name]))]
            middle = mixed[:ORDERS].mean(axis=0)
            middles.append(middle / np.linalg.norm(middle))
            later.append(mixed[ORDERS:])
        for own, vectors in enumerate(later):
            for found in found_in(vectors, middles, threshold):
                counts["nobody" if found is None else "right" if found == own else "wrong"] += 1
        for name in names[ENROLLED:]:
            for found in found_in(people[name], middles, threshold):
                counts["kept_out" if found is None else "taken_in"] += 1
    members = counts["right"] + counts["wrong"] + counts["nobody"]
    strangers = counts["kept_out"] + counts["taken_in"]
    return {
        **{key: round(counts[key] / members, 4) for key in ("right", "wrong", "nobody")},
        "strangers_taken_in": round(counts["taken_in"] / strangers, 4),
    }


def found_in(
    vectors: np.ndarray[Any, Any], middles: Sequence[Vector], threshold: float
) -> list[int | None]:
    """Which of ``middles`` each of ``vectors`` is, by the rule of ``edgebot.runtime.voices``."""
    scores = vectors @ np.array(middles).T
    order = np.argsort(-scores, axis=1)
    found: list[int | None] = []
    for row, ranked in zip(scores, order, strict=True):
        best, second = row[ranked[0]], row[ranked[1]]
        found.append(int(ranked[0]) if best >= threshold and best - second >= MARGIN else None)
    return found


def report(figures: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [
            f"**{one}**" if float(one) == figures["shipped"] else one,
            *(
                f"{100 * e[key]:.1f} %"
                for key in ("right", "wrong", "nobody", "strangers_taken_in")
            ),
        ]
        for one, e in figures["by_threshold"].items()
    ]
    head = ["likeness", "right person", "wrong person", "taken for nobody", "strangers taken in"]
    return (
        f"{figures['orders']} spoken orders of {figures['speakers']} people (labels by "
        f"clustering); {figures['households']} drawn households of {figures['enrolled']}, each "
        f"enrolled with {figures['orders_enrolled']} orders, all others strangers. The shipped "
        f"threshold in bold. {1000 * figures['cpu_s_per_audio_s']:.0f} ms of processor time for a "
        "second of audio.\n\n" + table(head, rows)
    )
