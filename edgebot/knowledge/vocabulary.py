"""Groups of English words that tell what an answer may look like."""

from __future__ import annotations


def _group(text: str) -> frozenset[str]:
    return frozenset(text.split())


WH = _group("who whom whose what which when where why how")
"""Words that ask."""

VAGUE = _group("type types kind kinds sort sorts form name names term part one other")
"""Nouns behind "what" that say nothing about what is asked for: "what type of river"."""

NUMBER = _group(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety hundred hundreds thousand thousands million millions billion billions trillion
    half third quarter dozen once twice several few zero both single double
    """
)
"""Numbers in words."""

DATE = _group(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday century centuries decade
    decades year years month months week weeks day days bc bce ad ce spring summer autumn
    fall winter era period age war morning evening night afternoon
    """
)
"""Words of dates and spans of time."""

UNITS = _group(
    """
    percent kilometers kilometres km miles metres meters feet inches square hectares acres
    tons tonnes kg degrees dollars euros pounds pence yen people hours minutes seconds mph
    ghz mhz mw years days weeks months times
    """
)
"""What numbers are followed by."""

BE = _group("is are was were be been being became become becomes")
"""Forms of "to be", and what works like it."""

CALLED = _group("called named known termed titled dubbed")
"""A name follows."""

ABOUT = _group("about around approximately roughly nearly almost over some")
"""A number follows."""

INSIDE = _group(
    """
    of the a an and or de la le von van for in to on with by at from as its his her their
    than not no between more other into about
    """
)
"""Small words that may stand within an answer."""

NOT = _group(
    """
    not no never none nobody nothing neither nor without cannot fail failed unable except
    lack lacked hardly rarely
    """
)
"""Words that deny."""
