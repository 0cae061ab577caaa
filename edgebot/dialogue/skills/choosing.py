"""Which one? The question that timers, alarms and reminders have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebot.dialogue.skill import Option, Outcome, Phrase, Question, Request
from edgebot.dialogue.store.promises import Promise


def which(
    request: Request,
    found: Sequence[Promise],
    slot: str,
    reply: str,
    item: Callable[[Promise], Phrase],
) -> Outcome:
    """Ask which of ``found`` is meant; the answer's number goes into ``slot``.

    ``reply`` finds the candidates worded by ``item`` under ``items``.
    """
    options = tuple(Option(item(promise), promise.id) for promise in found)
    question = Question(
        "choice",
        request.intent,
        reply,
        {"items": [option.label for option in options], "count": len(options)},
        request.slots,
        slot=slot,
        slot_kind="choice",
        options=options,
    )
    return Outcome(question=question)


def confirm(request: Request, reply: str, count: int) -> Outcome:
    """Ask for a yes before ``count`` things go."""
    args = {"count": count}
    return Outcome(
        question=Question("yes_no", request.intent, reply, args, request.slots, slot_kind="yes_no")
    )
