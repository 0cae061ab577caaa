"""A chat model behind the port ``LanguageModel``, whatever computes its scores."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError
from edgebot.core.language import Generation, GenerationStats, Message
from edgebot.nlg.chat_template import ChatTemplate
from edgebot.nlg.decoding import LoopWatch, TextStream
from edgebot.nlg.kept_state import KeptState
from edgebot.nlg.native import Decoder, StopFlag, TokenSampler
from edgebot.nlg.prefix_store import PrefixStore
from edgebot.nlg.reuse import common_prefix
from edgebot.nlg.window import Fitted, fit

_LEAST_PROMPT = 64
"""Tokens of the context that a reply leaves to the prompt, however long it may become."""


class ChatEngine(ABC):
    """Template, kept state, window and reply over a :class:`~edgebot.nlg.native.Decoder`.

    An engine adds how its model is loaded, how a running decode is stopped, and how the next
    token is chosen.
    """

    def __init__(
        self,
        native: Decoder,
        template: ChatTemplate,
        *,
        model_id: str,
        context_tokens: int,
        prefix_dir: Path | None,
        prefix_prepared: Path | None = None,
        identity: Mapping[str, str | int],
    ) -> None:
        """``prefix_dir``: where states of static prompts are kept (nowhere when None).
        ``prefix_prepared``: where some may lie already; only read.

        ``identity``: everything besides its tokens that such a state depends on.
        """
        self.model_id = model_id
        self.context_tokens = context_tokens
        self.stats = GenerationStats()
        self._native = native
        self._template = template
        self._lock = threading.Lock()
        self._closed = False
        store = PrefixStore(prefix_dir, identity, prefix_prepared) if prefix_dir else None
        self.state = KeptState(native, store)

    # --- what an engine adds

    @abstractmethod
    def _watch(self, cancellation: Cancellation) -> StopFlag:
        """A flag that ``cancellation`` sets and that stops a running decode from now on."""

    @abstractmethod
    def _sampler(self, options: Generation) -> TokenSampler:
        """What chooses the tokens of one reply."""

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
            sampler = self._sampler(options)
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

    def scores(self, messages: Sequence[Message]) -> npt.NDArray[np.float32]:
        """Scores of the first token of the reply to ``messages``, shape (vocabulary,)."""
        with self._lock:
            tokens = self._encode(messages)
            self.state.read(tokens, self._watch(Cancellation()), GenerationStats())
            return self._native.logits().copy()

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

    # --- reply

    def _write(
        self, sampler: TokenSampler, options: Generation, flag: StopFlag, stats: GenerationStats
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


def check_context(context_tokens: int, longest: int) -> None:
    """Raise ``ConfigError`` when the settings want a longer context than the model was made for."""
    if context_tokens > longest:
        raise ConfigError(
            f"llm.context_tokens is {context_tokens} and the model looks back {longest} at most; "
            f"set it to {longest} or less"
        )


def stamp(path: Path) -> str:
    """What tells ``path`` from another file where its hash is not known."""
    stat = path.stat()
    return f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}"
