"""The built-in skills by name; made when the dialogue is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from edgebot.core.dialogue import VolumeControl
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.skill import Skill
from edgebot.dialogue.skills.control import Control
from edgebot.dialogue.skills.timers import Timers
from edgebot.dialogue.store.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """What skills may use."""

    store: Store
    clock: Clock
    volume: VolumeControl | None = None
    language: str = "en"
    units: Literal["metric", "imperial"] = "metric"


BUILT_IN: Mapping[str, Callable[[Services], Skill]] = {
    "control": lambda services: Control(),
    "timers": lambda services: Timers(services.store),
}
"""Name → how it is made."""
