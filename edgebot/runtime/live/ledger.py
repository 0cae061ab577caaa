"""The latency ledger: where the time of every turn went, without a word of what was said."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from edgebot.core.dialogue import Decision
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn

_LOG = logging.getLogger(__name__)

KEPT = 500
"""Turns the file holds."""

STAGES = ("endpoint", "final_text", "parsed", "first_token", "first_sentence", "first_audio")
"""Marks told in milliseconds since the end of speech."""


def record_of(
    turn: Turn, decision: Decision, by: str, transcript: Transcript | None = None
) -> dict[str, Any]:
    """One turn as JSON values: who asked how, which way it went, marks since the end of speech."""
    marks = turn.marks_ms()
    zero = marks.get("end_of_speech", 0.0)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "turn": turn.id,
        "session": turn.session,
        "by": by,
        "route": decision.route,
        "intent": decision.intent,
        "speech_s": round(transcript.audio_s, 2) if transcript else None,
        "interrupted": turn.cancellation.is_set,
        "failed": bool(decision.failure),
        "ms": {name: round(ms - zero, 1) for name, ms in marks.items() if name != "start"},
    }


class Ledger:
    """The last turns, in memory and in a small file that other processes read.

    ``file`` should lie where writing costs nothing (a memory-backed runtime directory).
    """

    def __init__(self, file: Path | None, kept: int = KEPT) -> None:
        self._file = file
        self._kept = kept
        self._records: deque[dict[str, Any]] = deque(read(file) if file else (), maxlen=kept)
        self._in_file = len(self._records)
        self._lock = threading.Lock()

    def add(self, record: Mapping[str, Any]) -> None:
        """Note a turn; a file that cannot be written is not worth a turn."""
        ms = record["ms"]
        _LOG.info(
            "turn %s: %s %s, endpoint %s ms, first audio %s ms, done %s ms",
            record["turn"], record["route"], record["intent"] or "-",
            *(ms.get(name, "-") for name in ("endpoint", "first_audio", "done")),
        )  # fmt: skip
        with self._lock:
            self._records.append(dict(record))
            if self._file is not None:
                try:
                    self._write(record)
                except OSError as problem:
                    _LOG.debug("%s: %s", self._file, problem)

    def last(self) -> list[dict[str, Any]]:
        """The turns, oldest first."""
        with self._lock:
            return list(self._records)

    def _write(self, record: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._in_file < 2 * self._kept:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(self._file, flags, 0o600), "w") as out:
                out.write(json.dumps(record) + "\n")
            self._in_file += 1
            return
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.writelines(json.dumps(one) + "\n" for one in self._records)
        draft.replace(self._file)
        self._in_file = len(self._records)


def read(file: Path, kept: int = KEPT) -> list[dict[str, Any]]:
    """The last records in ``file``, oldest first; damaged lines are left out."""
    if not file.is_file():
        return []
    records = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[-kept:]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("ms"), dict):
            records.append(record)
    return records


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile of at least one value."""
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def summary(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Median and 95th percentile of every stage by route, milliseconds since the end of speech.

    ``{route: {stage: {p50, p95, n}}}``; a turn that was broken off counts as far as it came.
    """
    table: dict[str, dict[str, dict[str, float]]] = {}
    for route in sorted({str(record["route"]) for record in records}):
        rows = [record["ms"] for record in records if record["route"] == route]
        for stage in STAGES:
            if values := [row[stage] for row in rows if stage in row]:
                p50, p95 = spread(values)
                table.setdefault(route, {})[stage] = {
                    "p50": round(p50, 1), "p95": round(p95, 1), "n": len(values),
                }  # fmt: skip
    return table
