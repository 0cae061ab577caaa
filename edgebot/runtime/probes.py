"""What was measured of the models on this machine: whether one may choose tools."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from edgebot.models.entry import Entry
from edgebot.nlg.probe import LEAST_RIGHT, MOST_FALSE, ProbeResult
from edgebot.nlg.probe import probe as measure

__all__ = ["LEAST_RIGHT", "MOST_FALSE", "may_call", "measure", "record"]

log = logging.getLogger(__name__)

FILE = "probes.json"


def may_call(entry: Entry, models_dir: Path) -> bool:
    """Whether the model of ``entry`` may choose tools: as measured here, else as catalogued."""
    measured = _read(models_dir / FILE).get(_key(entry))
    if isinstance(measured, dict):
        return bool(measured.get("able"))
    return bool(entry.options.get("calls_tools"))


def record(entry: Entry, result: ProbeResult, models_dir: Path) -> Path:
    """Remember ``result``, by the content of the weights; returns the file."""
    file = models_dir / FILE
    known = _read(file)
    known[_key(entry)] = {"model": entry.id, **asdict(result), "able": result.able}
    temporary = file.with_suffix(".part")
    temporary.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    temporary.replace(file)
    return file


def _key(entry: Entry) -> str:
    return next((spec.sha256 for spec in entry.files if spec.role == "model"), entry.id)


def _read(file: Path) -> dict[str, object]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        log.warning("%s: %s; run `edgebot probe` again", file, problem)
        return {}
    return data if isinstance(data, dict) else {}
