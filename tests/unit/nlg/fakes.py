"""A language model that says what it is told to, at the port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.core.language import Generation, GenerationStats, Message

Script = str | Callable[[Sequence[Message]], str]


class FakeModel:
    """Writes its scripts one after the other, the last one for ever, word by word."""

    model_id = "fake"
    context_tokens = 512

    def __init__(self, *scripts: Script, fail_after: int | None = None) -> None:
        self.scripts = list(scripts) or ["Hello."]
        self.fail_after = fail_after
        self.stats = GenerationStats()
        self.prompts: list[list[Message]] = []
        self.options: list[Generation] = []
        self.prefilled: list[tuple[list[Message], bool]] = []
        self.warmed: list[list[Message]] = []
        self.generated = threading.Event()

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        self.prompts.append(list(messages))
        self.options.append(options)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        text = script(messages) if callable(script) else script
        stats = self.stats = GenerationStats(prompt_tokens=100, reused_tokens=90, prefill_s=0.1)
        words = [word if at == 0 else f" {word}" for at, word in enumerate(text.split(" "))]
        for at, word in enumerate(words):
            if cancellation.is_set:
                stats.finish = "cancelled"
                return
            if self.fail_after is not None and at >= self.fail_after:
                raise EngineError("the model broke")
            stats.reply_tokens += 1
            stats.decode_s += 0.05
            if stats.reply_tokens > options.max_tokens:
                stats.finish = "length"
                return
            yield word
        stats.finish = "stop"
        self.generated.set()

    def prefill(
        self, messages: Sequence[Message], cancellation: Cancellation, *, open_end: bool = False
    ) -> GenerationStats:
        self.prefilled.append((list(messages), open_end))
        self.generated.set()
        return GenerationStats(prompt_tokens=10)

    def warm(self, messages: Sequence[Message]) -> GenerationStats:
        self.warmed.append(list(messages))
        return GenerationStats()

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None:
        pass


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
