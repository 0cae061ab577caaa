"""The language model as the dialogue knows it: words in, spoken sentences out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from edgebot.core.errors import EdgebotError, EngineError
from edgebot.core.knowledge import Passage
from edgebot.core.language import Guard, LanguageModel, Message, ReplyRecord, Tool, Toolbox
from edgebot.core.turn import Turn
from edgebot.nlg.delivery import Cut, Delivery
from edgebot.nlg.draft import BackgroundWorker, Draft
from edgebot.nlg.pace import Budget, Limits, Pace
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.plan import Plan, Planner
from edgebot.nlg.tools import ToolRounds, tool_rules

log = logging.getLogger(__name__)

_CHARACTERS_A_TOKEN = 4


class LanguageTalker:
    """Answers with one language model in one persona; see :class:`edgebot.core.language.Talker`.

    The model is loaded when first needed. Safe from several threads: replies of different
    sessions take turns at the model.
    """

    def __init__(
        self,
        open_model: Callable[[], LanguageModel],
        persona: PersonaFile,
        *,
        model_id: str,
        sampling: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        guard: Guard | None = None,
        can_read: bool = False,
        can_call: bool = False,
        tool_tokens: int = 1024,
        examples: bool = True,
        reading_score: float = 0.5,
        asks_network: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``sampling``: fields of :class:`Generation` other than its defaults.

        ``tool_tokens``: longest list of tools, about; with a longer one tools are off.
        ``examples``, ``reading_score``: see :class:`Planner`. ``asks_network``: whether the next
        reply comes from an endpoint on the network: then nothing is drafted (half a question is
        nobody's business) and the board's pace sets no limits.
        """
        self.model_id = model_id
        self.can_read = can_read
        self.can_call = can_call
        self.record = ReplyRecord(model=model_id)
        self._open_model = open_model
        self._persona_file = persona
        self._limits = limits or Limits()
        self._pace = pace or Pace()
        self._planner = Planner(
            self._pace, self._limits, sampling, examples=examples, reading_score=reading_score
        )
        self._guard = guard
        self._tool_tokens = tool_tokens
        self._asks_network = asks_network
        self._clock = clock
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._model: LanguageModel | None = None
        self._warm: list[Message] = []
        self._draft: Draft | None = None
        self._worker = BackgroundWorker("llm-draft")
        self._fillers = 0

    # --- the port

    def prepare(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
        *,
        draft: bool = False,
    ) -> None:
        """See :meth:`Talker.prepare`. What fails here fails again, audibly, in :meth:`reply`."""
        if turn.cancellation.is_set or not text.strip():
            return
        persona = self._persona_file.current()
        tools = self._tools(toolbox)
        plan = self._planner.plan(persona, text, history, passages, tools)
        with self._lock:
            if self._draft is not None and self._draft.messages == plan.messages:
                return
            self._drop_draft()
            # a tool call is not to be written by halves
            if draft and not tools and not self._asks_network():
                self._draft = begun = Draft(plan.messages, plan.options(self._limits.max_tokens))
                turn.cancellation.on_cancel(begun.discard)
                self._worker.submit(lambda: begun.write(self.model(plan.static), persona.language))
            elif not passages:
                self._worker.submit(lambda: self._prefill(plan, turn))

    def reply(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
    ) -> Iterator[str]:
        """See :meth:`Talker.reply`.

        With passages that hold the answer it raises :class:`Ungrounded` when they do not bear out
        the first sentence.
        """
        self.record = record = ReplyRecord(model=self.model_id)
        if fixed := self._guard and self._guard.check(text):
            record.notes.append(f"safety topic {fixed.topic}")
            yield fixed.text
            return
        persona = self._persona_file.current()
        tools = self._tools(toolbox)
        plan = self._planner.plan(persona, text, history, passages, tools)
        record.passages = len(plan.passages)
        draft = self._claim(plan)
        model = self.model(plan.static)
        budget = self._budget(model, plan.messages[-1])
        record.max_tokens = budget.max_tokens
        record.drafted = draft is not None and draft.begun
        if budget.filler and not record.drafted and persona.fillers:
            self._fillers += 1
            yield persona.fillers[self._fillers % len(persona.fillers)]
        usable = toolbox if tools and plan.evidence is None else None
        options = plan.options(budget.max_tokens)
        rounds = ToolRounds(model, plan.messages, options, usable, turn, record)
        deadline = self._clock() + budget.deadline_s
        cut = Cut(persona.sentences, budget.max_tokens, deadline, self._clock)
        prompt = plan.static[0].content
        delivery = Delivery(persona, prompt, cut, lambda: model.stats, plan.evidence)
        record.notes = delivery.notes
        yield from self._speak(turn, rounds, draft, delivery, model)

    def _speak(
        self,
        turn: Turn,
        rounds: ToolRounds,
        draft: Draft | None,
        delivery: Delivery,
        model: LanguageModel,
    ) -> Iterator[str]:
        record = self.record
        said = False
        try:
            with (
                closing(rounds.pieces(draft)) as pieces,
                closing(delivery.sentences(pieces)) as sentences,
            ):
                for sentence in sentences:
                    if turn.cancellation.is_set:
                        break
                    said = True
                    yield sentence
        except EngineError as failure:
            if not said:
                raise
            record.notes.append(f"broken off: {failure}")
        finally:
            record.stats = stats = model.stats
            if stats.remote_model:
                record.model, record.remote = stats.remote_model, True
            else:
                self._pace.observe(stats)
        if not said and not turn.cancellation.is_set:
            raise EngineError("the language model said nothing that could be spoken")

    def prompt(
        self,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
    ) -> Sequence[Message]:
        """See :meth:`Talker.prompt`."""
        tools = self._tools(toolbox)
        persona = self._persona_file.current()
        return self._planner.plan(persona, text, history, passages, tools).messages

    # --- beyond the port

    def model(self, static: Sequence[Message] | None = None) -> LanguageModel:
        """The model, loaded and with the static part of the prompt in its state."""
        with self._loading:
            if self._model is None:
                self._model = self._open_model()
            wanted = list(static or self._planner.static(self._persona_file.current()))
            if wanted != self._warm:
                self._model.warm(wanted)
                self._warm = wanted
            return self._model

    def speeds(self) -> dict[str, float]:
        """Tokens a second that the model reads (``prefill``) and writes (``decode``); empty until
        it was measured."""
        if not self._pace.measured:
            return {}
        return {"prefill": self._pace.prefill_tps, "decode": self._pace.decode_tps}

    def close(self) -> None:
        """Stop working ahead and remember how fast the model was. The model stays open."""
        with self._lock:
            self._drop_draft()
        self._worker.close()
        self._pace.save()

    def _budget(self, model: LanguageModel, asked: Message) -> Budget:
        if self._asks_network():
            return Budget(self._limits.max_tokens, filler=False, deadline_s=self._limits.deadline_s)
        return self._pace.budget(model.count_tokens(asked.content), self._limits)

    def _tools(self, toolbox: Toolbox | None) -> Sequence[Tool]:
        if not (self.can_call and toolbox and toolbox.tools):
            return ()
        if len(tool_rules(toolbox.tools)) > self._tool_tokens * _CHARACTERS_A_TOKEN:
            log.warning("the list of tools is too long for the context; the model goes without")
            self.can_call = False
            return ()
        return toolbox.tools

    def _prefill(self, plan: Plan, turn: Turn) -> None:
        try:
            self.model(plan.static).prefill(plan.messages, turn.cancellation, open_end=True)
        except EdgebotError as problem:
            log.debug("working ahead failed: %s", problem)

    def _claim(self, plan: Plan) -> Draft | None:
        """The draft of exactly this prompt, or None; any other is thrown away."""
        with self._lock:
            draft, self._draft = self._draft, None
            if draft is not None and draft.messages == plan.messages:
                return draft  # its writer may still be waiting for its turn: leave it there
            self._worker.drop()
            if draft is not None:
                draft.discard()
            return None

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft.discard()
            self._draft = None
