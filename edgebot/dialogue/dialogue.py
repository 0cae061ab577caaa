"""The dialogue of all sessions: proposes what to do about an utterance, and remembers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from edgebot.core.dialogue import Decision, Proposal, Scheduler
from edgebot.core.errors import EdgebotError
from edgebot.core.language import Talker, Toolbox
from edgebot.core.nlu import NluContext
from edgebot.core.turn import Turn
from edgebot.dialogue.acts import Commands, Say, Talk
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.intents import state_of
from edgebot.dialogue.ladder import Ladder
from edgebot.dialogue.performance import Performance, Stage
from edgebot.dialogue.session import Sessions, State
from edgebot.dialogue.vocabulary import Vocabulary

MAX_TURNS_UNDER_WAY = 256


class LadderDialogue:
    """Answers by the ladder; see ``core.dialogue.Dialogue``. Safe from any thread."""

    def __init__(
        self,
        ladder: Ladder,
        stage: Stage,
        scheduler: Scheduler,
        vocabulary: Vocabulary,
        closing: Sequence[Callable[[], None]] = (),
        last_turns: Callable[[], list[dict[str, Any]]] = list,
        forget_turns: Callable[[], None] = lambda: None,
    ) -> None:
        """``last_turns``, ``forget_turns``: see the attributes."""
        self.scheduler: Scheduler = scheduler
        self.toolbox: Toolbox = stage.toolbox
        self._ladder = ladder
        self._sessions: Sessions = stage.sessions
        self._talker: Talker | None = stage.talker
        self._clock: Clock = stage.clock
        self._vocabulary = vocabulary
        self._closing = closing
        self.last_turns = last_turns
        """The turns of this process with their words, oldest first."""

        self.forget_turns = forget_turns
        """Removes them, from the file of all processes too."""

        self._said: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()
        self._stage = replace(stage, said=self._note)

    def propose(self, turn: Turn, text: str, *, draft: bool = False) -> Proposal:
        """Decide what to do about ``text`` without any side effect."""
        text = " ".join(text.split())
        state = self._sessions.state(turn.session)
        if not any(map(str.isalnum, text)):
            return Performance(self._stage, turn, text, Decision(), Say("repair.empty"))
        hearing = Hearing(turn, text, state, self._context(state))
        decision, act = self._ladder.climb(hearing)
        if isinstance(act, Commands) and any(map(self._stage.runner.lacks, act.calls)):
            decision.whole = False
        if isinstance(act, Talk) and self._talker is not None:
            asked = (text, state.history, act.passages, self._tools())
            if draft:
                self._talker.prepare(turn, *asked, draft=True)
            else:
                decision.rungs[-1].details = {**decision.rungs[-1].details, **self._prompt(*asked)}
        return Performance(self._stage, turn, text, decision, act)

    def prepare(self, turn: Turn, text: str) -> None:
        """The person still speaks: let the language model read what was said so far."""
        if self._talker is not None and text.strip():
            history = self._sessions.state(turn.session).history
            self._talker.prepare(turn, text, history, (), self._tools())

    def heard(self, turn: Turn, text: str) -> None:
        """Enter the turn into the history of its session."""
        with self._lock:
            said = self._said.pop(turn.id, None)
        if said is not None:
            self._sessions.remember(turn.session, said, text)
            self._sessions.ask_now(turn.session)

    def context(self, session: str) -> NluContext:
        """What ``session`` may say now."""
        return self._context(self._sessions.state(session))

    def close(self) -> None:
        """Close the store and what else was handed over."""
        for close in self._closing:
            close()

    def _context(self, state: State) -> NluContext:
        question = state.question
        kind = "" if question is None else _awaited(question.kind, question.slot_kind)
        lists = dict(self._vocabulary.lists())
        if question is not None and question.options:
            lists["choice"] = [str(option.label) for option in question.options]
        return NluContext(
            state=state_of(kind) if kind else "",
            lists=lists,
            now=self._clock.utc().astimezone(self._clock.zone),
        )

    def _prompt(self, *asked: Any) -> dict[str, Any]:
        """What the language model will be given, for ``edgebot explain``."""
        assert self._talker is not None
        try:
            return {"prompt": [asdict(message) for message in self._talker.prompt(*asked)]}
        except EdgebotError:
            return {}  # the reply fails for the same reason, audibly

    def _tools(self) -> Toolbox | None:
        return self.toolbox if self._talker is not None and self._talker.can_call else None

    def _note(self, turn: Turn, text: str) -> None:
        with self._lock:
            self._said[turn.id] = text
            while len(self._said) > MAX_TURNS_UNDER_WAY:
                self._said.popitem(last=False)


def _awaited(kind: str, slot_kind: str) -> str:
    return slot_kind if kind == "slot" else kind
