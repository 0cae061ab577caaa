"""llama.cpp for measuring: scores of every token of a text, and a look at what flows inside."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# See llama_native: threads that wait shall not spin, and this is read when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import llama_cpp as C
import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError, OutOfMemory
from edgebot.nlg.gguf_header import read_header
from edgebot.nlg.llama_native import has_tiles

Scores = npt.NDArray[np.float32]

MUL_MAT = "MUL_MAT"
_OP_SIZE, _SOURCES = 64, 10


class GgmlTensor(ctypes.Structure):
    """``struct ggml_tensor`` of ggml.h, as far as it is looked at."""


GgmlTensor._fields_ = [
    ("type", ctypes.c_int),
    ("buffer", ctypes.c_void_p),
    ("ne", ctypes.c_int64 * 4),
    ("nb", ctypes.c_size_t * 4),
    ("op", ctypes.c_int),
    ("op_params", ctypes.c_int32 * (_OP_SIZE // 4)),
    ("flags", ctypes.c_int32),
    ("src", ctypes.POINTER(GgmlTensor) * _SOURCES),
    ("view_src", ctypes.c_void_p),
    ("view_offs", ctypes.c_size_t),
    ("data", ctypes.c_void_p),
    ("name", ctypes.c_char * 64),
]

_F32 = 0

Wanted = Callable[[str, str], bool]
"""(name of the node, name of its first input) → whether to look at it."""

Seen = Callable[[str, str, Scores], None]
"""(name of the node, name of its first input, values): those of the second input of a product with
weights, else those of the node itself; shape (tokens, width)."""


class Model:
    """A GGUF model without a conversation: texts in, scores out."""

    def __init__(
        self,
        path: Path,
        threads: int,
        context_tokens: int = 512,
        wanted: Wanted | None = None,
        seen: Seen | None = None,
        flash_attention: bool = True,
        watch: Any = None,
    ) -> None:
        """Load ``path``; raises ``EngineError``, ``OutOfMemory``.

        With ``wanted`` and ``seen`` each token's way through the graph is shown to them, attention
        maps only where ``flash_attention`` is off. ``watch``: a callback of one's own instead, of
        llama.cpp's type ``ggml_backend_sched_eval_callback``.
        """
        read_header(path)
        _listen_to(None)
        C.llama_backend_init()
        parameters = C.llama_model_default_params()
        parameters.n_gpu_layers = 0
        parameters.use_extra_bufts = not has_tiles()
        self._model = C.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise EngineError(f"{path}: llama.cpp cannot load it; the file or a step is wrong")
        self.context_tokens = context_tokens
        self._flash_attention = flash_attention
        self._callback = watch
        self._context = self._open(threads, wanted, seen)
        self._memory = C.llama_get_memory(self._context)
        self._vocab = C.llama_model_get_vocab(self._model)
        self.vocabulary_size = int(C.llama_vocab_n_tokens(self._vocab))
        self._batch = C.llama_batch_init(context_tokens, 0, 1)

    def _open(self, threads: int, wanted: Wanted | None, seen: Seen | None) -> Any:
        parameters = C.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = self.context_tokens
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.no_perf = True
        if not self._flash_attention:
            parameters.flash_attn_type = C.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._error: BaseException | None = None
        if wanted is not None and seen is not None:
            self._callback = _callback(wanted, seen, self._remember)
        if self._callback is not None:
            parameters.cb_eval = self._callback
        context = C.llama_init_from_model(self._model, parameters)
        if not context:
            C.llama_model_free(self._model)
            raise OutOfMemory("llama.cpp cannot open a context; take a smaller model")
        return context

    def _remember(self, error: BaseException) -> None:
        self._error = error

    def tokenize(self, text: str) -> list[int]:
        """Tokens of ``text``, without those that begin a prompt."""
        raw = text.encode("utf-8", errors="replace")
        tokens = (C.llama_token * (len(raw) + 8))()
        count = C.llama_tokenize(self._vocab, raw, len(raw), tokens, len(tokens), False, False)
        if count < 0:
            raise EngineError("llama.cpp cannot tokenize the text")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes that ``token`` stands for, control tokens written out."""
        buffer = ctypes.create_string_buffer(1024)
        size = C.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, True)
        return buffer.raw[: max(size, 0)]

    def read(self, tokens: Sequence[int]) -> Scores:
        """Scores after each of ``tokens``, shape (tokens, vocabulary); valid until the next read.

        Raises ``EngineError`` when llama.cpp fails or gives no numbers.
        """
        C.llama_memory_clear(self._memory, True)
        count = len(tokens)
        if not 0 < count <= self.context_tokens:
            raise EngineError(f"{count} tokens do not fit a context of {self.context_tokens}")
        batch = self._batch
        batch.n_tokens = count
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at] = token, at
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
            batch.logits[at] = 1  # otherwise the last layer is computed for the last token only
        code = C.llama_decode(self._context, batch)
        if self._error is not None:
            raise self._error
        if code:
            raise EngineError(f"llama.cpp failed to decode (code {code})")
        scores = np.ctypeslib.as_array(
            C.llama_get_logits(self._context), (count, self.vocabulary_size)
        )
        if not np.isfinite(scores[-1]).all():
            raise EngineError("the model's scores are no numbers; its weights are damaged")
        return scores

    def close(self) -> None:
        """Free context and weights."""
        C.llama_batch_free(self._batch)
        C.llama_free(self._context)
        C.llama_model_free(self._model)


@contextlib.contextmanager
def open_model(path: Path, threads: int, **options: Any) -> Iterator[Model]:
    """A :class:`Model` that is closed at the end."""
    model = Model(path, threads, **options)
    try:
        yield model
    finally:
        model.close()


def _callback(wanted: Wanted, seen: Seen, fail: Callable[[BaseException], None]) -> Any:
    @C.ggml_backend_sched_eval_callback  # type: ignore[untyped-decorator]
    def look(address: int, ask: bool, _: Any) -> bool:
        try:
            node = GgmlTensor.from_address(address)
            name = node.name.decode("utf-8", errors="replace")
            first = node.src[0]
            source = first.contents.name.decode("utf-8", errors="replace") if first else ""
            if ask:
                return wanted(name, source)
            if wanted(name, source):
                second = node.src[1].contents if node.src[1] else None
                product = source.endswith(".weight") and second and second.type == _F32
                shown = second if product and second else node
                seen(name, source, _values(shown))
        except BaseException as error:  # noqa: BLE001 - must not pass through C; raised by read()
            fail(error)
            return False
        return True

    return look


def _values(tensor: GgmlTensor) -> Scores:
    """Numbers of ``tensor``, shape (rows, width); further dimensions one after the other."""
    if tensor.type != _F32:
        raise EngineError(f"{tensor.name!r} holds no 32-bit floats; its values cannot be seen")
    shape = tuple(reversed(tensor.ne[:]))
    strides = tuple(reversed(tensor.nb[:]))
    size = sum((count - 1) * step for count, step in zip(shape, strides, strict=True)) + 4
    raw = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(tensor.data))
    values: Scores = np.lib.stride_tricks.as_strided(raw[:4].view(np.float32), shape, strides)
    return values.reshape(-1, shape[-1])


said: list[str] = []
"""What llama.cpp logged since :func:`heard` was called."""


@C.llama_log_callback  # type: ignore[untyped-decorator]
def _listen(level: int, text: bytes, _: Any) -> None:
    said.append(text.decode("utf-8", errors="replace"))
    del said[:-20_000]


def _listen_to(_: None) -> None:
    C.llama_log_set(_listen, None)


def heard() -> None:
    """Begin to listen to llama.cpp's log, with an empty notebook."""
    _listen_to(None)
    said.clear()
