"""A turn's outcome as the plain mapping that the command line and the doors outside hand on."""

from __future__ import annotations

from typing import Any

from edgebot.runtime.turns import TurnReport


def describe(report: TurnReport) -> dict[str, Any]:
    """``reply, route, intent, slots, sources`` as JSON values."""
    decision = report.decision
    return {
        "reply": report.reply,
        "route": decision.route,
        "intent": decision.intent,
        "slots": dict(decision.slots),
        "sources": list(decision.sources),
    }
