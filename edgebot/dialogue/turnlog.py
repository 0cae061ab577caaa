"""The last decisions, so that "why this answer?" can be told."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from edgebot.core.dialogue import Decision
from edgebot.core.errors import StoreError
from edgebot.core.turn import Turn
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.promises import stamp

log = logging.getLogger(__name__)

WORDS = ("text", "slots", "rungs")
"""Fields of a record that may hold what somebody said."""


class TurnLog:
    """The last ``keep`` turns in memory and, shared by processes, in a file of mode 0600.

    The file holds decisions without words (no text, no slot values, no reasons) unless
    ``keep_words``. ``keep=0`` writes nothing.
    """

    def __init__(
        self,
        file: Path | None,
        clock: Clock,
        keep: int = 20,
        keep_words: bool = False,
        words_days: float = 7.0,
    ) -> None:
        """``words_days``: records with words are removed after so many days."""
        self._file = file if keep else None
        self._clock = clock
        self._keep = keep
        self._keep_words = keep_words
        self._words_for = timedelta(days=words_days)
        self._turns: deque[dict[str, Any]] = deque(maxlen=max(1, keep))
        self._lock = threading.Lock()
        self._expire()

    def add(self, turn: Turn, text: str, decision: Decision) -> None:
        """Note how ``turn`` was decided. A file that cannot be written is not worth a turn."""
        record = describe(turn, text, decision)
        record["at"] = stamp(self._clock.utc())
        with self._lock:
            self._turns.append(record)
            if self._file is not None:
                try:
                    self._write(record if self._keep_words else wordless(record))
                except (OSError, ValueError) as problem:
                    log.debug("%s: %s", self._file, problem)

    def last(self) -> list[dict[str, Any]]:
        """The turns of this process with their words, oldest first."""
        with self._lock:
            return list(self._turns)

    def forget(self) -> None:
        """Remove all turns, from the file too. Raises ``StoreError``."""
        with self._lock:
            self._turns.clear()
            if self._file is None or not self._file.is_file():
                return
            try:
                self._replace(self._file, [])
            except OSError as problem:
                raise StoreError(f"{self._file}: cannot be emptied ({problem})") from None

    def _write(self, record: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._replace(self._file, [*self._unexpired(read(self._file)), dict(record)][-self._keep :])

    def _unexpired(self, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """``records`` without those whose words are too old, or of an unknown age."""
        since = stamp(self._clock.utc() - self._words_for)
        return [one for one in records if "text" not in one or str(one.get("at", "")) >= since]

    def _expire(self) -> None:
        """Remove what has grown too old while nothing ran."""
        if self._file is None:
            return
        try:
            records = read(self._file)
            kept = self._unexpired(records)
            if len(kept) < len(records):
                self._replace(self._file, kept)
        except (OSError, ValueError) as problem:
            log.warning("%s: what is too old could not be removed (%s)", self._file, problem)

    def _replace(self, file: Path, kept: Iterable[Mapping[str, Any]]) -> None:
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.writelines(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in kept)
        draft.replace(file)


def turns_file(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where decisions are kept: in memory-backed runtime space where there is one (it spares the
    SD card, and is gone with the next start), else in the state directory."""
    for variable in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        if base := environ.get(variable, "").split(":")[0]:
            owned = variable == "RUNTIME_DIRECTORY"
            directory = Path(base) if owned else Path(base) / "edgebot"
            if os.access(base, os.W_OK):
                return directory / f"turns-{_name_of(state_dir)}.jsonl"
    return state_dir / "turns.jsonl"


def _name_of(directory: Path) -> str:
    """Tells the assistants of one machine apart by their state directories."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:8]


def read(file: Path) -> list[dict[str, Any]]:
    """The records in ``file``, oldest first; lines that are damaged are left out."""
    if not file.is_file():
        return []
    records = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def describe(turn: Turn, text: str, decision: Decision) -> dict[str, Any]:
    """Everything there is to tell of a turn, as JSON values."""
    return {
        "turn": turn.id,
        "session": turn.session,
        "text": text,
        "route": decision.route,
        "intent": decision.intent,
        "slots": dict(decision.slots),
        "sources": list(decision.sources),
        "rungs": [
            {**asdict(rung), "details": dict(rung.details), "ms": round(rung.ms, 2)}
            for rung in decision.rungs
        ],
        "failure": decision.failure,
        "marks_ms": {name: round(ms, 1) for name, ms in turn.marks_ms().items()},
    }


def wordless(record: Mapping[str, Any]) -> dict[str, Any]:
    """``record`` without anything that a person said or that could give it away."""
    bare = {key: value for key, value in record.items() if key not in (*WORDS, "failure")}
    bare["slots"] = sorted(record["slots"])
    bare["rungs"] = [
        {key: rung[key] for key in ("rung", "score", "ms")}
        | {"templates": rung["details"].get("templates") or rung["details"].get("template")}
        for rung in record["rungs"]
    ]
    return bare
