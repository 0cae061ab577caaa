"""What of the set-up is done, remembered beside the virtual environment it made."""

from __future__ import annotations

import hashlib
from pathlib import Path


class Stamps:
    """One small file a step in ``.venv/.edgebot``; removing ``.venv`` forgets everything."""

    def __init__(self, root: Path) -> None:
        self._dir = root / ".venv" / ".edgebot"

    def done(self, step: str, fingerprint: str) -> bool:
        """Whether ``step`` was finished with exactly this ``fingerprint``."""
        try:
            return self._file(step).read_text() == fingerprint
        except OSError:
            return False

    def mark(self, step: str, fingerprint: str) -> None:
        """Remember ``step`` as finished."""
        self._dir.mkdir(parents=True, exist_ok=True)
        fresh = self._file(step).with_suffix(".new")
        fresh.write_text(fingerprint)
        fresh.replace(self._file(step))

    def _file(self, step: str) -> Path:
        return self._dir / hashlib.sha256(step.encode()).hexdigest()[:16]


def digest(*parts: str | Path) -> str:
    """SHA-256 over strings and the contents of files (absent ones count as empty)."""
    total = hashlib.sha256()
    for part in parts:
        content = (part.read_bytes() if part.is_file() else b"") if isinstance(part, Path) else part
        total.update(content if isinstance(content, bytes) else content.encode())
        total.update(b"\0")
    return total.hexdigest()
