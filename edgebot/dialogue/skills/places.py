"""Time zones by the names of places."""

from __future__ import annotations

import functools
import unicodedata
import zoneinfo
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from edgebot.dialogue.words import words_of


class ManyZones(Exception):
    """The place spans several time zones."""


class Places:
    """Cities and countries of one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def zone(self, place: str) -> ZoneInfo | None:
        """The zone of ``place``, None when it is unknown; raises :class:`ManyZones`."""
        tables = words_of(self._language)
        name = plain(place)
        if name in {plain(one) for one in tables["places_with_several_zones"]}:
            raise ManyZones(place)
        known = _names(self._language).get(name)
        return ZoneInfo(known) if known else None


@functools.lru_cache(maxsize=4)
def _names(language: str) -> Mapping[str, str]:
    """Plain name → zone: the cities of the database, then the language's own names over them."""
    names = {
        plain(zone.rpartition("/")[2]): zone
        for zone in sorted(zoneinfo.available_timezones())
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/"))
    }
    for zone, places in words_of(language)["places"].items():
        names.update({plain(place): zone for place in places})
    return names


def plain(name: str) -> str:
    """Lower case without accents, hyphens and underscores."""
    bare = unicodedata.normalize("NFKD", name)
    letters = (" " if c in "_-" else c for c in bare if not unicodedata.combining(c))
    return " ".join("".join(letters).casefold().split())
