"""Language models: messages, generation options, and the ports.

Two ports, one above the other. A :class:`LanguageModel` turns messages into text. A
:class:`Talker` turns what a person said into clean spoken sentences and is what the dialogue sees:
it knows the persona, the budget of the board, tools, and how to work ahead while a person speaks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.core.knowledge import Passage
from edgebot.core.turn import Turn

Role = Literal["system", "user", "assistant", "tool"]


class Ungrounded(EngineError):
    """A reply from passages said what is not in them, or nothing: fall back to the extract."""


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
    """Texts that end the reply; they are not part of it."""

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

    finish: Literal["", "stop", "length", "loop", "cancelled"] = ""
    """Why it ended; empty while it runs."""

    remote_model: str = ""
    """Name of the model of an endpoint on the network that wrote it; empty for the board's own."""


class LanguageModel(Protocol):
    """A language model with its weights loaded.

    One generation at a time; a second caller waits. Whatever part of the prompt begins like the
    one before it is not computed again.
    """

    model_id: str
    context_tokens: int
    stats: GenerationStats

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces of text as they are decoded.

        A last message of the assistant's is the beginning of the reply: the model goes on from
        there. Exhaust or close the generator, it holds the model. Raises ``EngineError`` when the
        engine fails; ends quietly when cancelled.
        """

    def prefill(
        self, messages: Sequence[Message], cancellation: Cancellation, *, open_end: bool = False
    ) -> GenerationStats:
        """Compute the KV state of ``messages`` ahead of :meth:`generate`.

        ``open_end``: the last message is not finished yet (the person still speaks).
        """

    def warm(self, messages: Sequence[Message]) -> GenerationStats:
        """Have the state of these leading messages ready: from disk where it fits, else computed
        and saved. Called once per configuration, with the static part of the prompt."""

    def count_tokens(self, text: str) -> int:
        """Number of tokens in ``text`` without any template."""

    def close(self) -> None:
        """Free the weights."""


@dataclass(frozen=True, slots=True)
class ToolParameter:
    """One argument of a tool."""

    name: str
    kind: Literal["string", "integer", "number", "boolean"] = "string"
    description: str = ""
    required: bool = True
    choices: tuple[str, ...] = ()
    """The only values allowed, for kind ``string``; empty when any will do."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may ask for: a skill, as its own declaration describes it."""

    name: str
    """Letters, digits, ``_``, ``-`` and ``.``."""

    description: str
    parameters: tuple[ToolParameter, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A well-formed call the model made; its arguments are yet to be checked."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call."""

    text: str
    """Quoted to the model as data, or spoken as it stands."""

    spoken: bool = False
    """``text`` is a finished reply: it is spoken and the model is not asked again."""


class Toolbox(Protocol):
    """The tools of one assistant and the way to call them."""

    tools: Sequence[Tool]
    """Constant within a configuration: their list belongs to the static part of the prompt."""

    def call(self, turn: Turn, call: ToolCall) -> ToolResult:
        """Check the arguments like a person's and carry the call out.

        A wrong argument is a result that says what is wrong, not an error; raises ``SkillError``
        when the skill itself fails.
        """


@dataclass(slots=True)
class ReplyRecord:
    """How the last reply came about: what ``edgebot explain`` tells of the llm rung."""

    model: str = ""
    """Catalogue id, or the name of the remote model."""

    remote: bool = False
    drafted: bool = False
    """The first sentence had been written before the person had finished."""

    stats: GenerationStats = field(default_factory=GenerationStats)
    max_tokens: int = 0
    passages: int = 0
    """Passages that were put into the prompt."""

    calls: list[ToolCall] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was left out or cut short, and why."""


class Talker(Protocol):
    """Answers anything in clean spoken sentences; the llm rung of the ladder.

    :meth:`prepare` has no side effects whatever; :meth:`reply` is the commit: it keeps what was
    prepared as far as it fits and drops the rest.
    """

    model_id: str
    can_read: bool
    """Large enough to answer from passages."""

    can_call: bool
    """Large enough to choose tools (measured when the model was admitted)."""

    record: ReplyRecord
    """Of the last reply."""

    def prepare(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
        *,
        draft: bool = False,
    ) -> None:
        """Work ahead on ``text``, heard so far; returns at once.

        Prefills the prompt in the background; with ``draft`` (the person paused) the first
        sentence is written too. The next call of ``prepare`` or ``reply`` supersedes it.
        """

    def reply(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
    ) -> Iterator[str]:
        """Yield the reply in whole sentences, ready to be spoken, as they are finished.

        ``history``: earlier messages of the session, oldest first, only what was heard of ours.
        Tools are called while iterating (only then). Ends quietly when the turn is cancelled;
        raises ``EngineError`` when nothing sensible comes (the dialogue apologises).
        """

    def prompt(
        self,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
    ) -> Sequence[Message]:
        """The messages that :meth:`reply` to the same would begin with, word for word.

        Has no side effects and needs no model: it is what ``edgebot explain`` shows.
        """


@dataclass(frozen=True, slots=True)
class FixedAnswer:
    """The answer that a safety topic always gets."""

    topic: str
    text: str


class Guard(Protocol):
    """Knows the topics that no model answers: emergencies, self-harm, poisoning."""

    def check(self, text: str) -> FixedAnswer | None:
        """The fixed answer to ``text``, or None. To be asked before every rung of the ladder."""
