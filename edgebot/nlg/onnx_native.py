"""ONNX Runtime below the engine: one decoder, one sequence, its key-value state in numpy.

The state of all layers is one array as long as the context. It is bound as past *and* as present
of the graph, so GroupQueryAttention appends to it in place: nothing is copied from token to token,
and going back to an earlier position is setting a number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from edgebot.core.errors import EngineError
from edgebot.nlg.onnx_export import GRAPH, TOKENIZER, Description
from edgebot.nlg.vocabulary import Vocabulary

log = logging.getLogger(__name__)

IDS, TOTAL, LAST = "input_ids", "total_sequence_length", "seqlens_k"
LOGITS = "logits"


def past_names(layers: int) -> list[tuple[str, str, int, int]]:
    """(input, output, layer, 0 for keys or 1 for values) of every part of the state."""
    kinds = (("key", 0), ("value", 1))
    return [
        (f"past_key_values.{layer}.{kind}", f"present.{layer}.{kind}", layer, at)
        for layer in range(layers)
        for kind, at in kinds
    ]


class RunFlag:
    """Stops a running decode from another thread: ONNX Runtime asks before every node."""

    def __init__(self) -> None:
        self.options: Any = onnxruntime.RunOptions()
        self._set = False

    @property
    def is_set(self) -> bool:
        """True once :meth:`set` was called."""
        return self._set

    def set(self) -> None:
        """Make the decode that watches this flag end."""
        self._set = True
        self.options.terminate = True


class OnnxModel:
    """Weights, vocabulary, and the key-value state of one sequence."""

    def __init__(
        self,
        folder: Path,
        description: Description,
        *,
        threads: int,
        context_tokens: int,
        batch_tokens: int,
    ) -> None:
        """Load the model in ``folder``.

        Raises ``EngineError`` when the graph cannot be loaded, takes no past, or has another
        geometry than its description, and when the tokenizer is damaged.
        """
        self.description = description
        self.batch_tokens = batch_tokens
        self.vocabulary_size = description.geometry.vocabulary
        self._vocabulary = Vocabulary(folder / TOKENIZER, description.control_tokens)
        self._ends = frozenset(description.end_tokens)
        self._session = _load(folder / GRAPH, threads)
        _check_graph(self._session, description, folder / GRAPH)
        self._flag = RunFlag()
        self._length = 0
        self._bind(context_tokens)

    def _bind(self, context_tokens: int) -> None:
        geometry = self.description.geometry
        shape = (*geometry.state_shape, context_tokens, geometry.head_width)
        self._state = np.zeros(shape, np.float32)
        self._logits = np.zeros((1, self.vocabulary_size), np.float32)
        self._last = np.zeros(1, np.int32)
        self._total = np.zeros((), np.int32)
        self._binding: Any = self._session.io_binding()
        for before, after, layer, at in past_names(geometry.layers):
            part = self._state[layer, at]
            where = ("cpu", 0, np.float32, (1, *part.shape), part.ctypes.data)
            self._binding.bind_input(before, *where)
            self._binding.bind_output(after, *where)
        for name, array in ((LAST, self._last), (TOTAL, self._total)):
            self._binding.bind_input(name, "cpu", 0, np.int32, array.shape, array.ctypes.data)
        self._binding.bind_output(
            LOGITS, "cpu", 0, np.float32, self._logits.shape, self._logits.ctypes.data
        )

    # --- text and tokens

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """See :meth:`Decoder.tokenize`."""
        return self._vocabulary.tokenize(text, special=special)

    @property
    def first_token(self) -> int | None:
        """See :attr:`Decoder.first_token`."""
        return self.description.first_token

    def piece(self, token: int) -> bytes:
        """See :meth:`Decoder.piece`."""
        return self._vocabulary.piece(token)

    def ends(self, token: int) -> bool:
        """See :meth:`Decoder.ends`."""
        return token in self._ends

    def control_texts(self) -> list[str]:
        """How the control tokens are written, longest first."""
        return self._vocabulary.control_texts()

    # --- state

    def watch(self, flag: RunFlag) -> None:
        """From now on a decode ends when ``flag`` is set."""
        self._flag = flag

    def decode(self, tokens: Sequence[int]) -> bool:
        """See :meth:`StateDecoder.decode`."""
        ids = np.asarray([tokens], np.int64)
        total = self._length + len(tokens)
        if not len(tokens) or total > self._state.shape[3]:
            raise EngineError(f"{total} tokens do not fit the context of {self._state.shape[3]}")
        if self._flag.is_set:
            return False
        self._total[()] = total
        self._last[0] = total - 1
        self._binding.bind_cpu_input(IDS, ids)
        try:
            self._session.run_with_iobinding(self._binding, self._flag.options)
        except Exception as problem:  # noqa: BLE001 - its exceptions share no base but this one
            if self._flag.is_set:
                return False
            raise EngineError(f"onnxruntime failed to decode ({_first_line(problem)})") from None
        self._length = total
        return True

    def logits(self) -> npt.NDArray[np.float32]:
        """See :meth:`Decoder.logits`."""
        scores: npt.NDArray[np.float32] = self._logits[0]
        return scores

    def forget(self, start: int, end: int = -1) -> bool:
        """See :meth:`StateDecoder.forget`; a gap in the middle stays until :meth:`close_gap`."""
        if end < 0:
            self._length = min(self._length, start)
        return True

    def close_gap(self, start: int, width: int) -> bool:
        """See :meth:`StateDecoder.close_gap`: keys are turned back by ``width`` positions."""
        moved = self._state[:, :, :, start : self._length].copy()
        self._turn_back(moved[:, 0], width)
        self._state[:, :, :, start - width : self._length - width] = moved
        self._length -= width
        return True

    def _turn_back(self, keys: npt.NDArray[np.float32], positions: int) -> None:
        geometry = self.description.geometry
        half = geometry.head_width // 2
        if geometry.rope_interleaved:
            first, second = keys[..., 0::2], keys[..., 1::2]
        else:
            first, second = keys[..., :half], keys[..., half:]
        speed = geometry.rope_base ** (-np.arange(half) / half)
        cos = np.cos(positions * speed).astype(np.float32)
        sin = np.sin(positions * speed).astype(np.float32)
        turned = first * cos + second * sin
        second[...] = second * cos - first * sin
        first[...] = turned

    def state(self) -> bytes:
        """See :meth:`StateDecoder.state`."""
        return self._state[:, :, :, : self._length].tobytes()

    def restore(self, state: bytes) -> bool:
        """See :meth:`StateDecoder.restore`."""
        per_token = self.description.geometry.state_bytes_per_token
        length, rest = divmod(len(state), per_token)
        if rest or length > self._state.shape[3]:
            return False
        part = self._state[:, :, :, :length]
        part[...] = np.frombuffer(state, np.float32).reshape(part.shape)
        self._length = length
        return True

    def close(self) -> None:
        """Free the weights and the state."""
        self._binding = self._session = None
        self._state = np.zeros((*self.description.geometry.state_shape, 0, 1), np.float32)


def library_version() -> str:
    """Version of ONNX Runtime: a saved state is good for this one only."""
    return f"onnxruntime {onnxruntime.__version__}"


def _load(graph: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Waiting threads sleep between two tokens: the core belongs to the voice then.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Nothing is allocated twice where lengths change from batch to batch.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
    except Exception as problem:  # noqa: BLE001 - its exceptions share no base but this one
        raise EngineError(
            f"{graph}: onnxruntime cannot load it ({_first_line(problem)}); run "
            "`edgebot models verify`, or make it anew with `edgebot build onnx`"
        ) from None


def _check_graph(session: Any, description: Description, graph: Path) -> None:
    geometry = description.geometry
    inputs = {one.name: list(one.shape) for one in session.get_inputs()}
    outputs = {one.name: list(one.shape) for one in session.get_outputs()}
    names = past_names(geometry.layers)
    wanted = [IDS, TOTAL, LAST, *(before for before, _, _, _ in names)]
    if missing := [name for name in wanted if name not in inputs]:
        raise EngineError(
            f"{graph}: this model takes no {missing[0]}; it needs a decoder with past key values, "
            "as `edgebot build onnx` makes it"
        )
    if missing := [name for _, name, _, _ in names if name not in outputs]:
        raise EngineError(f"{graph}: this model gives no {missing[0]}; make it anew")
    shape = [1, geometry.kv_heads, None, geometry.head_width]
    wrong = [name for name, _, _, _ in names if not _alike(inputs[name], shape)]
    if set(inputs) - set(wanted) or wrong or not _alike(outputs.get(LOGITS, []), [1, None]):
        odd = wrong or [*(set(inputs) - set(wanted)), LOGITS]
        raise EngineError(
            f"{graph}: {odd[0]} is not as its model.json says; make it anew with "
            "`edgebot build onnx`"
        )
    if outputs[LOGITS][1] != geometry.vocabulary:
        raise EngineError(
            f"{graph}: it scores {outputs[LOGITS][1]} tokens and model.json says "
            f"{geometry.vocabulary}; make it anew with `edgebot build onnx`"
        )


def _alike(found: list[Any], wanted: list[int | None]) -> bool:
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(w is None or f == w for f, w in pairs)


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0][:300]
