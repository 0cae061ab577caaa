"""The responder stage: what was heard becomes an answer, what is due is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from edgebot.core.audio import Samples
from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.dialogue import Decision, Dialogue, Proposal
from edgebot.core.errors import Cancelled
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.dialogue.intents import LOOKING, STOPPING
from edgebot.runtime.live.activity import Activity
from edgebot.runtime.live.health import StageHealth
from edgebot.runtime.live.jobs import Attempt, Job, Notice, Outcome, Ring
from edgebot.runtime.live.ledger import Ledger, record_of
from edgebot.runtime.live.manners import Hooks
from edgebot.runtime.live.people import People, Who
from edgebot.runtime.live.reply import Reply

_LOG = logging.getLogger(__name__)

FAILURES_BORNE = 3
"""Turns in a row that may fail before the daemon gives up on itself and is started anew."""

VOICE_FIRST_S = 0.5
"""The language model leaves the processor to the voice for its first words, but not for longer."""

CLOSING = frozenset(STOPPING)


def may_change(decision: Decision, model_acts: Callable[[], bool]) -> bool:
    """Whether carrying it out may change something: then it cannot be taken back.

    ``model_acts``: whether the language model may use skills.
    """
    if decision.route == "command":
        return decision.intent not in LOOKING
    return decision.route == "llm" and model_acts()


@dataclass(slots=True)
class Mouth:
    """How a reply gets out."""

    begin: Callable[[Reply], None]
    """Hand a reply to the synthesizer and the speaker."""

    rate_hz: int
    ring_tone: Samples
    ring_s: float
    """Longest time that something rings, in seconds of sound."""

    apology: Callable[[], str]
    """What is said when a turn fails."""

    works: Callable[[], bool] = lambda: True
    """Whether the loudspeaker works."""


class Responder:
    """Does one job after the other: an attempt at an answer, a ring, a notice."""

    def __init__(
        self,
        dialogue: Dialogue,
        mouth: Mouth,
        ledger: Ledger,
        health: StageHealth,
        activity: Activity,
        on_outcome: Callable[[Outcome], None],
        who: Who | None = None,
        hooks: Hooks | None = None,
        model_acts: Callable[[], bool] = lambda: True,
    ) -> None:
        """``who``: tells whose voice an utterance is, where voices are told apart.
        ``model_acts``: whether the language model may use skills."""
        self._dialogue = dialogue
        self._mouth = mouth
        self._ledger = ledger
        self._health = health
        self._activity = activity
        self._on_outcome = on_outcome
        self._people = People(who)
        self._hooks = hooks or Hooks()
        self._model_acts = model_acts
        self._jobs: Channel[Job] = Channel(capacity=64)
        self._failed = 0
        self._current: Job | None = None

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Do ``job`` after those that wait."""
        if isinstance(job, Attempt):
            if self._current is None:  # else it waits for the end of what is being said
                self._activity.begin((job.turn.id, "propose"))
            job.turn.cancellation.on_cancel(lambda: self._activity.end((job.turn.id, "propose")))
        try:
            self._jobs.put(job)
        except ChannelClosed:
            job.turn.cancel()

    def release(self, attempt: Attempt) -> None:
        """The person is done: let ``attempt`` happen."""
        if self._current in (None, attempt):
            self._activity.begin((attempt.turn.id, "reply"))
        attempt.release()

    def close(self) -> None:
        """End the stage."""
        self._jobs.close(discard=True)

    def run(self) -> None:
        """The stage's thread. Raises what went wrong when one turn after the other fails."""
        for job in self._jobs:
            self._health.begin()
            self._current = job
            try:
                self._do(job)
                self._failed = 0
            except (Cancelled, ChannelClosed):
                pass
            except Exception as failure:
                self._failed += 1
                _LOG.error("a turn failed: %s", failure, exc_info=_LOG.isEnabledFor(logging.DEBUG))
                self._apologize(job)
                if isinstance(job, Ring):
                    self._on_outcome(Outcome("ring", heard_words=False, interrupted=True))
                if self._failed >= FAILURES_BORNE:
                    raise
            finally:
                self._current = None
                self._health.end()
                self._activity.end((job.turn.id, "propose"))
                self._activity.end((job.turn.id, "reply"))

    def _do(self, job: Job) -> None:
        if isinstance(job, Ring):
            self._ring(job)
        elif isinstance(job, Notice):
            self._notice(job)
        elif job.is_live:
            self._answer(job)

    # --- an answer

    def _answer(self, attempt: Attempt) -> None:
        turn = attempt.turn
        self._activity.begin((turn.id, "propose"))
        transcript = attempt.stream.finish()
        turn.mark("final_text")
        self._health.beat()
        if not transcript.text:
            self._activity.end((turn.id, "propose"))
            if attempt.wait():
                self._on_outcome(Outcome(turn.session, heard_words=False))
            return
        self._people.recognize(attempt)
        proposal = self._dialogue.propose(turn, transcript.text, draft=True)
        turn.mark("parsed")
        attempt.understood = transcript.text, proposal.decision
        self._activity.end((turn.id, "propose"))
        self._health.end()
        if not attempt.wait():
            return
        self._health.begin()
        self._speak(attempt, transcript, proposal)

    def _speak(self, attempt: Attempt, transcript: Transcript, proposal: Proposal) -> None:
        turn = attempt.turn
        self._people.spoke(attempt)
        if may_change(proposal.decision, self._model_acts) and not attempt.commit():
            return
        self._activity.begin((turn.id, "reply"))
        self._hooks.final(turn, transcript.text)
        reply = Reply(turn, self._mouth.rate_hz)
        self._mouth.begin(reply)
        try:
            for sentence in proposal.sentences():
                turn.mark("first_token")
                turn.mark("first_sentence")
                self._hooks.sentence(turn, sentence.text)
                self._health.end()  # waiting for the voice is no stall
                if not reply.say(sentence.text):
                    break
                if sentence.index == 0 and proposal.decision.route == "llm":
                    reply.wait_for_sound(VOICE_FIRST_S)  # the model rests as long
                self._health.begin()
        finally:
            reply.end()
        self._health.end()
        heard = reply.wait()
        turn.mark("done")
        attempt.commit()
        if attempt.taken_back:  # what was said is part of a longer sentence
            return
        self._dialogue.heard(turn, heard)
        decision = proposal.decision
        record = record_of(turn, decision, attempt.by, transcript)
        self._ledger.add(record)
        self._hooks.ended(record, heard)
        self._on_outcome(
            Outcome(
                turn.session,
                heard_words=True,
                expects_answer=decision.expects_answer,
                interrupted=turn.cancellation.is_set,
                ended=(decision.intent or "") in CLOSING,
            )
        )
        if reply.failure is not None:
            raise reply.failure

    # --- what nobody asked for

    def _notice(self, notice: Notice) -> None:
        self._activity.begin((notice.turn.id, "reply"))
        reply = Reply(notice.turn, self._mouth.rate_hz)
        self._mouth.begin(reply)
        if notice.tone is not None:
            reply.sound(notice.tone)
        if notice.text:
            self._hooks.sentence(notice.turn, notice.text)
            reply.say(notice.text)
        reply.end()
        self._health.end()
        reply.wait()
        cancelled = notice.turn.cancellation.is_set
        self._on_outcome(Outcome("notice", heard_words=False, interrupted=cancelled))

    def _ring(self, job: Ring) -> None:
        """Tell what is due; ring until it is silenced or has rung long enough."""
        announcement, turn = job.announcement, job.turn
        scheduler = self._dialogue.scheduler
        if not self._still_due(announcement.id):
            return
        self._activity.begin((turn.id, "reply"))
        self._hooks.sentence(turn, announcement.text)
        reply = Reply(turn, self._mouth.rate_hz, rings=announcement.ring)
        self._mouth.begin(reply)
        tone = self._mouth.ring_tone
        tone_s = len(tone) / self._mouth.rate_hz
        rounds = max(1, int(self._mouth.ring_s / max(tone_s, 0.5))) if announcement.ring else 1
        for number in range(rounds):
            if announcement.ring and not reply.sound(tone):
                break
            if number % 3 == 0 and not reply.say(announcement.text):
                break
            self._health.end()
            if number and not self._still_due(announcement.id):
                break
        reply.end()
        self._health.end()
        told = bool(reply.wait()) and reply.failure is None
        again = turn.cancellation.is_set if announcement.ring else not told
        again = again or not self._mouth.works()
        if not again:
            scheduler.done(announcement)
        interrupted = again or turn.cancellation.is_set
        self._on_outcome(Outcome("ring", heard_words=True, interrupted=interrupted))

    def _still_due(self, promise: int) -> bool:
        return promise in {one.id for one in self._dialogue.scheduler.ringing()}

    def _apologize(self, job: Job) -> None:
        self._activity.end((job.turn.id, "propose"))
        if isinstance(job, Attempt) and not job.wait():
            return
        self._activity.end((job.turn.id, "reply"))
        self._notice(Notice(self._mouth.apology(), turn=Turn(job.turn.session)))
