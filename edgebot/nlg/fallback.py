"""Prefers a model on the network and falls back to the board's own within a moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EdgebotError, EngineError
from edgebot.core.language import Generation, GenerationStats, LanguageModel, Message
from edgebot.nlg.remote import RemoteEndpoint, RemoteStream

log = logging.getLogger(__name__)


class PreferRemote:
    """A language model that asks ``endpoint`` first.

    While it waits for the endpoint's first token the board's model reads the prompt, so that
    falling back costs no second wait. After a failure the endpoint is left alone for a while.
    Replies held to a grammar, and those that go on from a beginning, are the board's own.
    """

    def __init__(
        self,
        local: LanguageModel,
        endpoint: RemoteEndpoint,
        *,
        first_token_s: float = 1.5,
        silence_s: float = 5.0,
        rest_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``rest_s``: seconds without another try after a failure."""
        self.model_id = local.model_id
        self.context_tokens = local.context_tokens
        self.stats = GenerationStats()
        self._local = local
        self._endpoint = endpoint
        self._first_token_s = first_token_s
        self._silence_s = silence_s
        self._rest_s = rest_s
        self._clock = clock
        self._resting_until = 0.0

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        """See :meth:`LanguageModel.generate`."""
        ours = options.grammar is not None or messages[-1].role == "assistant"
        if not ours and self.expects_remote and not cancellation.is_set:
            stream = RemoteStream(self._endpoint, messages, options)
            cancellation.on_cancel(stream.cancellation.cancel)
            first = self._first(stream, messages)
            if first is not None:
                yield from self._rest(stream, first, cancellation)
                return
        with closing(self._local.generate(messages, options, cancellation)) as pieces:
            for piece in pieces:
                self.stats = self._local.stats
                yield piece
        self.stats = self._local.stats

    @property
    def expects_remote(self) -> bool:
        """Whether the next reply is asked from the endpoint."""
        return self._clock() >= self._resting_until

    def _first(self, stream: RemoteStream, messages: Sequence[Message]) -> str | None:
        """The endpoint's first piece; None when it is slow or gone."""
        reading = Cancellation()
        ahead = threading.Thread(target=self._read_ahead, args=(messages, reading), daemon=True)
        ahead.start()
        try:
            deadline = self._clock() + self._first_token_s
            piece: str | None = ""
            while piece is not None and not piece.strip():
                piece = stream.next(max(deadline - self._clock(), 0.001))
            if piece is None and not stream.cancellation.is_set:
                raise EngineError("the endpoint answered with nothing")
            reading.cancel()
            return piece
        except EngineError as problem:
            log.warning("%s; the board's own model answers", problem)
            self._resting_until = self._clock() + self._rest_s
            stream.cancellation.cancel()
            return None

    def _read_ahead(self, messages: Sequence[Message], cancellation: Cancellation) -> None:
        try:
            self._local.prefill(messages, cancellation)
        except EdgebotError as problem:
            log.debug("reading ahead failed: %s", problem)

    def _rest(
        self, stream: RemoteStream, first: str, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        stats = self.stats = GenerationStats(remote_model=self._endpoint.model)
        began = self._clock()
        piece: str | None = first
        try:
            while piece is not None and not cancellation.is_set:
                stats.reply_tokens += 1
                yield piece
                piece = stream.next(self._silence_s)
            stats.finish = "cancelled" if cancellation.is_set else "stop"
        except EngineError:
            if not cancellation.is_set:
                stats.finish = "length"  # torn off: the sentence at hand is not spoken
                self._resting_until = self._clock() + self._rest_s
                log.warning("the endpoint broke off in the middle of a reply")
        finally:
            stats.decode_s = self._clock() - began
            stream.cancellation.cancel()

    def prefill(
        self, messages: Sequence[Message], cancellation: Cancellation, *, open_end: bool = False
    ) -> GenerationStats:
        """See :meth:`LanguageModel.prefill`; the board's own, nothing is sent."""
        return self._local.prefill(messages, cancellation, open_end=open_end)

    def warm(self, messages: Sequence[Message]) -> GenerationStats:
        """See :meth:`LanguageModel.warm`."""
        return self._local.warm(messages)

    def count_tokens(self, text: str) -> int:
        """See :meth:`LanguageModel.count_tokens`."""
        return self._local.count_tokens(text)

    def close(self) -> None:
        """Nothing of its own: whoever opened the board's model closes it."""
