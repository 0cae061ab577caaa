"""Stop, cancel, never mind: what must work at any moment."""

from __future__ import annotations

from edgebot.core.nlu import Understander
from edgebot.dialogue import intents
from edgebot.dialogue.acts import Commands, Declined, Offer, Stop
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.resolve import Resolver, Unresolved


class StopRung:
    """Ends what is open or rings; "cancel" alone calls off what was just done."""

    name = "stop"
    threshold = 0.0

    def __init__(self, understander: Understander, resolver: Resolver) -> None:
        self._understander = understander
        self._resolver = resolver

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to stop when that is all that was said."""
        if hearing.is_long:
            return Declined("too long for a command")
        parses = hearing.parses(self._understander)
        if not parses or parses[0].intent not in intents.STOPPING:
            return Declined("nothing is to be stopped")
        parse = parses[0]
        details = {"template": parse.template}
        if parse.intent == intents.CANCEL and hearing.state.question is None:
            try:
                call = self._resolver.verb("cancel", hearing.state)
            except Unresolved:
                pass
            else:
                return Offer(
                    Commands((call,)), parse.score, intent=call.intent, slots=call.slots,
                    reason="calls off what was just done", details=details,
                )  # fmt: skip
        return Offer(Stop(), parse.score, intent=parse.intent, reason="stops", details=details)
