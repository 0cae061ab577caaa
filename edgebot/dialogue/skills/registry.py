"""The built-in skills by name; made when the dialogue is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgebot.core.dialogue import SlotReader, VolumeControl
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.home import HomeLink
from edgebot.dialogue.skill import Skill
from edgebot.dialogue.skills.alarms import Alarms
from edgebot.dialogue.skills.arithmetic import Arithmetic
from edgebot.dialogue.skills.chance import Chance
from edgebot.dialogue.skills.control import Control
from edgebot.dialogue.skills.conversion import Conversion
from edgebot.dialogue.skills.courtesies import Courtesies
from edgebot.dialogue.skills.device import Device, ThisBoard
from edgebot.dialogue.skills.home import HomeControl
from edgebot.dialogue.skills.lists import ShoppingAndOtherLists
from edgebot.dialogue.skills.memory import PersonalMemory
from edgebot.dialogue.skills.reminders import Reminders
from edgebot.dialogue.skills.time_date import TimeAndDate
from edgebot.dialogue.skills.timers import Timers
from edgebot.dialogue.skills.volume import Volume
from edgebot.dialogue.store.preferences import Preferences
from edgebot.dialogue.store.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """What skills may use."""

    store: Store
    clock: Clock
    reader: SlotReader
    volume: VolumeControl
    language: str = "en"
    units: Literal["metric", "imperial"] = "metric"
    home: HomeLink = field(default_factory=HomeLink)

    def preferences(self, skill: str) -> Preferences:
        """Small JSON values that outlive a restart, apart for each skill."""
        return self.store.preferences(skill)


BUILT_IN: Mapping[str, Callable[[Services], Skill]] = {
    "control": lambda at: Control(),
    "time": lambda at: TimeAndDate(at.language),
    "timers": lambda at: Timers(at.store),
    "alarms": lambda at: Alarms(at.store, at.clock),
    "reminders": lambda at: Reminders(at.store, at.clock, at.language),
    "lists": lambda at: ShoppingAndOtherLists(at.store, at.language),
    "volume": lambda at: Volume(at.volume),
    "arithmetic": lambda at: Arithmetic(at.language, at.reader),
    "units": lambda at: Conversion(),
    "chance": lambda at: Chance(),
    "device": lambda at: Device(
        ThisBoard(at.store.file.path.parent), at.clock, fahrenheit=at.units == "imperial"
    ),
    "home": lambda at: HomeControl(at.home, at.language),
    "memory": lambda at: PersonalMemory(at.store, at.language),
    "courtesies": lambda at: Courtesies(),
}
"""Name → how it is made. The name is the skill's own."""
