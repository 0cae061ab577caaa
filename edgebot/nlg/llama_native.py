"""llama.cpp through its C interface: one model, one context, one sequence of tokens.

Thin on purpose: what is done a token costs one call each of decode, sample and piece, so that our
share of the time beside llama.cpp's own stays in the noise. Not thread-safe; the engine above
holds a lock.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Between two tokens OpenMP's threads would spin and eat the core the voice needs. GOMP reads this
# when it is loaded; whoever set it already (the profile: threads.waiting) knows better.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import llama_cpp as C
import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError, OutOfMemory
from edgebot.nlg.llama_backends import load_backends

log = logging.getLogger(__name__)

_said: deque[str] = deque(maxlen=40)
_SEVERE = (3, 4)  # GGML_LOG_LEVEL_WARN, GGML_LOG_LEVEL_ERROR (ggml.h)

_STRLEN = ctypes.CDLL(None).strlen


@C.llama_log_callback  # type: ignore[untyped-decorator]
def _listen(level: int, text: bytes, _: Any) -> None:
    line = text.decode("utf-8", errors="replace").strip()
    if line:
        log.debug("llama.cpp: %s", line)
        if level in _SEVERE:
            _said.append(line)


class AbortFlag:
    """Stops a running decode from another thread.

    llama.cpp asks a C function before every node of its graph (hundreds a token). A Python
    callback would take the interpreter lock each time, so the function is libc's own ``strlen``
    and this buffer its argument: an empty string means "go on", one byte in it means "stop".
    """

    def __init__(self) -> None:
        self._bytes = ctypes.create_string_buffer(2)

    @property
    def address(self) -> int:
        """Where the C string lies."""
        return ctypes.addressof(self._bytes)

    @property
    def is_set(self) -> bool:
        """True once :meth:`set` was called."""
        return self._bytes[0] != b"\0"

    def set(self) -> None:
        """Make the decode that watches this flag end."""
        self._bytes[0] = b"\1"


class NativeModel:
    """Weights, context and the key-value state of one sequence."""

    def __init__(self, path: Path, threads: int, context_tokens: int, batch_tokens: int) -> None:
        C.llama_log_set(_listen, None)
        load_backends()
        C.llama_backend_init()
        self._context: Any = None
        self._flag = AbortFlag()
        self._model = self._load(path)
        try:
            self._context = self._open(threads, context_tokens, batch_tokens)
        except EngineError:
            self.close()
            raise
        self._memory = C.llama_get_memory(self._context)
        self._vocab = C.llama_model_get_vocab(self._model)
        self.vocabulary_size = int(C.llama_vocab_n_tokens(self._vocab))
        self.batch_tokens = batch_tokens
        self._pieces: dict[int, bytes] = {}
        self._one = (C.llama_token * 1)()
        self._one_batch = C.llama_batch_get_one(self._one, 1)
        self._buffer = ctypes.create_string_buffer(1024)
        self._logits_at = 0
        self._logits: npt.NDArray[np.float32] = np.empty(0, np.float32)

    def _load(self, path: Path) -> Any:
        _said.clear()
        parameters = C.llama_model_default_params()
        parameters.n_gpu_layers = -1 if C.llama_supports_gpu_offload() else 0
        parameters.use_extra_bufts = not has_tiles()
        model = C.llama_model_load_from_file(os.fsencode(path), parameters)
        if not model:
            raise EngineError(f"{path}: llama.cpp cannot load it ({_why()}); try another model")
        if not C.llama_model_has_decoder(model):
            C.llama_model_free(model)
            raise EngineError(f"{path}: this model cannot write text; choose a chat model")
        return model

    def _open(self, threads: int, context_tokens: int, batch_tokens: int) -> Any:
        _said.clear()
        parameters = C.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_batch = batch_tokens
        parameters.n_ubatch = batch_tokens
        parameters.n_threads = threads
        parameters.n_threads_batch = threads
        parameters.no_perf = True
        context = C.llama_init_from_model(self._model, parameters)
        if not context:
            raise OutOfMemory(
                f"llama.cpp cannot open a context of {context_tokens} tokens ({_why()}); "
                "lower llm.context_tokens"
            )
        self._watch(context, self._flag)
        return context

    def metadata(self, key: str) -> str | None:
        """The GGUF entry ``key`` as text; None when there is none."""
        for size in (1024, 1 << 20):
            buffer = ctypes.create_string_buffer(size)
            length = C.llama_model_meta_val_str(self._model, key.encode(), buffer, size)
            if length < 0:
                return None
            if length < size:
                break
        return buffer.value.decode("utf-8", errors="replace")

    @property
    def trained_context(self) -> int:
        """Tokens the model was trained to look back on."""
        return int(C.llama_model_n_ctx_train(self._model))

    # --- text and tokens

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Tokens of ``text``; control tokens written out in it count only when ``special``."""
        raw = text.encode("utf-8", errors="replace")
        size = len(raw) + 8
        tokens = (C.llama_token * size)()
        count = C.llama_tokenize(self._vocab, raw, len(raw), tokens, size, False, special)
        if count < 0:
            raise EngineError("llama.cpp cannot tokenize the prompt")
        return list(tokens[:count])

    @property
    def first_token(self) -> int | None:
        """The token every prompt begins with, where the model wants one."""
        if not C.llama_vocab_get_add_bos(self._vocab):
            return None
        return int(C.llama_vocab_bos(self._vocab))

    def piece(self, token: int) -> bytes:
        """The bytes ``token`` writes; none for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            buffer = self._buffer
            size = C.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            known = self._pieces[token] = buffer.raw[: max(size, 0)]
        return known

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends a reply (end of generation)."""
        return bool(C.llama_vocab_is_eog(self._vocab, token))

    def control_texts(self) -> list[str]:
        """How the control tokens are written, longest first (``<|im_end|>`` …)."""
        texts = []
        for token in range(self.vocabulary_size):
            if C.llama_vocab_is_control(self._vocab, token):
                raw = C.llama_vocab_get_text(self._vocab, token)
                if raw and len(raw) > 2:
                    texts.append(raw.decode("utf-8", errors="replace"))
        return sorted(texts, key=len, reverse=True)

    # --- state

    def watch(self, flag: AbortFlag) -> None:
        """From now on a decode ends when ``flag`` is set."""
        self._watch(self._context, flag)
        self._flag = flag  # keeps the C string alive

    @staticmethod
    def _watch(context: Any, flag: AbortFlag) -> None:
        callback = ctypes.cast(_STRLEN, C.ggml_abort_callback)
        C.llama_set_abort_callback(context, callback, flag.address)

    def decode(self, tokens: Sequence[int]) -> bool:
        """Append ``tokens`` (at most ``batch_tokens``) to the sequence; False when aborted.

        Raises ``EngineError`` when llama.cpp fails. After False or an error the state holds an
        unknown part of ``tokens``: :meth:`forget` from where they began.
        """
        if len(tokens) == 1:
            self._one[0] = tokens[0]
            code = C.llama_decode(self._context, self._one_batch)
        else:
            array = (C.llama_token * len(tokens))(*tokens)
            code = C.llama_decode(self._context, C.llama_batch_get_one(array, len(tokens)))
        if code == 0:
            return True
        if code == 2 or self._flag.is_set:
            return False
        raise EngineError(f"llama.cpp failed to decode (code {code}: {_why()})")

    def logits(self) -> npt.NDArray[np.float32]:
        """Scores of the next token, shape (vocabulary_size,); valid until the next decode."""
        pointer = C.llama_get_logits_ith(self._context, -1)
        if not pointer:
            raise EngineError("llama.cpp has no scores for the next token")
        address = ctypes.addressof(pointer.contents)
        if address != self._logits_at:
            self._logits = np.ctypeslib.as_array(pointer, (self.vocabulary_size,))
            self._logits_at = address
        return self._logits

    def forget(self, start: int, end: int = -1) -> bool:
        """Drop the state of positions ``start`` … ``end``; False when the model cannot."""
        return bool(C.llama_memory_seq_rm(self._memory, 0, start, end))

    def close_gap(self, start: int, width: int) -> bool:
        """Move what lies from ``start`` on down by ``width``; False when the model cannot."""
        if not C.llama_memory_can_shift(self._memory):
            return False
        C.llama_memory_seq_add(self._memory, 0, start, -1, -width)
        return True

    def state(self) -> bytes:
        """The state of the whole sequence as bytes."""
        size = C.llama_state_seq_get_size(self._context, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = C.llama_state_seq_get_data(self._context, buffer, size, 0)
        return bytes(memoryview(buffer)[:written])

    def restore(self, state: bytes) -> bool:
        """Take a state that :meth:`state` gave; False when it does not fit this context."""
        self.forget(0)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return bool(C.llama_state_seq_set_data(self._context, buffer, len(state), 0))

    def close(self) -> None:
        """Free context and weights."""
        if self._context:
            C.llama_free(self._context)
            self._context = None
        if self._model:
            C.llama_model_free(self._model)
            self._model = None

    # --- for the sampler

    @property
    def handles(self) -> tuple[Any, Any]:
        """The context and the vocabulary."""
        return self._context, self._vocab


def has_tiles(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has Intel's AMX tiles.

    llama.cpp's code for them ends in a segmentation fault on virtual machines,
    so weights stay as they are in the file there: slower to read a prompt, and alive.
    """
    try:
        with cpuinfo.open(encoding="ascii", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return "amx_tile" in flags.split()


def library_version() -> str:
    """Version of the llama.cpp binding: a saved state is good for this one only."""
    return f"llama-cpp-python {C.__version__}"


def _why() -> str:
    severe = [line for line in _said if not line.startswith("llama_model_load_from_file")]
    return severe[-1].rpartition("error loading model: ")[2][:300] if severe else "no reason given"
