"""What the source predicts on a text, kept so that every candidate need not ask it again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgebot.build.native import Scores, open_model
from edgebot.config import paths
from edgebot.models.digest import writing
from edgebot.models.progress import Progress

_KEPT = 6
"""References that stay: some hundred megabytes each."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Log-probabilities of every token after every token, in 16 bits."""

    windows: Sequence[Sequence[int]]
    pieces: Sequence[bytes]
    """Token → the bytes it stands for."""

    logs: npt.NDArray[np.float16]
    """Shape (tokens of all windows, vocabulary)."""


def log_shares(scores: Scores) -> npt.NDArray[np.float32]:
    """Logarithms of the shares (softmax) along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    logs: npt.NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


def reference(
    path: Path,
    sha256: str,
    windows: Sequence[str],
    window_tokens: int,
    threads: int,
    progress: Progress,
    lead: str,
) -> Reference:
    """What the model in ``path`` predicts in the passages ``windows``, each after ``lead``."""
    depends = [sha256, list(windows), window_tokens, lead, 2]
    key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]
    root = paths.cache_dir() / "steps" / "reference"
    folder = root / key
    if not (folder / "tokens.json").is_file():
        with writing(root):
            root.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=f".{key[:12]}.", dir=root))
            try:
                _write(path, part, windows, window_tokens, threads, progress, lead)
                shutil.rmtree(folder, ignore_errors=True)
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            _prune(root)
    told = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    logs = np.load(folder / "logs.npy", mmap_mode="r", allow_pickle=False)
    pieces = [bytes.fromhex(piece) for piece in told["pieces"]]
    return Reference(told["windows"], pieces, logs)


def _write(
    path: Path,
    folder: Path,
    windows: Sequence[str],
    window_tokens: int,
    threads: int,
    progress: Progress,
    lead: str,
) -> None:
    with open_model(path, threads, context_tokens=window_tokens) as model:
        tokens = [(model.tokenize(lead) + model.tokenize(text))[:window_tokens] for text in windows]
        count, done = sum(map(len, tokens)), 0
        progress.begin(f"reference: {path.name}", count)
        shape = (count, model.vocabulary_size)
        logs = np.lib.format.open_memmap(folder / "logs.npy", "w+", np.float16, shape)
        for window in tokens:
            logs[done : done + len(window)] = log_shares(model.read(window))
            done += len(window)
            progress.advance(done)
        logs.flush()
        pieces = [model.piece(token).hex() for token in range(model.vocabulary_size)]
    (folder / "tokens.json").write_text(json.dumps({"windows": tokens, "pieces": pieces}))


def _prune(root: Path) -> None:
    kept = sorted(
        (path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    for path in kept[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
