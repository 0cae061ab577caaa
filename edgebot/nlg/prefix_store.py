"""Key-value states of static prompt parts, kept on disk between starts.

A file is good for exactly one model, one text, one library version and one set of context
parameters; whatever does not match or is damaged is as good as absent and is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

_MAGIC = b"edgebot prefix state 1\n"
_KEPT = 4
"""Files that stay: a persona or two for a model or two."""

_LONGEST_HEADER = 1_000_000


@dataclass(frozen=True, slots=True)
class PrefixState:
    """Tokens and the state a model is in after reading them."""

    tokens: tuple[int, ...]
    state: bytes


class PrefixStore:
    """A directory of saved states."""

    def __init__(
        self, directory: Path, identity: Mapping[str, str | int], prepared: Path | None = None
    ) -> None:
        """``identity``: everything besides the tokens that a state depends on.

        ``prepared``: a second directory to look in, which is never written to.
        """
        self._directory = directory
        self._prepared = prepared
        self._identity = dict(identity)

    def _header(self, tokens: Sequence[int], state: bytes) -> bytes:
        head = {
            "identity": self._identity,
            "tokens": list(tokens),
            "size": len(state),
            "sha256": hashlib.sha256(state).hexdigest(),
        }
        return json.dumps(head, sort_keys=True).encode() + b"\n"

    def path(self, tokens: Sequence[int]) -> Path:
        """Where the state after ``tokens`` lies."""
        key = json.dumps([self._identity, list(tokens)], sort_keys=True).encode()
        return self._directory / f"{hashlib.sha256(key).hexdigest()[:24]}.kv"

    def load(self, tokens: Sequence[int]) -> PrefixState | None:
        """The saved state after ``tokens``, or None when there is no good one."""
        own = self.path(tokens)
        if (state := self._read(own, tokens)) is not None or self._prepared is None:
            return state
        return self._read(self._prepared / own.name, tokens)

    def _read(self, path: Path, tokens: Sequence[int]) -> PrefixState | None:
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise ValueError("not a prefix state")
                header = file.readline(_LONGEST_HEADER)
                state = file.read()
            if header != self._header(tokens, state):
                raise ValueError("it belongs to another model or prompt, or is damaged")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as problem:
            log.warning("%s: %s; it is built again", path, problem)
            if path.parent == self._directory:
                with contextlib.suppress(OSError):
                    path.unlink()
            return None
        return PrefixState(tuple(tokens), state)

    def save(self, tokens: Sequence[int], state: bytes) -> None:
        """Write the state after ``tokens``; readers see all of it or nothing.

        A full or read-only disk costs the next start some seconds and nothing else.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._write(self.path(tokens), self._header(tokens, state), state)
            self._prune()
        except OSError as problem:
            log.warning("the prompt's state cannot be saved: %s", problem)

    def _write(self, path: Path, header: bytes, state: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._directory, suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + header)
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _prune(self) -> None:
        files = sorted(self._directory.glob("*.kv"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_KEPT]:
            path.unlink(missing_ok=True)
