"""Engines by name: a literal table whose classes are imported when first asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from edgebot.core.errors import ConfigError


class Registry:
    """Maps the name an engine has in the configuration to ``"module:attribute"``."""

    def __init__(self, kind: str, engines: Mapping[str, str]) -> None:
        self.kind = kind
        self._engines = dict(engines)

    @property
    def names(self) -> list[str]:
        """Known names, sorted."""
        return sorted(self._engines)

    def load(self, name: str) -> Any:
        """Import and return the class called ``name``.

        Raises :class:`ConfigError` for an unknown name, listing the known ones.
        """
        try:
            target = self._engines[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.names, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            known = ", ".join(self.names)
            raise ConfigError(f"no {self.kind} is called {name!r}{hint}; known: {known}") from None
        module, _, attribute = target.partition(":")
        return getattr(importlib.import_module(module), attribute)
