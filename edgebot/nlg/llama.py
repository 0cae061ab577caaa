"""Language models in GGUF files, run by llama.cpp."""

from __future__ import annotations

from pathlib import Path

from edgebot.core.cancel import Cancellation
from edgebot.core.language import Generation
from edgebot.nlg import memory
from edgebot.nlg.chat_template import ChatTemplate
from edgebot.nlg.engine import ChatEngine, check_context, stamp
from edgebot.nlg.gguf_header import GgufHeader, read_header
from edgebot.nlg.llama_native import AbortFlag, NativeModel, library_version
from edgebot.nlg.llama_sampler import LlamaSampler

_SCRATCH_BYTES = 100 * memory.MB
"""Buffers for a batch, its scores, and weights laid out anew for the processor."""


class LlamaEngine(ChatEngine):
    """A GGUF chat model: its own template, its own end tokens, its state kept between turns."""

    _native: NativeModel

    def __init__(
        self,
        path: Path,
        *,
        model_id: str,
        threads: int = 2,
        context_tokens: int = 2048,
        batch_tokens: int = 256,
        memory_bytes: int | None = None,
        prefix_dir: Path | None = None,
        prefix_prepared: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        """Load ``path``.

        ``batch_tokens``: prompt tokens computed in one go; more is a little faster to read and
        slower to cancel. ``memory_bytes``: what the profile grants. ``prefix_dir``: where states
        of static prompts are kept (nowhere when None); ``prefix_prepared``: where some may lie
        already. ``fingerprint``: SHA-256 of the file where it is known. Raises ``EngineError``
        (damaged or foreign file), ``OutOfMemory`` before anything is loaded, ``ConfigError`` for a
        context longer than the model's.
        """
        header = read_header(path)
        check_context(context_tokens, header.number("context_length", context_tokens))
        memory.require(
            needed_bytes(header, context_tokens), f"model {model_id}", ceiling_bytes=memory_bytes
        )
        native = NativeModel(path, threads, context_tokens, batch_tokens)
        try:
            template = ChatTemplate(
                native.metadata("tokenizer.chat_template"), native.control_texts()
            )
        except BaseException:
            native.close()
            raise
        super().__init__(
            native,
            template,
            model_id=model_id,
            context_tokens=context_tokens,
            prefix_dir=prefix_dir,
            prefix_prepared=prefix_prepared,
            identity={
                "model": fingerprint or stamp(path),
                "library": library_version(),
                "context_tokens": context_tokens,
                "batch_tokens": batch_tokens,
                "threads": threads,
            },
        )

    def _watch(self, cancellation: Cancellation) -> AbortFlag:
        flag = AbortFlag()
        cancellation.on_cancel(flag.set)
        self._native.watch(flag)
        return flag

    def _sampler(self, options: Generation) -> LlamaSampler:
        return LlamaSampler(self._native, options)


def needed_bytes(header: GgufHeader, context_tokens: int) -> int:
    """About what a model takes: weights, key-value state, scratch for a batch and its scores.

    Measured against the resident memory of a process that loaded it (docs/language-model.md).
    """
    state = header.kv_bytes_per_token * context_tokens
    return header.weights_bytes + state + _SCRATCH_BYTES
