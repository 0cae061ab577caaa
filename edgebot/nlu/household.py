"""Slot values only this household has, as lists for hassil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hassil.intents import IntentData, SlotList, TextSlotList, TextSlotValue

from edgebot.core.nlu import NluContext
from edgebot.nlu.templates import SentenceSet

RUNTIME_LISTS = frozenset({"area", "floor", "name"})
"""Lists that Home Assistant's files use and its registry fills; any words where nobody does."""


def relaxed(block: IntentData) -> IntentData:
    """``block`` without the context that only the household could bring.

    Home Assistant's sentences ask that a ``{name}`` belongs to a light, or that the room is known;
    where nobody says which names there are, that cannot be asked for.
    """
    required = {key: value for key, value in block.requires_context.items() if key == "state"}
    made = replace(block, requires_context=required)
    vars(made)["sentences"] = block.sentences
    return made


def household_lists(
    sentences: SentenceSet, context: NluContext
) -> tuple[dict[str, SlotList], frozenset[str]]:
    """Lists filled from ``context``, and which of them may be other words as well."""
    filled: dict[str, SlotList] = {}
    reopened: set[str] = set()
    for name, values in context.lists.items():
        own = [_value(value) for value in values]
        defined = sentences.lists.get(name)
        if isinstance(defined, TextSlotList):
            own = [*defined.values, *own]
        else:
            reopened.add(name)
        filled[name] = TextSlotList(name=name, values=own)
    return filled, frozenset(reopened)


def said(values: Sequence[str | Mapping[str, Any]]) -> list[str]:
    """How the values of a household list are said."""
    return [value if isinstance(value, str) else str(value["in"]) for value in values]


def _value(value: str | Mapping[str, Any]) -> TextSlotValue:
    if isinstance(value, str):
        return TextSlotValue.from_tuple((value, value), allow_template=False)
    text = str(value["in"])
    made = TextSlotValue.from_tuple((text, value.get("out", text)), allow_template=False)
    made.context = dict(value.get("context") or {}) or None
    made.metadata = dict(value.get("metadata") or {}) or None
    return made
