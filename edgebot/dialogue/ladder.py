"""The ladder of answers: rungs asked in order until one can answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from edgebot.core.dialogue import Decision, RungRecord
from edgebot.core.errors import Cancelled, EdgebotError
from edgebot.dialogue.acts import Act, Declined, Offer, Say
from edgebot.dialogue.hearing import Hearing

log = logging.getLogger(__name__)


class Rung(Protocol):
    """One way to answer."""

    name: str
    threshold: float
    """Least score of an offer that is taken."""

    last_resort: bool
    """Asked only when nobody else has anything to say."""

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer an answer or decline with a reason; no side effects."""


class Ladder:
    """Rungs in order, the surest first."""

    def __init__(
        self, rungs: Sequence[Rung], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.rungs = list(rungs)
        self._clock = clock

    def climb(self, hearing: Hearing) -> tuple[Decision, Act]:
        """The first offer that is good enough, and the record of everybody who was asked.

        A rung that fails counts as one that declined; when all decline the answer is an honest
        "I don't know", or an apology if some engine failed.
        """
        decision = Decision()
        failed = False
        standing: Offer | None = None
        for rung in self.rungs:
            if rung.last_resort and standing is not None:
                break
            started = self._clock()
            answer = self._ask(rung, hearing)
            ms = (self._clock() - started) * 1000.0
            if isinstance(answer, Offer) and answer.score < rung.threshold:
                reason = f"{answer.reason}; below the threshold of {rung.threshold:g}".lstrip("; ")
                decision.rungs.append(
                    RungRecord(rung.name, round(answer.score, 4), reason, answer.details, ms)
                )
            elif isinstance(answer, Offer) and answer.stands_by:
                standing = standing or answer
                reason = f"{answer.reason}; stands by"
                decision.rungs.append(
                    RungRecord(rung.name, round(answer.score, 4), reason, answer.details, ms)
                )
            elif isinstance(answer, Offer):
                decision.rungs.append(
                    RungRecord(rung.name, round(answer.score, 4), answer.reason, answer.details, ms)
                )
                return _accept(decision, answer), answer.act
            else:
                failed = failed or "failure" in answer.details
                decision.rungs.append(
                    RungRecord(rung.name, None, answer.reason, answer.details, ms)
                )
        if standing is not None:
            return _accept(decision, standing), standing.act
        key = "repair.failed" if failed else "repair.unknown"
        decision.rungs.append(RungRecord("repair", 1.0, "nobody else could answer"))
        return decision, Say(key)

    def _ask(self, rung: Rung, hearing: Hearing) -> Offer | Declined:
        try:
            return rung.ask(hearing)
        except Cancelled:
            raise
        except Exception as error:
            expected = isinstance(error, EdgebotError)
            log.error("the rung %r failed: %s", rung.name, error, exc_info=not expected)
            return Declined(f"failed: {error}", _failure(error))


def _failure(error: Exception) -> Mapping[str, Any]:
    return {"failure": f"{type(error).__name__}: {error}"}


def _accept(decision: Decision, offer: Offer) -> Decision:
    decision.route = offer.route
    decision.intent = offer.intent
    decision.slots = dict(offer.slots)
    decision.sources = tuple(offer.sources)
    decision.whole = offer.whole
    return decision
