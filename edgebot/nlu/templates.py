"""Sentence templates, ready to be matched and sampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hassil.expression import INLINE_RANGE_PATTERN, Sentence
from hassil.intents import IntentData, RangeSlotList, SlotList, WildcardSlotList

from edgebot.nlu.language import LanguageData


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence template with all that a match of it means."""

    intent: str
    text: str
    """As it was written."""

    where: str
    """``file:line``."""

    states: frozenset[str]
    """Open questions it answers; empty when it is always valid."""

    block: IntentData
    """For hassil: this one sentence, its fixed slots and contexts."""

    slots: Mapping[str, str]
    """Slot → list its value comes from."""

    needs: frozenset[str]
    """Lists that every match takes a value from."""

    rules: Mapping[str, Sentence]
    """Expansion rules it sees."""

    lists: Mapping[str, SlotList] = field(default_factory=dict)
    """Lists of its block alone."""

    @property
    def sentence(self) -> Sentence:
        """The parsed template."""
        return self.block.sentences[0]


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """Everything that can be said in one language, or in one domain of a user's own."""

    language: str
    data: LanguageData
    templates: tuple[Template, ...]
    lists: Mapping[str, SlotList]
    rules: Mapping[str, Sentence]
    kinds: Mapping[str, str]
    """Wildcard list → kind of slot its words are read as."""

    examples: Mapping[str, tuple[str, ...]]
    """List or slot → values as they are said."""

    help: Mapping[str, tuple[str, ...]]
    """Intent → what the spoken help says."""

    skip_words: tuple[str, ...]
    ignore_whitespace: bool
    digest: str
    """Changes with the content of any file."""

    @property
    def intents(self) -> list[str]:
        """Names, in the order of the files."""
        return list(dict.fromkeys(template.intent for template in self.templates))

    @property
    def states(self) -> list[str]:
        """Names of all open questions that some template answers, sorted."""
        return sorted({state for template in self.templates for state in template.states})

    def in_state(self, state: str) -> Iterator[Template]:
        """Templates that are valid while the question ``state`` is open ("" for none)."""
        return (each for each in self.templates if not each.states or state in each.states)

    def list_of(self, template: Template, name: str) -> SlotList:
        """The list ``name`` as ``template`` sees it; a wildcard where nobody defines it."""
        found = template.lists.get(name) or self.lists.get(name)
        if found is None and (inline := INLINE_RANGE_PATTERN.match(name)):
            start, stop, step = inline.groups()
            return RangeSlotList(name, int(start), int(stop), int(step or 1))
        return found or WildcardSlotList(name=name)

    def kind_of(self, template: Template, name: str) -> str | None:
        """Kind of the slot that a wildcard list fills; None for other lists."""
        if isinstance(self.list_of(template, name), WildcardSlotList):
            return self.kinds.get(name, "text")
        return None
