"""Language models in GGUF files, run by llama.cpp."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError
from edgebot.core.language import Generation, GenerationStats, Message
from edgebot.nlg import memory
from edgebot.nlg.chat_template import ChatTemplate
from edgebot.nlg.decoding import LoopWatch, TextStream
from edgebot.nlg.gguf_header import GgufHeader, read_header
from edgebot.nlg.kept_state import KeptState
from edgebot.nlg.llama_native import AbortFlag, NativeModel, library_version
from edgebot.nlg.llama_sampler import LlamaSampler
from edgebot.nlg.prefix_store import PrefixStore
from edgebot.nlg.reuse import common_prefix
from edgebot.nlg.window import Fitted, fit

log = logging.getLogger(__name__)

_SCRATCH_BYTES = 100 * memory.MB
"""Buffers for a batch, its scores, and weights laid out anew for the processor."""

_LEAST_PROMPT = 64
"""Tokens of the context that a reply leaves to the prompt, however long it may become."""


class LlamaEngine:
    """A GGUF chat model: its own template, its own end tokens, its state kept between turns."""

    def __init__(
        self,
        path: Path,
        *,
        model_id: str,
        threads: int = 2,
        context_tokens: int = 2048,
        batch_tokens: int = 128,
        memory_bytes: int | None = None,
        prefix_dir: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        """Load ``path``.

        ``batch_tokens``: prompt tokens computed in one go; more is a little faster to read and
        slower to cancel. ``memory_bytes``: what the profile grants. ``prefix_dir``: where states
        of static prompts are kept (nowhere when None). ``fingerprint``: SHA-256 of the file where
        it is known. Raises ``EngineError`` (damaged or foreign file), ``OutOfMemory`` before
        anything is loaded, ``ConfigError`` for a context longer than the model's.
        """
        header = read_header(path)
        _check_context(header, context_tokens)
        memory.require(
            needed_bytes(header, context_tokens), f"model {model_id}", ceiling_bytes=memory_bytes
        )
        self.model_id = model_id
        self.context_tokens = context_tokens
        self.stats = GenerationStats()
        self._native = NativeModel(path, threads, context_tokens, batch_tokens)
        try:
            self._template = ChatTemplate(
                self._native.metadata("tokenizer.chat_template"), self._native.control_texts()
            )
        except BaseException:
            self._native.close()
            raise
        self._lock = threading.Lock()
        self._closed = False
        identity: dict[str, str | int] = {
            "model": fingerprint or _stamp(path),
            "library": library_version(),
            "context_tokens": context_tokens,
            "batch_tokens": batch_tokens,
            "threads": threads,
        }
        store = PrefixStore(prefix_dir, identity) if prefix_dir else None
        self.state = KeptState(self._native, store)

    # --- the port

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        """See :meth:`LanguageModel.generate`. Exhaust or close the iterator: it holds the model."""
        with self._lock:
            stats = self.stats = GenerationStats()
            flag = self._watch(cancellation)
            fitted = self._fit(messages, options.max_tokens)
            stats.dropped_messages = fitted.dropped
            if not self.state.read(fitted.tokens, flag, stats):
                stats.finish = "cancelled"
                return
            sampler = LlamaSampler(self._native, options)
            try:
                yield from self._write(sampler, options, flag, stats)
            finally:
                sampler.close()
                stats.finish = stats.finish or "cancelled"

    def prefill(
        self, messages: Sequence[Message], cancellation: Cancellation, *, open_end: bool = False
    ) -> GenerationStats:
        """See :meth:`LanguageModel.prefill`."""
        with self._lock:
            stats = GenerationStats()
            tokens = self._encode(messages, open_end=open_end)
            if open_end:
                tokens = tokens[:-1]  # the next word may still grow onto the last token
            if tokens and len(tokens) < self.context_tokens:
                self.state.read(tokens, self._watch(cancellation), stats)
            return stats

    def warm(self, messages: Sequence[Message]) -> GenerationStats:
        """See :meth:`LanguageModel.warm`."""
        with self._lock:
            stats = GenerationStats()
            tokens = self._static(messages)
            self.state.prepare(tokens, self._watch(Cancellation()), stats)
            return stats

    def count_tokens(self, text: str) -> int:
        """See :meth:`LanguageModel.count_tokens`."""
        return len(self._native.tokenize(text, special=False))

    def close(self) -> None:
        """Free the weights, once the running generation has ended."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._native.close()

    # --- prompt

    def _encode(self, messages: Sequence[Message], *, open_end: bool = False) -> list[int]:
        text = self._template.render(messages, open_end=open_end)
        tokens = self._native.tokenize(text, special=True)
        first = self._native.first_token
        if first is not None and tokens[:1] != [first]:
            tokens.insert(0, first)
        return tokens

    def _fit(self, messages: Sequence[Message], reply_tokens: int) -> Fitted:
        room = max(self.context_tokens - reply_tokens - 1, _LEAST_PROMPT)
        return fit(messages, room, self._encode)

    def _static(self, messages: Sequence[Message]) -> list[int]:
        """Tokens that every conversation beginning with ``messages`` has in common."""
        first, second = (self._encode([*messages, Message("user", text)]) for text in ("a", "1"))
        return first[: common_prefix(first, second)]

    # --- state

    def _watch(self, cancellation: Cancellation) -> AbortFlag:
        flag = AbortFlag()
        cancellation.on_cancel(flag.set)
        self._native.watch(flag)
        return flag

    # --- reply

    def _write(
        self, sampler: LlamaSampler, options: Generation, flag: AbortFlag, stats: GenerationStats
    ) -> Iterator[str]:
        native, text, watch = self._native, TextStream(options.stop), LoopWatch()
        room = min(options.max_tokens, self.context_tokens - len(self.state.tokens))
        while not stats.finish:
            began = time.perf_counter()
            token = sampler.sample()
            stats.reply_tokens += 1
            if native.ends(token):
                stats.finish = "stop"
                piece = ""
            else:
                piece = text.feed(native.piece(token))
                if text.stopped:
                    stats.finish = "stop"
                elif watch.loops(token):
                    stats.finish = "loop"
                elif stats.reply_tokens >= room:
                    stats.finish = "length"
            stats.decode_s += time.perf_counter() - began
            if piece:
                yield piece
            if stats.finish:
                break
            began = time.perf_counter()
            if flag.is_set or not self.state.append([token]):
                stats.finish = "cancelled"
            stats.decode_s += time.perf_counter() - began
        if stats.finish != "cancelled" and (rest := text.finish()):
            yield rest


def needed_bytes(header: GgufHeader, context_tokens: int) -> int:
    """About what a model takes: weights, key-value state, scratch for a batch and its scores.

    Measured against the resident memory of a process that loaded it (docs/language-model.md).
    """
    state = header.kv_bytes_per_token * context_tokens
    return header.weights_bytes + state + _SCRATCH_BYTES


def _check_context(header: GgufHeader, context_tokens: int) -> None:
    longest = header.number("context_length", context_tokens)
    if context_tokens > longest:
        raise ConfigError(
            f"llm.context_tokens is {context_tokens} and the model looks back {longest} at most; "
            f"set it to {longest} or less"
        )


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}"
