"""What can be said, in examples: the spoken help and the documentation come from it."""

from __future__ import annotations

from collections.abc import Mapping

from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.templates import SentenceSet, Template

_DRAWS = 8


def spoken_help(sentences: SentenceSet) -> Mapping[str, tuple[str, ...]]:
    """Intent → sentences that show it, in the order of the files.

    Those the files give under ``help``; else two sentences of plain length drawn from templates
    that are valid without an open question. Intents that are only said as an answer are left out.
    """
    shown: dict[str, tuple[str, ...]] = {}
    for name in sentences.intents:
        given = sentences.help.get(name) or _drawn(sentences, name)
        if given:
            shown[name] = given
    return shown


def _drawn(sentences: SentenceSet, intent: str) -> tuple[str, ...]:
    templates = [each for each in sentences.templates if each.intent == intent and not each.states]
    found: list[str] = []
    for template in templates:
        text = _plain(Sampler(sentences, 0), template)
        if text and text not in found:
            found.append(text)
        if len(found) == 2:
            break
    return tuple(found)


def _plain(sampler: Sampler, template: Template) -> str:
    """The shortest of a few draws: the sentence without its options."""
    drawn: list[str] = []
    for _ in range(_DRAWS):
        try:
            drawn.append(sampler.sample(template))
        except NoExample:
            return ""
    return min(filter(None, drawn), key=len, default="")
