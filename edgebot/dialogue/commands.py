"""Runs calls: asks for what is missing and for a yes where it must, then lets the skill do it."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from edgebot.core.errors import EdgebotError, StoreError
from edgebot.core.turn import Turn
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.containment import Containment
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.sentences import split
from edgebot.dialogue.session import Call, Change, Sessions, State
from edgebot.dialogue.skill import OWNER, Intent, Option, Outcome, Question, Request, ask
from edgebot.dialogue.skillset import SkillSet


@dataclass(slots=True)
class Done:
    """What came of some calls."""

    state: State
    sentences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class CommandRunner:
    """Carries out calls for any session. Safe from any thread."""

    def __init__(
        self,
        skills: SkillSet,
        containment: Containment,
        replies: Replies,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._skills = skills
        self._containment = containment
        self._replies = replies
        self._sessions = sessions
        self._clock = clock

    def now(self) -> datetime:
        """Local time."""
        return self._clock.utc().astimezone(self._clock.zone)

    def run(self, calls: Sequence[Call], text: str, turn: Turn, state: State) -> Done:
        """Carry out ``calls`` in order; a question of ours makes the rest wait."""
        done = Done(state)
        for place, call in enumerate(calls):
            if turn.cancellation.is_set:
                break
            before = done.state.question
            self._one(call, text, turn, done)
            if done.state.question is not None and done.state.question is not before:
                done.state = replace(done.state, queue=tuple(calls[place + 1 :]))
                break
        return done

    def aside(self, calls: Sequence[Call]) -> bool:
        """Whether ``calls`` leave an open question open."""
        found = [self._skills.find(call.intent) for call in calls]
        return all(one is not None and one[1].aside for one in found)

    def word_question(self, question: Question) -> list[str]:
        """The sentences of a question."""
        return self._replies.word(question.reply, question.args, self.now())

    def missing(self, declared: Intent, call: Call) -> Question | None:
        """The question to ask before ``call`` can be carried out; None when nothing is missing."""
        for slot in declared.slots:
            if slot.required and call.slots.get(slot.name) in (None, "", []):
                return ask(slot, declared.name, call.slots)
        if declared.confirm and not call.confirmed:
            return Question(
                "yes_no",
                declared.name,
                declared.confirm,
                call.slots,
                call.slots,
                slot_kind="yes_no",
            )
        return None

    def lacks(self, call: Call) -> bool:
        """Whether ``call`` cannot be carried out as it is: something has to be asked for first."""
        found = self._skills.find(call.intent)
        return found is None or any(
            slot.required and call.slots.get(slot.name) in (None, "", []) for slot in found[1].slots
        )

    def _one(self, call: Call, text: str, turn: Turn, done: Done) -> None:
        found = self._skills.find(call.intent)
        if found is None:
            done.failures.append(f"no skill does {call.intent}")
            done.sentences += self._word("repair.unknown")
            return
        skill, declared = found
        if declared.personal:
            call = _owned(call, getattr(skill, "mine", frozenset()), text, turn.person)
        if question := self.missing(declared, call):
            self._ask(question, done)
            return
        request = self._request(call, text, turn, done.state)
        try:
            self._take(self._containment.run(skill, request), declared, call, done)
        except StoreError as problem:
            done.failures.append(str(problem))
            done.sentences += self._word("store.failed")
        except EdgebotError as problem:
            done.failures.append(str(problem))
            done.sentences += self._word("skill.failed")

    def _request(self, call: Call, text: str, turn: Turn, state: State) -> Request:
        return Request(
            intent=call.intent,
            slots=call.slots,
            text=text,
            session=turn.session,
            now=self.now(),
            topic=state.topic,
            corrects=call.corrects,
            confirmed=call.confirmed,
            last_reply=" ".join(state.last_reply),
            person=turn.person or "",
            owner=str(call.slots.get(OWNER, "")),
        )

    def _take(self, outcome: Outcome, declared: Intent, call: Call, done: Done) -> None:
        if outcome.text:
            done.sentences += split(outcome.text)
        elif outcome.reply:
            done.sentences += self._word(outcome.reply, outcome)
        topic = outcome.topic if outcome.topic is not None else done.state.topic
        call = replace(call, corrects=None)
        change = Change(call, outcome.topic) if declared.correctable else done.state.last_change
        done.state = replace(done.state, topic=topic, last_call=call, last_change=change)
        if outcome.question is not None:
            self._ask(outcome.question, done)

    def _ask(self, question: Question, done: Done) -> None:
        options = tuple(replace(option, label=self._label(option)) for option in question.options)
        question = replace(question, options=options)
        done.state = self._sessions.ask(done.state, question)
        done.sentences += self.word_question(question)

    def _label(self, option: Option) -> str:
        label = option.label
        return label if isinstance(label, str) else self._replies.phrase(label, self.now())

    def _word(self, key: str, outcome: Outcome | None = None) -> list[str]:
        return self._replies.word(key, outcome.args if outcome else {}, self.now())


def _owned(call: Call, mine: Set[str], text: str, person: str | None) -> Call:
    """``call`` with ``person`` as the owner, who called it ``mine`` now or a moment ago.

    What belongs to somebody else is not passed on.
    """
    slots = {name: value for name, value in call.slots.items() if name != OWNER}
    words = re.findall(r"[\w']+", (call.said or text).casefold())
    if person and (call.slots.get(OWNER) == person or not mine.isdisjoint(words)):
        slots[OWNER] = person
    return replace(call, slots=slots)
