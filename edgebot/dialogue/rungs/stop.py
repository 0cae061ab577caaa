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
    last_resort = False

    def __init__(self, understander: Understander, resolver: Resolver) -> None:
        self._understander = understander
        self._resolver = resolver

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to stop when that is all that was said."""
        if hearing.is_long:
            return Declined("too long for a command")
        parses = hearing.parses(self._understander)
        parse = parses[0] if parses else None
        asked = hearing.state.question is not None
        # "Cancel that" while we wait for an answer means our question, not an older topic.
        stopping = (*intents.STOPPING, intents.CANCEL_IT) if asked else intents.STOPPING
        if parse is None or parse.intent not in stopping:
            return Declined("nothing is to be stopped")
        details = {"template": parse.template}
        if parse.intent == intents.CANCEL and not asked:
            try:
                call = self._resolver.verb("cancel", hearing.state)
            except Unresolved:
                pass
            else:
                return Offer(
                    Commands((call,)), parse.score, intent=call.intent, slots=call.slots,
                    reason="calls off what was just done", details=details, whole=True,
                )  # fmt: skip
        return Offer(
            Stop(), parse.score, intent=parse.intent, reason="stops", details=details, whole=True
        )
