"""A sentence transformer as a teacher: many texts at once, those of a length together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.core.errors import ModelCorrupt
from edgebot.models.progress import Progress, Silent

Floats = npt.NDArray[np.float32]

_BATCH_TOKENS = 1024
MAX_TOKENS = 256


class Teacher:
    """An ONNX encoder without padding: faster over many texts than one after the other."""

    def __init__(self, model: Path, tokenizer: Path, threads: int = 1) -> None:
        """Raises ``ModelCorrupt`` when ``model`` is no sentence encoder."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
            self.tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise ModelCorrupt(
                f"{model.name}: no sentence encoder that can be run ({error})"
            ) from error
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        if "input_ids" not in self._inputs:
            raise ModelCorrupt(f"{model.name}: takes no tokens; name a sentence encoder")
        first, last = self.tokenizer.encode("").ids
        self._ends = (first, last)

    def read_alone(self, pieces: int, progress: Progress | None = None) -> Floats:
        """What it makes of each piece of its vocabulary by itself, shape (pieces, dimensions)."""
        progress = progress or Silent()
        progress.begin("the teacher reads its vocabulary", pieces)
        found, batch = [], _BATCH_TOKENS // 3
        for start in range(0, pieces, batch):
            ids = np.arange(start, min(pieces, start + batch), dtype=np.int64)
            ends = [np.full_like(ids, end) for end in self._ends]
            found.append(self._pooled(np.stack([ends[0], ids, ends[1]], axis=1)))
            progress.advance(start)
        progress.end()
        return np.concatenate(found)

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Unit vectors of ``texts``, shape (len(texts), dimensions)."""
        progress = progress or Silent()
        encoded = [entry.ids for entry in self.tokenizer.encode_batch(list(texts))]
        alike = defaultdict(list)
        for at, ids in enumerate(encoded):
            alike[len(ids)].append(at)
        progress.begin("the teacher reads sentences", len(texts))
        found: dict[int, Floats] = {}
        for length, members in sorted(alike.items()):
            batch = max(1, _BATCH_TOKENS // length)
            for start in range(0, len(members), batch):
                chosen = members[start : start + batch]
                ids = np.array([encoded[at] for at in chosen], np.int64)
                found.update(zip(chosen, self._pooled(ids), strict=True))
                progress.advance(len(found))
        progress.end()
        vectors = np.stack([found[at] for at in range(len(texts))])
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return np.asarray(vectors / lengths, np.float32)

    def _pooled(self, ids: npt.NDArray[np.int64]) -> Floats:
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        wanted = {name: value for name, value in feed.items() if name in self._inputs}
        output = self._session.run(None, wanted)[0]
        return np.asarray(output.mean(axis=1) if output.ndim == 3 else output, np.float32)
