"""Work done while the person still speaks: prefill ahead, and a first sentence in the drawer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EdgebotError
from edgebot.core.language import Generation, LanguageModel, Message
from edgebot.nlg.sentences import SentenceStream


class Draft:
    """The beginning of a reply, written before it was asked for.

    Written by one thread, taken by another. Between the two it holds nothing but text: the model
    is free for whoever needs it, and goes on from its kept state when the draft is taken.
    """

    def __init__(self, messages: Sequence[Message], options: Generation) -> None:
        self.messages = list(messages)
        self.options = options
        self.cancellation = Cancellation()
        self._changed = threading.Condition()
        self._pieces: list[str] = []
        self._taken = False
        self._rests = False
        self._complete = False
        self._failure: EdgebotError | None = None
        self.cancellation.on_cancel(self._wake)

    def write(self, model: LanguageModel, language: str) -> None:
        """Generate up to the first sentence; no more than can be spoken first once it is taken.

        Whoever took it goes on: when they ask for more, and not while the voice needs the processor
        for the first words.
        """
        sentences, first = SentenceStream(language), SentenceStream(language, first_clause=True)
        can_begin = False
        try:
            with closing(model.generate(self.messages, self.options, self.cancellation)) as pieces:
                for piece in pieces:
                    with self._changed:
                        self._pieces.append(piece)
                        self._changed.notify_all()
                        can_begin = bool(first.feed(piece)) or can_begin
                        if sentences.feed(piece) or (can_begin and self._taken):
                            return
            self._complete = not self.cancellation.is_set
        except EdgebotError as failure:
            self._failure = failure
        finally:
            with self._changed:
                self._rests = True
                self._changed.notify_all()

    def take(self, model: LanguageModel, cancellation: Cancellation) -> Generator[str, None, None]:
        """The pieces written so far, then the rest as it comes; the draft is used up."""
        cancellation.on_cancel(self.cancellation.cancel)
        with self._changed:
            self._taken = True
        given = 0
        rests = False
        while not rests:
            with self._changed:
                while given == len(self._pieces) and not self._is_over():
                    self._changed.wait()
                fresh, rests = self._pieces[given:], self._is_over()
            yield from fresh
            given += len(fresh)
        if self._failure is not None:
            raise self._failure
        if not self._complete and not self.cancellation.is_set:
            yield from self._go_on(model, cancellation)

    def _go_on(
        self, model: LanguageModel, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        begun = Message("assistant", "".join(self._pieces))
        left = max(self.options.max_tokens - len(self._pieces), 1)
        options = replace(self.options, max_tokens=left)
        with closing(model.generate([*self.messages, begun], options, cancellation)) as pieces:
            yield from pieces

    def _is_over(self) -> bool:
        """Whether no more will come: it rests, or was cancelled before its writer began."""
        return self._rests or self.cancellation.is_set

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def discard(self) -> None:
        """Stop writing; nothing of it is kept."""
        self.cancellation.cancel()

    @property
    def begun(self) -> bool:
        """Whether any of it is written."""
        return bool(self._pieces)


class BackgroundWorker:
    """One thread that does the newest job and forgets those it never came to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._next: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Do ``job`` next, instead of whatever was waiting."""
        with self._changed:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._next = job
            self._changed.notify_all()

    def drop(self) -> None:
        """Forget the job that waits."""
        with self._changed:
            self._next = None

    def close(self) -> None:
        """End the thread after the job it is at."""
        with self._changed:
            self._closed = True
            self._next = None
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._closed)
                job, self._next = self._next, None
            if job is None:
                return
            job()
