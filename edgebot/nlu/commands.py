"""Several commands in one sentence: "set a timer for ten minutes and add eggs to the list"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edgebot.nlu.language import LanguageData
from edgebot.nlu.matcher import Match
from edgebot.nlu.spoken import Spoken, without_padding

MAX_COMMANDS = 4
_FIRM_SHARE = 0.5
_SHORTEST = 2

Matcher = Callable[[Spoken], Sequence[Match]]
"""Matches one command, best first."""


def commands(spoken: Spoken, data: LanguageData, match: Matcher) -> list[Sequence[Match]]:
    """For each command in ``spoken`` the ways it can be meant, best first; empty when none fits.

    A text is taken apart only where every part is a command by itself. Where the whole is one too
    ("remind me to buy milk and call mum"), the parts must say more of what is meant: the template
    vouches for at least half of each further part, and for two words of it.
    """
    whole = match(spoken)
    if whole and whole[0].open_chars == 0:
        return [whole]
    parts = _apart(without_padding(spoken, data), data, match, MAX_COMMANDS, bool(whole))
    if not parts:
        return [whole] if whole else []
    if whole and _open(parts) >= whole[0].open_chars:
        return [whole]
    return parts


def _open(parts: Sequence[Sequence[Match]]) -> int:
    return sum(ways[0].open_chars for ways in parts)


def _apart(
    spoken: Spoken, data: LanguageData, match: Matcher, most: int, strict: bool
) -> list[Sequence[Match]]:
    """The first way to take ``spoken`` apart; empty when there is none."""
    if most < 2:
        return []
    for left, right in cuts(spoken, data):
        first = match(left)
        if not first:
            continue
        rest = _apart(right, data, match, most - 1, strict) or _one(right, match)
        if not rest and not strict:
            rest = _gapped(left, right, first[0], match)
        if rest and not (strict and any(not _firm(ways[0]) for ways in rest)):
            return [first, *rest]
    return []


def cuts(spoken: Spoken, data: LanguageData) -> Iterator[tuple[Spoken, Spoken]]:
    """Both sides of each conjunction in ``spoken``, from left to right."""
    keys = [word.key for word in spoken.words]
    at = 1
    while at < len(keys) - 1:
        found = (each for each in data.conjunctions if tuple(keys[at : at + len(each)]) == each)
        length = len(next(found, ()))
        if length and at + length < len(keys):
            yield spoken.part(0, at), spoken.part(at + length, len(keys))
        at += length or 1


def _one(right: Spoken, match: Matcher) -> list[Sequence[Match]]:
    found = match(right)
    return [found] if found else []


def _gapped(left: Spoken, right: Spoken, first: Match, match: Matcher) -> list[Sequence[Match]]:
    """The second command without its verb: "set a timer for ten minutes and an alarm for six"."""
    for length in (1, 2, 3):
        if length >= len(left.words):
            break
        found = match(Spoken(right.original, left.words[:length] + right.words))
        if found and found[0].open_chars <= first.open_chars:
            return [found]
    return []


def _firm(way: Match) -> bool:
    """The template vouches for enough of the words to tell a command from an object of one."""
    letters = way.open_chars + way.fixed_chars
    words = way.fixed_chars >= 6
    return words and way.fixed_chars >= _FIRM_SHARE * letters
