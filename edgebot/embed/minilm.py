"""Sentence embeddings with MiniLM on ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.core.errors import EngineError, ModelCorrupt, OutOfMemory
from edgebot.embed.bert_graph import int8_graph

MAX_TOKENS = 256
"""What the model was trained to read; the rest of a longer text is not seen."""


class MiniLmEncoder:
    """all-MiniLM-L6-v2: 384 numbers a text, mean-pooled and of length one.

    Each text is run by itself, so its vector does not depend on its neighbours and no time goes
    into padding; ``threads`` texts are run side by side. Reimers and Gurevych, "Sentence-BERT"
    (2019), https://www.sbert.net.
    """

    dimensions = 384

    def __init__(
        self, model: Path, tokenizer: Path, threads: int = 1, model_id: str = "minilm-l6-v2-int8"
    ) -> None:
        """Load the ONNX ``model`` and its ``tokenizer.json``.

        Raises ``ModelCorrupt`` when one of them cannot be read.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        self.model_id = model_id
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # no two texts have the same shape
        # Processors without VNNI would let int8 products overflow: ask for the exact kernels.
        options.add_session_config_entry("session.x64quantprecision", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
            content = model.read_bytes()
            if faster := int8_graph(content):
                # It is as it should be: fusing its additions and norms makes it slower again.
                options.graph_optimization_level = (
                    onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
                )
            self._session: Any = onnxruntime.InferenceSession(
                faster or content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions of their own
            raise ModelCorrupt(
                f"{model_id} cannot be loaded ({error}); run `edgebot models verify`"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        width = self._session.get_outputs()[0].shape[-1]
        if isinstance(width, int):  # some graphs give it a name instead
            self.dimensions = width
        self._pool = ThreadPoolExecutor(threads, "embed") if threads > 1 else None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (len(texts), dimensions), float32.

        The same text always gets the same vector. A text without a single word gets a vector too
        (that of the empty sentence). Raises ``EngineError`` when the model fails.
        """
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        encoded = self._tokenizer.encode_batch([_clean(text) for text in texts])
        ids = [np.asarray(entry.ids, np.int64) for entry in encoded]
        # Longest first: the last to finish are the short ones, so no thread waits for long.
        order = sorted(range(len(ids)), key=lambda index: -len(ids[index]))
        vectors = np.empty((len(ids), self.dimensions), np.float32)
        for index, vector in zip(order, self._run_all(ids[index] for index in order), strict=True):
            vectors[index] = vector
        return vectors

    def _run_all(self, sequences: Iterator[npt.NDArray[np.int64]]) -> Iterator[Vectors]:
        return self._pool.map(self._run, sequences) if self._pool else map(self._run, sequences)

    def tokens(self, text: str) -> TokenVectors:
        """The pieces of ``text`` in their context, at most 254 of them.

        Raises ``EngineError`` when the model fails or its graph pools inside.
        """
        clean = _clean(text)
        encoded = self._tokenizer.encode(clean)
        output = self._hidden(np.asarray(encoded.ids, np.int64))
        if output.ndim != 3:
            raise EngineError(f"{self.model_id} gives no vectors of single pieces")
        vectors = output[0][1:-1]  # without [CLS] and [SEP]
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return TokenVectors(np.asarray(vectors / lengths, np.float32), tuple(encoded.offsets[1:-1]))

    def _run(self, ids: npt.NDArray[np.int64]) -> Vectors:
        output = self._hidden(ids)
        pooled = output[0].mean(axis=0) if output.ndim == 3 else output[0]
        length = float(np.linalg.norm(pooled))
        return np.asarray(pooled / (length or 1.0), dtype=np.float32)

    def _hidden(self, ids: npt.NDArray[np.int64]) -> Vectors:
        tokens = ids[np.newaxis]
        feed = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        try:
            output: Vectors = self._session.run(
                None, {name: value for name, value in feed.items() if name in self._inputs}
            )[0]
        except Exception as error:  # onnxruntime's own exceptions share no base but this one
            kind = OutOfMemory if "alloc" in str(error).lower() else EngineError
            raise kind(f"{self.model_id} failed: {error}") from error
        return output

    def close(self) -> None:
        """Free the model."""
        if self._pool:
            self._pool.shutdown()
        self._session = None


def _clean(text: str) -> str:
    """``text`` without lone surrogates, which the tokenizer cannot take."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
