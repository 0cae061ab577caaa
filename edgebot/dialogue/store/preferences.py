"""Small values that outlive a restart: the volume, a plug-in's own."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from edgebot.dialogue.store.file import StoreFile

MAX_BYTES = 64_000


class Preferences:
    """JSON values by name, apart for each owner."""

    def __init__(self, file: StoreFile, owner: str) -> None:
        self._file = file
        self._owner = owner

    def get(self, key: str, default: Any = None) -> Any:
        """The value kept under ``key``."""

        def look(db: Database) -> Any:
            row = db.conn.execute(
                "SELECT value FROM preferences WHERE owner = ? AND key = ?", [self._owner, key]
            ).fetchone()
            return json.loads(row[0]) if row else default

        return self._file.read(look)

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON value of at most 64 kB; raises ``ValueError`` for more."""
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > MAX_BYTES:
            raise ValueError(f"a preference holds at most {MAX_BYTES} characters")
        self._file.write(
            lambda db: db.conn.execute(
                "INSERT OR REPLACE INTO preferences (owner, key, value) VALUES (?, ?, ?)",
                [self._owner, key, text],
            )
        )
