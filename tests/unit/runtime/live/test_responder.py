"""How the responder gets an answer out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgebot.core.dialogue import Decision, Route, Sentence
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.live.activity import Activity
from edgebot.runtime.live.health import StageHealth
from edgebot.runtime.live.hearing import Finished
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.ledger import Ledger
from edgebot.runtime.live.reply import Reply
from edgebot.runtime.live.responder import Mouth, Responder


class Dialogue:
    """Writes two sentences, and notes when it is asked for them."""

    def __init__(self, route: Route, order: list[str]) -> None:
        self.decision = Decision(route)
        self.order = order

    def propose(self, turn: Turn, text: str, *, draft: bool = False) -> Any:
        return self

    def sentences(self) -> Iterator[Sentence]:
        for index, text in enumerate(("One.", "Two.")):
            self.order.append(text)
            yield Sentence(text, index)

    def heard(self, turn: Turn, text: str) -> None: ...


@pytest.mark.parametrize(
    ("route", "expected"),
    [("llm", ["One.", "the voice", "Two."]), ("knowledge", ["One.", "Two."])],
)
def test_a_language_model_writes_on_once_its_first_words_are_heard(
    route: Route, expected: list[str]
) -> None:
    order: list[str] = []

    def begin(reply: Reply) -> None:
        reply.wait_for_sound = lambda longest_s: order.append("the voice")  # type: ignore[method-assign]
        reply.end = lambda: reply.finish("One. Two.")  # type: ignore[method-assign]

    responder = Responder(
        dialogue=Dialogue(route, order),  # type: ignore[arg-type]
        mouth=Mouth(begin, 16_000, np.zeros(0, np.int16), 1.0, lambda: "sorry"),
        ledger=Ledger(None),
        health=StageHealth("responder", 60.0),
        activity=Activity(),
        on_outcome=lambda outcome: responder.close(),
    )
    attempt = Attempt(Turn("local"), Finished(Transcript("hello", "known")))
    responder.submit(attempt)
    responder.release(attempt)
    thread = threading.Thread(target=responder.run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert order == expected


def test_sound_is_waited_for_until_it_comes_or_never_will() -> None:
    for end in (Reply.sounds, lambda reply: reply.turn.cancel()):
        reply = Reply(Turn("local"), 16_000)
        waiting = threading.Thread(target=reply.wait_for_sound, args=(60.0,))
        waiting.start()
        end(reply)
        waiting.join(20)
        assert not waiting.is_alive()
    reply.wait_for_sound(0.0)
