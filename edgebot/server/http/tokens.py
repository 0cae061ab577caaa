"""The token that opens the HTTP door: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from edgebot.core.errors import StoreError

_BYTES = 32
COOKIE_S = 30 * 24 * 3600
"""How long a browser stays logged in, in seconds."""


class TokenFile:
    """``server/token.json`` of the state directory, mode 0600; holds only the token's SHA-256.

    A token has 256 bits of chance, so a plain hash keeps it: there is nothing to guess. The file is
    looked at anew when it has changed, so that a token can be replaced while the door is open.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "server" / "token.json"
        self._seen: tuple[int, int] | None = None
        self._hash = ""

    def make(self) -> str:
        """A new token, which ends the one before; to be shown now and never again."""
        token = "edgebot_" + secrets.token_urlsafe(_BYTES)
        kept = json.dumps({"sha256": _hash(token), "made": int(time.time())})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(kept + "\n")
            draft.replace(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written ({error.strerror})") from None
        return token

    def remove(self) -> bool:
        """Go without a token; False when there was none."""
        there = self._path.is_file()
        self._path.unlink(missing_ok=True)
        return there

    def wanted(self) -> bool:
        """Whether a token is needed."""
        return bool(self._current())

    def opens(self, token: str) -> bool:
        """Whether ``token`` is the right one; any is where none is needed."""
        current = self._current()
        return not current or hmac.compare_digest(_hash(token), current)

    def cookie(self, now: float | None = None) -> str:
        """A value that stands for the token in a browser until it expires or the token is new."""
        ends = int((time.time() if now is None else now) + COOKIE_S)
        return f"{ends}.{self._sign(ends)}"

    def accepts(self, cookie: str, now: float | None = None) -> bool:
        """Whether :meth:`cookie` made ``cookie``, and lately enough."""
        if not self._current():
            return True
        ends, _, signature = cookie.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) < 12):
            return False
        fresh = int(ends) > (time.time() if now is None else now)
        return hmac.compare_digest(signature.encode(), self._sign(int(ends)).encode()) and fresh

    def _sign(self, ends: int) -> str:
        key = self._current().encode()
        return hmac.new(key, f"edgebot cookie {ends}".encode(), "sha256").hexdigest()

    def _current(self) -> str:
        try:
            status = self._path.stat()
        except OSError:
            self._seen, self._hash = None, ""
            return ""
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            try:
                kept = json.loads(self._path.read_text(encoding="utf-8"))
                self._hash = str(kept["sha256"])
            except (OSError, ValueError, KeyError, TypeError):
                self._hash = "damaged: opens for nobody"
            self._seen = seen
        return self._hash


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).hexdigest()
