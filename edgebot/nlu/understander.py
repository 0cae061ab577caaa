"""The understanding front end: templates, classifier and speech grammar of one set of sentences."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from edgebot.core.nlu import NluContext, Parse, SlotValue
from edgebot.nlu.commands import commands
from edgebot.nlu.loose_slots import Loose, loose_slots
from edgebot.nlu.matcher import Match, TemplateMatcher
from edgebot.nlu.speech_grammar import SpeechGrammar
from edgebot.nlu.spoken import MAX_CHARS, Spoken, clean, plain, without_padding
from edgebot.nlu.templates import SentenceSet

_EXPLAINED = 0.6
"""Share of the words that must make sense for a text to be of the only intent there is."""


class Classifier(Protocol):
    """What tells the intent of a paraphrase."""

    def classify(self, text: str) -> tuple[str | None, float, Sequence[tuple[str, float]]]:
        """Intent (None out of scope), its score 0 … 1, and the other intents with theirs."""

    def attribute(self, text: str) -> Sequence[tuple[str, float]]:
        """How much each word carried the decision."""

    def close(self) -> None:
        """Free the model."""


class TemplateUnderstander:
    """Understands what the sentences of one set say; with a classifier also what they mean."""

    def __init__(
        self,
        sentences: SentenceSet,
        opener: Callable[[], Classifier | None] = lambda: None,
        cache: Path | None = None,
        prepared: Path | None = None,
    ) -> None:
        """``opener`` loads the classifier when it is first needed (it may have to be trained).

        ``cache``: a directory for what is slow to make and can be made again; ``prepared``: one
        in which it may lie already.
        """
        self.sentences = sentences
        self.language = sentences.language
        self._matcher = TemplateMatcher(sentences)
        self._opener = opener
        self._opened = False
        self._classifier: Classifier | None = None
        self._lock = threading.Lock()
        self._grammar = SpeechGrammar(sentences, cache, prepared)

    def match(self, text: str, context: NluContext) -> Sequence[Parse]:
        """The commands in ``text``, in order; empty when no template fits."""
        now = context.now or datetime.now().astimezone()

        def one(spoken: Spoken) -> Sequence[Match]:
            return self._matcher.match(spoken, context, now)

        spoken = clean(text)
        found = commands(spoken, self.sentences.data, one)
        return [_parse(text, ways) for ways in found] or self._only_intent(spoken, context)

    def classify(self, text: str, context: NluContext) -> Parse:
        """The classifier's best intent with the slots that can be found; intent None otherwise."""
        spoken = clean(text)
        if not spoken.words or len(spoken.text) > MAX_CHARS:
            return Parse(text, None)
        classifier = self.classifier()
        if classifier is None:
            return Parse(text, None)
        intent, score, others = classifier.classify(plain(text, self.sentences.data))
        found: Mapping[str, SlotValue] = {}
        if intent is not None:
            found = self._loose(intent, spoken, context).slots
        return Parse(
            text,
            intent,
            found,
            score=score,
            matcher="none" if intent is None else "classifier",
            alternatives=tuple(others),
        )

    def _only_intent(self, spoken: Spoken, context: NluContext) -> list[Parse]:
        """A domain of one intent has nothing to tell apart: its values tell that it is meant."""
        intents = self.sentences.intents
        if len(intents) != 1 or not spoken.words or len(spoken.text) > MAX_CHARS:
            return []
        loose = self._loose(intents[0], spoken, context)
        if not loose.complete or loose.explained < _EXPLAINED:
            return []
        score = round(0.9 * loose.explained, 4)
        return [Parse(spoken.original, intents[0], loose.slots, score, "loose")]

    def _loose(self, intent: str, spoken: Spoken, context: NluContext) -> Loose:
        bare = without_padding(spoken, self.sentences.data)
        now = context.now or datetime.now().astimezone()
        return loose_slots(self.sentences, intent, bare, context, now)

    def attribute(self, text: str) -> Sequence[tuple[str, float]]:
        """Each word with how much it carried the classifier's decision."""
        classifier = self.classifier()
        if classifier is None:
            return [(word.text, 0.0) for word in clean(text).words]
        return classifier.attribute(plain(text, self.sentences.data))

    def grammar(self, context: NluContext) -> Sequence[str]:
        """Phrases a recogniser may expect in this state."""
        return self._grammar.phrases(context)

    def classifier(self) -> Classifier | None:
        """The classifier, loaded now if it was not; None where there is none."""
        with self._lock:
            if not self._opened:
                self._classifier = self._opener()
                self._opened = True
        return self._classifier

    def close(self) -> None:
        """Free the classifier."""
        if self._classifier is not None:
            self._classifier.close()


def _parse(text: str, ways: Sequence[Match]) -> Parse:
    best = ways[0]
    return Parse(
        text,
        best.template.intent,
        best.slots,
        score=round(best.score, 4),
        matcher="template",
        template=f"{best.template.text} ({best.template.where})",
        alternatives=tuple((each.template.intent, round(each.score, 4)) for each in ways[1:]),
    )
