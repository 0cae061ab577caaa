"""Carries out what was decided, and words it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from edgebot.core.dialogue import Decision, Sentence
from edgebot.core.errors import Cancelled, EdgebotError
from edgebot.core.language import Talker, Toolbox, Ungrounded
from edgebot.core.turn import Turn
from edgebot.dialogue.acts import Act, AskAgain, Commands, Say, Stop, Talk, Tell
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.commands import CommandRunner, Done
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.sentences import split
from edgebot.dialogue.session import Sessions, State

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stage:
    """Everything a performance needs."""

    sessions: Sessions
    runner: CommandRunner
    replies: Replies
    clock: Clock
    talker: Talker | None
    toolbox: Toolbox
    silence: Callable[[], bool]
    """Ends what rings; False when nothing did."""

    said: Callable[[Turn, str], None]
    """Notes what the person said, for the history."""

    finished: Callable[[Turn, str, Decision], None]
    """Notes how the turn went, for ``explain``."""


class Performance:
    """A decided answer; see ``core.dialogue.Proposal``."""

    def __init__(self, stage: Stage, turn: Turn, text: str, decision: Decision, act: Act) -> None:
        self.decision = decision
        self._stage = stage
        self._turn = turn
        self._text = text
        self._act = act
        self._spoken: list[str] = []

    def sentences(self) -> Iterator[Sentence]:
        """Carry it out, then yield the words."""
        if self._turn.cancellation.is_set:
            return
        self._stage.said(self._turn, self._text)
        try:
            for text in self._words():
                if self._turn.cancellation.is_set:
                    return
                self._spoken.append(text)
                yield Sentence(text, len(self._spoken) - 1)
        except Cancelled:
            return
        finally:
            self._close()

    def _words(self) -> Iterator[str]:
        act = self._act
        if isinstance(act, Commands):
            yield from self._run(act)
        elif isinstance(act, Stop):
            yield from self._stop()
        elif isinstance(act, AskAgain):
            yield from self._ask_again()
        elif isinstance(act, Talk):
            self._drop_question()
            yield from self._talk(act)
        elif isinstance(act, Tell):
            self._drop_question()
            yield from split(act.text)
        else:
            self._drop_question()
            yield from self._say(act.key, act)

    def _say(self, key: str, act: Say | None = None) -> list[str]:
        args = act.args if act else {}
        return self._stage.replies.word(key, args, self._stage.runner.now())

    def _run(self, act: Commands) -> Iterator[str]:
        """All commands are carried out before the first word: a person may break in on words."""
        state = self._stage.sessions.state(self._turn.session)
        if not self._stage.runner.aside(act.calls):
            state = replace(state, question=None, queue=(), tries=0)
        done: Done = self._stage.runner.run(act.calls, self._text, self._turn, state)
        self._stage.sessions.update(
            self._turn.session, lambda now: replace(done.state, history=now.history)
        )
        self.decision.failure = "; ".join(done.failures)
        if done.failures and len(done.failures) >= len(act.calls):
            self.decision.route = "repair"
        yield from done.sentences

    def _stop(self) -> Iterator[str]:
        rang = self._stage.silence()
        was_open = self._stage.sessions.state(self._turn.session).question is not None
        self._drop_question()
        key = "stop.silenced" if rang else "stop.dropped" if was_open else "stop.nothing"
        yield from self._say(key)

    def _ask_again(self) -> Iterator[str]:
        sessions = self._stage.sessions
        question = sessions.state(self._turn.session).question
        if question is None:  # it has timed out since
            yield from self._say("repair.unknown")
            return

        def again(state: State) -> State:
            return replace(sessions.ask(state, question, state.queue), tries=state.tries + 1)

        sessions.update(self._turn.session, again)
        yield from self._say("ask.again")
        yield from self._stage.runner.word_question(question)

    def _talk(self, act: Talk) -> Iterator[str]:
        spoken = 0
        try:
            for text in self._reply(act):
                spoken += 1
                yield text
        except Ungrounded as problem:
            self.decision.failure = str(problem)
            yield from self._instead(act)
            return
        except EdgebotError as problem:
            self._fail(problem)
        except Exception as problem:  # noqa: BLE001 - whatever an engine raises ends this turn and no other
            self._fail(problem)
        self._note_reply()
        if not spoken and not self._turn.cancellation.is_set:
            yield from self._instead(act)

    def _reply(self, act: Talk) -> Iterator[str]:
        talker = self._stage.talker
        if talker is None:
            return iter(())
        history = self._stage.sessions.state(self._turn.session).history
        toolbox = self._stage.toolbox if talker.can_call else None
        return talker.reply(self._turn, self._text, history, act.passages, toolbox)

    def _note_reply(self) -> None:
        """Add to the record of the rung how the reply came about."""
        if self._stage.talker is None or not self.decision.rungs:
            return
        record = asdict(self._stage.talker.record)
        rung = self.decision.rungs[-1]
        rung.details = {**rung.details, "reply": record}

    def _instead(self, act: Talk) -> Iterator[str]:
        """The extract stands by; without one we say honestly that we do not know or have failed."""
        if act.otherwise:
            yield from split(act.otherwise)
            return
        self.decision.route = "repair"
        self.decision.sources = ()
        yield from self._say("repair.failed" if self.decision.failure else "repair.unknown")

    def _fail(self, problem: Exception) -> None:
        if isinstance(problem, Cancelled):
            raise problem
        self.decision.failure = f"{type(problem).__name__}: {problem}"
        expected = isinstance(problem, EdgebotError)
        log.error("the language model failed: %s", problem, exc_info=not expected)

    def _drop_question(self) -> None:
        self._stage.sessions.update(
            self._turn.session, lambda state: replace(state, question=None, queue=(), tries=0)
        )

    def _close(self) -> None:
        spoken = tuple(self._spoken)
        state = self._stage.sessions.update(
            self._turn.session, lambda state: replace(state, last_reply=spoken)
        )
        self.decision.expects_answer = state.question is not None
        self._stage.finished(self._turn, self._text, self.decision)
