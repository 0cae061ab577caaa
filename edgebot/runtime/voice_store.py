"""The file of the enrolled voices: vectors by name; never audio, never words.

Another process may enrol somebody while the daemon runs: the file is read again when it changed.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgebot.core.errors import StoreError, UsageError
from edgebot.core.listening import Vector
from edgebot.models.digest import write_atomically

_LOG = logging.getLogger(__name__)

_MOST_VECTORS = 20
_MOST_VOICES = 50
_LONGEST_NAME = 40
_VERSION = 1


class VoiceStore:
    """Safe to use from several threads; a change is on disk at once, or not made."""

    def __init__(self, file: Path, model_id: str) -> None:
        """``model_id``: what makes the vectors; those of another model cannot be compared.

        Raises :class:`StoreError` when ``file`` is damaged or another model's.
        """
        self._file = file
        self._model_id = model_id
        self._lock = threading.Lock()
        self._stamp = self._stamp_now()
        self._voices = _read(file, model_id)

    @property
    def voices(self) -> Mapping[str, Sequence[Vector]]:
        """Name → a vector for each recording."""
        with self._lock:
            self._read_again()
            return self._voices

    @property
    def names(self) -> tuple[str, ...]:
        """Sorted."""
        return tuple(sorted(self.voices))

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            looks = self._file.stat()
        except OSError:
            return None
        return looks.st_ino, looks.st_mtime_ns

    def _read_again(self) -> None:
        """What another process wrote; where that cannot be read, what was known stays."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._voices = _read(self._file, self._model_id)
        except StoreError as problem:
            _LOG.warning("%s", problem)

    def add(self, name: str, vectors: Sequence[Vector]) -> None:
        """Remember ``vectors`` as the voice of ``name``, with those that are known already.

        Raises :class:`UsageError` for an impossible name.
        """
        name = check_name(name)
        with self._lock:
            self._read_again()
            known = self._voices.get(name, [])
            if not known and len(self._voices) >= _MOST_VOICES:
                raise UsageError(f"{_MOST_VOICES} voices are known already; remove one first")
            self._write({**self._voices, name: [*known, *vectors][-_MOST_VECTORS:]})

    def remove(self, name: str) -> None:
        """Forget a voice. Raises :class:`UsageError` when there is none of that name."""
        name = check_name(name)
        with self._lock:
            self._read_again()
            if name not in self._voices:
                known = ", ".join(sorted(self._voices)) or "none yet"
                raise UsageError(f"no voice is called {name!r}; known: {known}")
            self._write({key: value for key, value in self._voices.items() if key != name})

    def _write(self, voices: dict[str, list[Vector]]) -> None:
        content = {
            "version": _VERSION,
            "model": self._model_id,
            "voices": {
                name: [[round(float(x), 5) for x in one] for one in several]
                for name, several in voices.items()
            },
        }
        try:
            if voices:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._file, json.dumps(content).encode())
                self._file.chmod(0o600)
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self._file}: cannot be written ({error.strerror}); make room or check its owner"
            ) from None
        self._voices = voices
        self._stamp = self._stamp_now()


def voices_file(state_dir: Path) -> Path:
    """Where the enrolled voices are kept."""
    return state_dir / "voices.json"


def check_name(name: str) -> str:
    """``name`` without blanks around it. Raises :class:`UsageError` when it cannot be one."""
    tidy = " ".join(name.split())
    if not tidy or len(tidy) > _LONGEST_NAME or not all(c.isalnum() or c in " -_'" for c in tidy):
        raise UsageError(
            f"{name[:_LONGEST_NAME]!r} cannot be the name of a voice; use up to {_LONGEST_NAME} "
            "letters, digits, blanks and hyphens"
        )
    return tidy


def unit(values: Sequence[float] | Vector) -> Vector:
    """``values`` at a length of 1. Raises ``ValueError`` when they have none."""
    vector = np.array(values, dtype=np.float32)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(length) or not length:
        raise ValueError("no vector")
    scaled: Vector = vector / np.float32(length)
    return scaled


def _read(file: Path, model_id: str) -> dict[str, list[Vector]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError("written by another version")
        made_with = str(content["model"])
        voices = {
            check_name(name): [unit(one) for one in several]
            for name, several in content["voices"].items()
        }
        lengths = {len(one) for several in voices.values() for one in several}
        if len(lengths) > 1 or not all(voices.values()):
            raise ValueError("its vectors do not fit together")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{file}: cannot be read ({error.strerror}); check its owner") from None
    except (ValueError, KeyError, TypeError, AttributeError, UsageError, RecursionError) as error:
        raise StoreError(
            f"{file}: the enrolled voices cannot be read ({error}); remove the file and enrol "
            "them again with `edgebot voices enroll`"
        ) from None
    if made_with != model_id:
        raise StoreError(
            f"{file}: its voices were enrolled with {made_with}, the model is {model_id}; remove "
            "the file and enrol them again with `edgebot voices enroll`"
        )
    return voices
