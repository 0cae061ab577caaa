"""Language models: messages, generation options and the port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from edgebot.core.cancel import Cancellation

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a language model."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """How a reply is to be generated."""

    max_tokens: int = 128
    temperature: float = 0.3
    """0 is greedy."""

    top_p: float = 0.9
    min_p: float = 0.05
    repeat_penalty: float = 1.1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    """GBNF; the reply is constrained to it."""


@dataclass(slots=True)
class GenerationStats:
    """What the last generation cost."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    """Prompt tokens whose KV state was already there."""

    prefill_s: float = 0.0
    reply_tokens: int = 0
    decode_s: float = 0.0
    dropped_messages: int = 0
    """Oldest messages left out because the context was full."""


class LanguageModel(Protocol):
    """A language model with its weights loaded. One conversation at a time."""

    model_id: str
    context_tokens: int
    stats: GenerationStats

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Iterator[str]:
        """Yield the reply in pieces of text as they are decoded.

        Raises ``EngineError`` when the engine fails; ends quietly when cancelled.
        """

    def count_tokens(self, text: str) -> int:
        """Number of tokens in ``text`` without any template."""

    def close(self) -> None:
        """Free the weights."""
