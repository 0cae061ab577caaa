"""The words of a language that skills read: operators, places, holidays. ``<language>.yaml``."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

from edgebot.core.errors import UnderstandingError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.lru_cache(maxsize=4)
def words_of(language: str) -> dict[str, Any]:
    """The tables of ``language``; raises ``UnderstandingError`` when there are none."""
    file = resources.files(__package__) / f"{language}.yaml"
    if not file.is_file():
        raise UnderstandingError(f"the skills have no words in {language!r}")
    tables: dict[str, Any] = yaml.load(file.read_text("utf-8"), Loader=_LOADER)
    return tables
