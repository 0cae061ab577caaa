"""The wording tables of a language, from ``<language>.yaml`` in this folder."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

from edgebot.core.errors import UnderstandingError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def languages() -> list[str]:
    """Languages that can be spoken, sorted."""
    entries = resources.files(__package__).iterdir()
    return sorted(e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml"))


@functools.lru_cache(maxsize=8)
def tables_of(language: str) -> dict[str, Any]:
    """The tables of ``language``; raises ``UnderstandingError`` when there are none."""
    if language not in languages():
        known = ", ".join(languages())
        raise UnderstandingError(f"nothing can be worded in {language!r}; languages: {known}")
    text = (resources.files(__package__) / f"{language}.yaml").read_text("utf-8")
    tables: dict[str, Any] = yaml.load(text, Loader=_LOADER)
    return tables
