"""The assistant's own classifier: trained from its sentences, kept until they change.

Examples are sentences drawn from the templates, paraphrases written by hand
(``sentences/<language>/paraphrases/*.yaml``) and sentences that no skill is meant by
(``_out_of_scope.yaml``). Training takes seconds, so no weights are shipped that could fall behind
the sentences.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgebot.core.embedding import Embedder
from edgebot.core.errors import UnderstandingError
from edgebot.core.nlu import NluContext
from edgebot.nlu.classifier.model import OUT_OF_SCOPE, VERSION, IntentModel
from edgebot.nlu.classifier.training import Announce, train
from edgebot.nlu.language import SENTENCES_DIR, out_of_scope
from edgebot.nlu.matcher import TemplateMatcher
from edgebot.nlu.mistakes import WrongSentences, near
from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.spoken import clean, plain
from edgebot.nlu.syntax import TemplateError, parse
from edgebot.nlu.templates import SentenceSet, Template
from edgebot.nlu.yaml_lines import read

log = logging.getLogger(__name__)

_A_TEMPLATE = 5
_AN_INTENT = 60
_A_PARAPHRASE = 3
_A_STRANGER = 4
_RECIPE = 2
"""Goes up when examples are drawn in another way."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What the classifier is trained on."""

    texts: tuple[str, ...]
    intents: tuple[str, ...]
    groups: tuple[int, ...]
    """Sentences of one template are alike: they are held out together."""


def own_model(
    sentences: SentenceSet,
    embedder: Embedder,
    cache: Path,
    own: bool = True,
    announce: Announce = lambda what, texts: lambda done: None,
    prepared: Path | None = None,
) -> IntentModel | None:
    """The classifier of ``sentences``, from ``cache`` if nothing has changed, else trained.

    ``own``: they are the assistant's, so that its paraphrases belong to them. ``prepared``: a
    second place to look, which is never written to.
    None where there is nothing to tell apart (fewer than two intents).
    """
    if len({each.intent for each in sentences.templates if not each.states}) < 2:
        return None
    name = f"{sentences.language}-{embedder.model_id}-{_digest(sentences, own)[:16]}"
    kept = cache / "classifiers" / name
    for place in (kept, *([prepared / "classifiers" / name] if prepared else [])):
        if (place / "model.json").is_file():
            try:
                return IntentModel.load(place)
            except UnderstandingError as problem:
                log.warning("%s", problem)
    examples = collect(sentences, own)
    model = train(examples.texts, examples.intents, embedder, announce, groups=examples.groups)
    try:
        model.save(kept)
    except UnderstandingError as problem:
        log.warning("the classifier is trained again next time: %s", problem)
    return model


def _digest(sentences: SentenceSet, own: bool) -> str:
    """Changes with anything the examples are made of."""
    by_hand = paraphrases(sentences) if own else {}
    strangers = out_of_scope(sentences.data.language)
    content = repr((VERSION, _RECIPE, sentences.digest, sorted(by_hand.items()), strangers))
    return hashlib.sha256(content.encode()).hexdigest()


def collect(sentences: SentenceSet, own: bool, directory: Path = SENTENCES_DIR) -> Examples:
    """All examples of ``sentences``: drawn, written by hand, and out of scope.

    What a template understands is no stranger, whatever the list says: a user's own domain may be
    what the assistant itself cannot do.
    """
    matcher, now = TemplateMatcher(sentences), datetime(2024, 1, 1, tzinfo=UTC)
    found: dict[str, tuple[str, int]] = {}
    group = 0
    counts: dict[str, int] = {}
    for template in sentences.templates:
        if template.states:
            continue
        group += 1
        wanted = max(1, min(_A_TEMPLATE, _AN_INTENT - counts.get(template.intent, 0)))
        for text in _drawn(sentences, template, wanted, group):
            counts[template.intent] = counts.get(template.intent, 0) + 1
            found.setdefault(plain(text, sentences.data), (template.intent, group))
    strangers = out_of_scope(sentences.data.language, directory)
    if own:
        for intent, written in paraphrases(sentences, directory).items():
            for text in written:
                group += 1
                for said in _expanded(text, sentences, _A_PARAPHRASE):
                    found[plain(said, sentences.data)] = (intent, group)
    for text in strangers:
        group += 1
        for said in _expanded(text, sentences, _A_STRANGER):
            if not matcher.match(clean(said), NluContext(), now):
                found.setdefault(plain(said, sentences.data), (OUT_OF_SCOPE, group))
    found.pop("", None)
    return Examples(
        tuple(found),
        tuple(intent for intent, _ in found.values()),
        tuple(group for _, group in found.values()),
    )


def paraphrases(
    sentences: SentenceSet, directory: Path = SENTENCES_DIR
) -> Mapping[str, Sequence[str]]:
    """Intent → sentences written by hand; raises :class:`WrongSentences`."""
    found: dict[str, list[str]] = {}
    known = sentences.intents
    for path in sorted((directory / sentences.language / "paraphrases").glob("*.yaml")):
        document = read(path, f"{sentences.language}/paraphrases/{path.name}")
        data = document.data if isinstance(document.data, dict) else {}
        for intent, texts in data.items():
            if intent not in known:
                hint = near(str(intent), known)
                document.mistake((str(intent),), f"there is no intent '{intent}'{hint}")
            elif not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
                document.mistake((intent,), f"'{intent}' must be a list of sentences in quotes")
            else:
                for index, text in enumerate(texts):
                    try:
                        parse(text)
                    except TemplateError as error:
                        document.mistake((intent, index), f"'{text}': {error}")
                found.setdefault(intent, []).extend(texts)
        if document.mistakes:
            raise WrongSentences(document.mistakes)
    return found


def _drawn(sentences: SentenceSet, template: Template, count: int, seed: int) -> list[str]:
    sampler = Sampler(sentences, seed)
    try:
        return [sampler.sample(template) for _ in range(count)]
    except NoExample:
        return []


def _expanded(text: str, sentences: SentenceSet, most: int) -> list[str]:
    """``text`` itself, or a few of the sentences it stands for where it is a template."""
    sampler = Sampler(sentences, len(text))
    expression = parse(text).expression
    return list(dict.fromkeys(sampler.draw_free(expression) for _ in range(most)))
