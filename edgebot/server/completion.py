"""The language model itself, without skills and knowledge: for programs that bring their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import UsageError
from edgebot.core.language import Generation, Message
from edgebot.core.turn import Turn

if TYPE_CHECKING:
    from edgebot.server.house import House

_MOST_STOPS = 20
"""So often a reply makes way for the voice and is taken up again."""


@dataclass(slots=True)
class Completion:
    """What the model wrote."""

    text: str
    prompt_tokens: int
    reply_tokens: int
    finish: str
    """``stop`` or ``length``."""


async def complete(
    house: House,
    messages: Sequence[Message],
    options: Generation,
    on_piece: Callable[[str], None] = lambda text: None,
) -> Completion:
    """Let the model go on with ``messages``; ``on_piece`` is called on the loop.

    While somebody speaks to the assistant the model is theirs: the reply stops and is taken up
    again where it was. Raises ``StageLeftOut`` where this machine has no model.
    """
    cancellation = Cancellation()
    told = house.on_loop(on_piece)
    work = _Work(house, list(messages), options, told, cancellation)
    return await house.places.turn(work.run, cancellation)


class _Work:
    def __init__(
        self,
        house: House,
        messages: list[Message],
        options: Generation,
        on_piece: Callable[[str], None],
        cancellation: Cancellation,
    ) -> None:
        self._house = house
        self._messages = messages
        self._options = options
        self._on_piece = on_piece
        self._cancellation = cancellation
        self._text = ""
        self._tokens = 0

    def run(self) -> Completion:
        """Generate, with interruptions."""
        model = self._house.assembly.language_model()
        prompt = sum(model.count_tokens(one.content) + 4 for one in self._messages)
        if prompt > model.context_tokens - 16:
            raise UsageError(
                f"the messages have about {prompt} tokens and the model reads "
                f"{model.context_tokens}; send less"
            )
        for stop in range(_MOST_STOPS):
            turn = Turn("completion")
            self._cancellation.on_cancel(turn.cancel)
            last = stop == _MOST_STOPS - 1
            finish = self._generate(turn, makes_way=not last)
            self._cancellation.raise_if_set()
            if not turn.cancellation.is_set:
                break
            self._house.places.wait_for_the_voice()
        length = finish == "length" or self._tokens >= self._options.max_tokens
        return Completion(self._text, prompt, self._tokens, "length" if length else "stop")

    def _generate(self, turn: Turn, *, makes_way: bool) -> str:
        model, options = self._house.assembly.language_model(), self._options
        messages = self._messages
        if options.grammar is not None:
            self._text, self._tokens = "", 0  # what is held to a grammar begins anew
        elif self._text:
            messages = [*messages, Message("assistant", self._text)]
            options = replace(options, max_tokens=max(1, options.max_tokens - self._tokens))
        pieces = model.generate(messages, options, turn.cancellation)
        with closing(pieces), self._house.places.yielding(turn) if makes_way else nullcontext():
            for piece in pieces:
                self._text += piece
                self._tokens += 1
                if options.grammar is None:
                    self._on_piece(piece)
        return model.stats.finish
