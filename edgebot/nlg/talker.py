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
from edgebot.core.language import (
    Generation,
    Guard,
    LanguageModel,
    Message,
    ReplyRecord,
    Toolbox,
)
from edgebot.core.turn import Turn
from edgebot.nlg.delivery import Cut, deliver
from edgebot.nlg.draft import BackgroundWorker, Draft
from edgebot.nlg.pace import Budget, Limits, Pace
from edgebot.nlg.persona import Persona, PersonaFile
from edgebot.nlg.prompt import LONGEST_QUESTION, asked, spoken_history, static_part
from edgebot.nlg.tools import ToolRounds, tool_examples, tool_rules

log = logging.getLogger(__name__)

_CHARACTERS_A_TOKEN = 4
_HARD_LIMIT = 1.5
"""A sentence that is begun within the budget may be finished beyond it, up to this factor."""


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
        asks_network: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``sampling``: fields of :class:`Generation` other than its defaults.

        ``tool_tokens``: longest list of tools, about; with a longer one tools are off.
        ``examples``: show the model those of the persona. ``asks_network``: whether the next reply
        comes from an endpoint on the network: then nothing is drafted (half a question is nobody's
        business) and the board's pace sets no limits.
        """
        self.model_id = model_id
        self.can_read = can_read
        self.can_call = can_call
        self.record = ReplyRecord(model=model_id)
        self._open_model = open_model
        self._persona_file = persona
        self._sampling = dict(sampling or {})
        self._limits = limits or Limits()
        self._pace = pace or Pace()
        self._guard = guard
        self._tool_tokens = tool_tokens
        self._examples = examples
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
        static, messages = self._prompt(persona, text, history, passages, toolbox)
        with self._lock:
            if self._draft is not None and self._draft.messages == messages:
                return
            self._drop_draft()
            # a tool call is not to be written by halves
            if draft and not self._toolbox(toolbox) and not self._asks_network():
                self._draft = begun = Draft(messages, self._options(self._limits.max_tokens))
                turn.cancellation.on_cancel(begun.discard)
                self._worker.submit(lambda: begun.write(self.model(static), persona.language))
            elif not passages:
                self._worker.submit(lambda: self._prefill(static, messages, turn))

    def reply(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Toolbox | None = None,
    ) -> Iterator[str]:
        """See :meth:`Talker.reply`."""
        self.record = record = ReplyRecord(model=self.model_id)
        if fixed := self._guard and self._guard.check(text):
            record.notes.append(f"safety topic {fixed.topic}")
            yield fixed.text
            return
        persona = self._persona_file.current()
        chosen = self._pace.affordable(passages, self._limits)
        record.passages = len(chosen)
        static, messages = self._prompt(persona, text, history, passages, toolbox)
        draft = self._claim(messages)
        model = self.model(static)
        budget = self._budget(model, messages[-1])
        record.max_tokens = budget.max_tokens
        record.drafted = draft is not None and draft.begun
        if budget.filler and not record.drafted and persona.fillers:
            self._fillers += 1
            yield persona.fillers[self._fillers % len(persona.fillers)]
        rounds = ToolRounds(
            model, messages, self._options(budget.max_tokens), self._toolbox(toolbox), turn, record
        )
        said = False
        cut = Cut(
            sentences=persona.sentences,
            soft_tokens=budget.max_tokens,
            deadline=self._clock() + budget.deadline_s,
            clock=self._clock,
        )
        pieces = rounds.pieces(draft)
        prompt = static[0].content
        sentences = deliver(pieces, persona, prompt, cut, lambda: model.stats, record.notes)
        try:
            with closing(pieces), closing(sentences):
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

    # --- beyond the port

    def model(self, static: Sequence[Message] | None = None) -> LanguageModel:
        """The model, loaded and with the static part of the prompt in its state."""
        with self._loading:
            if self._model is None:
                self._model = self._open_model()
            wanted = list(static or self._static(self._persona_file.current()))
            if wanted != self._warm:
                self._model.warm(wanted)
                self._warm = wanted
            return self._model

    def close(self) -> None:
        """Stop working ahead and remember how fast the model was. The model stays open."""
        with self._lock:
            self._drop_draft()
        self._worker.close()
        self._pace.save()

    def _prompt(
        self,
        persona: Persona,
        text: str,
        history: Sequence[Message],
        passages: Sequence[Passage],
        toolbox: Toolbox | None,
    ) -> tuple[list[Message], list[Message]]:
        static = self._static(persona, self._toolbox(toolbox))
        chosen = self._pace.affordable(passages, self._limits)
        talk = spoken_history(history, persona.fillers)
        most = min(self._pace.readable(self._limits), LONGEST_QUESTION)
        return static, [*static, *talk, asked(text, chosen, most)]

    def _static(self, persona: Persona, toolbox: Toolbox | None = None) -> list[Message]:
        if toolbox is None:
            return static_part(persona, examples=self._examples)
        rules = static_part(persona, tool_rules(toolbox.tools), examples=False)
        return [*rules, *tool_examples(toolbox.tools)]

    def _budget(self, model: LanguageModel, asked: Message) -> Budget:
        if self._asks_network():
            return Budget(self._limits.max_tokens, filler=False, deadline_s=self._limits.deadline_s)
        return self._pace.budget(model.count_tokens(asked.content), self._limits)

    def _toolbox(self, toolbox: Toolbox | None) -> Toolbox | None:
        if not (self.can_call and toolbox and toolbox.tools):
            return None
        if len(tool_rules(toolbox.tools)) > self._tool_tokens * _CHARACTERS_A_TOKEN:
            log.warning("the list of tools is too long for the context; the model goes without")
            self.can_call = False
            return None
        return toolbox

    def _options(self, max_tokens: int) -> Generation:
        hard = int(max_tokens * _HARD_LIMIT)
        return Generation(**{**self._sampling, "max_tokens": hard})

    def _prefill(self, static: Sequence[Message], messages: list[Message], turn: Turn) -> None:
        try:
            self.model(static).prefill(messages, turn.cancellation, open_end=True)
        except EdgebotError as problem:
            log.debug("working ahead failed: %s", problem)

    def _claim(self, messages: list[Message]) -> Draft | None:
        """The draft of exactly this prompt, or None; any other is thrown away."""
        with self._lock:
            draft, self._draft = self._draft, None
            if draft is not None and draft.messages == messages:
                return draft  # its writer may still be waiting for its turn: leave it there
            self._worker.drop()
            if draft is not None:
                draft.discard()
            return None

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft.discard()
            self._draft = None
