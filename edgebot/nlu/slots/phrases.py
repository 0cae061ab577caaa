"""Words rather than figures: lists of things, names, free text, yes and no."""

from __future__ import annotations

import re
import unicodedata

from edgebot.nlu.slots.tables import Tables
from edgebot.nlu.slots.tokens import MAX_CHARS
from edgebot.nlu.slots.utterance import Utterance

_WORD = re.compile(r"[,;\n]|[^\s,;]+")
_LONGEST_NAME = 7
"""Words; a sentence is no name."""

_LONGEST_ANSWER = 5
_EDGES = " \t\r\n.,;:!?…\"“”„‘’'()[]"


def clean(text: str) -> str:
    """``text`` without control characters, with single spaces, without punctuation at the ends."""
    kept = (char if unicodedata.category(char)[0] != "C" else " " for char in text[:MAX_CHARS])
    return " ".join("".join(kept).split()).strip(_EDGES)


def name(text: str, tables: Tables) -> str | None:
    """A name without article and courtesy: "the pasta" → "pasta".

    None when nothing is left, or so much that it is no name.
    """
    words = clean(text).split()
    if len(words) > _LONGEST_NAME:
        return None
    while len(words) > 1 and tables.fold(words[0]) in tables.name_lead:
        words = words[1:]
    while len(words) > 1 and tables.fold(words[-1]) in tables.name_tail:
        words = words[:-1]
    return " ".join(words) if words and tables.fold(words[0]) not in tables.name_lead else None


def list_name(text: str, tables: Tables) -> str | None:
    """The name of a list; in languages of compounds the whole word ("Packliste"), else None."""
    found = name(text, tables)
    if found is None or not tables.list_heads:
        return found
    return found if tables.fold(found).endswith(tables.list_heads) else None


def item_list(text: str, tables: Tables) -> list[str] | None:
    """The things listed: "eggs, milk and two loaves of bread" → three; None when there is none."""
    items: list[list[str]] = [[]]
    folded = tables.fold(clean(text))
    for word in _protected(clean(text), folded, tables):
        if word in ",;" or tables.fold(word) in tables.item_joins:
            items.append([])
        else:
            items[-1].append(word.replace("\0", " "))
    found = (_item(words, tables) for words in items)
    return [each for item in found if item for each in _side_by_side(item, tables)] or None


def _side_by_side(item: str, tables: Tables) -> list[str]:
    """ "bread milk" as two, where every word belongs to something known or counts it."""
    words = item.split()
    plain = [tables.fold(word.replace("\0", " ")) for word in words]
    best: list[list[str] | None] = [[]] + [None] * len(words)
    for end in range(1, len(words) + 1):
        for start in range(max(0, end - 3), end):
            head = best[start]
            if head is not None and _is_known(plain[start:end], tables):
                longest = best[end]
                if longest is None or len(head) + 1 < len(longest):
                    best[end] = [*head, " ".join(words[start:end])]
    return best[-1] or [item]


def _is_known(words: list[str], tables: Tables) -> bool:
    numbers = tables.numbers
    counted = words[0] in numbers.small or words[0] in numbers.tens or words[0].isdecimal()
    return " ".join(words[counted:]) in tables.known_items


def _protected(text: str, folded: str, tables: Tables) -> list[str]:
    """The words of ``text``; pairs that are one thing ("mac and cheese") stay in one word."""
    words = _WORD.findall(text)
    plain = [tables.fold(word) for word in words]
    for pair in tables.item_pairs:
        if pair not in folded:
            continue
        parts = pair.split()
        at = 0
        while at <= len(words) - len(parts):
            if plain[at : at + len(parts)] == parts:
                words[at : at + len(parts)] = ["\0".join(words[at : at + len(parts)])]
                plain[at : at + len(parts)] = [pair]
            at += 1
    return words


def _item(words: list[str], tables: Tables) -> str:
    while len(words) > 1 and tables.fold(words[0]) in tables.item_lead:
        words = words[1:]
    while len(words) > 1 and tables.fold(words[-1].strip(_EDGES)) in tables.name_tail:
        words = words[:-1]
    return " ".join(words).strip(_EDGES)


def yes_no(utterance: Utterance) -> bool | None:
    """Whether the whole text agrees or disagrees; None when it does neither, or both."""
    tables = utterance.tables
    words = [token.norm for token in utterance.tokens if token.norm not in tables.fillers]
    agrees, disagrees = (_made_of(words, tables, answer) for answer in (True, False))
    return agrees if agrees != disagrees else None


def _made_of(words: list[str], tables: Tables, answer: bool) -> bool:
    """Whether ``words`` are phrases of this answer and nothing else: "no" + "don't do it"."""
    reached = [True] + [False] * len(words)
    for end in range(1, len(words) + 1):
        reached[end] = any(
            reached[start] and tables.yes_no.get(tuple(words[start:end])) is answer
            for start in range(max(0, end - _LONGEST_ANSWER), end)
        )
    return bool(words) and reached[-1]
