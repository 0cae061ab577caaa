"""Documents and questions to measure the knowledge base with."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.common import SHARED_DATA
from edgebot.config.paths import share_dir

SETS = ("squad2", "xquad_en")


@dataclass(frozen=True)
class Asked:
    """A question with what is known about its answer."""

    text: str
    kind: str
    """answerable, tricky (unanswerable, but written for the passage) or outside."""

    source: str
    """Stem of the file it was written for; empty for outside questions."""

    answers: tuple[str, ...]
    group: str
    """Article: never in both halves of a cross-validation."""


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write_passages(name: str, folder: Path) -> None:
    """Each passage of a set as a Markdown file of its own, under its article's title."""
    folder.mkdir(parents=True, exist_ok=True)
    for passage in read_lines(SHARED_DATA / "qa" / name / "passages.jsonl"):
        title = passage["title"].replace("_", " ")
        file = folder / f"{stem_of(passage['pid'])}.md"
        file.write_text(f"# {title}\n\n{passage['text']}\n", encoding="utf-8")


def stem_of(pid: str) -> str:
    return pid.replace("/", "_")


def questions(name: str) -> list[Asked]:
    found = []
    for entry in read_lines(SHARED_DATA / "qa" / name / "questions.jsonl"):
        kind = "tricky" if entry["is_impossible"] else "answerable"
        article = f"{name}/{entry['pid'].split('#')[0]}"
        found.append(
            Asked(entry["question"], kind, stem_of(entry["pid"]), tuple(entry["answers"]), article)
        )
    return found


def outside(count: int, seed: int = 0) -> list[Asked]:
    """Questions about anything but the documents: web searches and requests to an assistant."""
    searches = [
        entry["question"] for entry in read_lines(SHARED_DATA / "qa" / "nq_open" / "dev.jsonl")
    ]
    requests = [
        entry["text"] for entry in read_lines(SHARED_DATA / "nlu" / "clinc150" / "oos_train.jsonl")
    ]
    chosen = random.Random(seed).sample(searches, count) + requests
    return [Asked(text, "outside", "", (), f"outside{i % 10}") for i, text in enumerate(chosen)]


def hold_out_pairs(folder: Path, seed: int = 0) -> list[Asked]:
    """The documents edgebot ships without some wordings, and those wordings as questions.

    Of every pair with several wordings one is asked. Every fourth such pair is left out whole: its
    neighbours (the capital of another country) are the best there is, and wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    asked = []
    for file in sorted(share_dir("knowledge").rglob("*.yaml")):
        loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        kept = []
        for number, pair in enumerate(loaded.get("pairs", [])):
            wordings = pair["q"] if isinstance(pair["q"], list) else [pair["q"]]
            if len(wordings) > 1:
                held = draw.choice(wordings)
                gone = draw.random() < 0.25
                group = f"{file.stem}{number % 5}"
                asked.append(
                    Asked(
                        str(held),
                        "tricky" if gone else "answerable",
                        file.stem,
                        () if gone else (" ".join(str(pair["a"]).split()),),
                        group,
                    )
                )
                if gone:
                    continue
                pair = pair | {"q": [one for one in wordings if one != held]}
            kept.append(pair)
        out = folder / f"{file.stem}.yaml"
        out.write_text(yaml.safe_dump(loaded | {"pairs": kept}, allow_unicode=True))
    for file in sorted(share_dir("knowledge").rglob("*.md")):
        if file.name != "README.md":
            (folder / file.name).write_bytes(file.read_bytes())
    return asked
