"""What the skills live on, put together from the settings; how they are doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgebot.config.settings import Settings
from edgebot.core.dialogue import SlotReader, VolumeControl
from edgebot.core.errors import UnderstandingError
from edgebot.dialogue import plugins
from edgebot.dialogue.build import load_replies, load_skills
from edgebot.dialogue.clock import Clock, SystemClock
from edgebot.dialogue.home import HomeLink
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.skills.registry import BUILT_IN, Services
from edgebot.dialogue.skillset import SkillSet
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.volume import StoredVolume
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.templates import SentenceSet
from edgebot.runtime.slot_reading import LanguageSlotReader


@dataclass(frozen=True, slots=True)
class Household:
    """Store, clock, replies and skills of one assistant."""

    language: str
    clock: Clock
    store: Store
    replies: Replies
    reader: SlotReader
    volume: VolumeControl
    skills: SkillSet
    home: HomeLink

    def sentences(self) -> SentenceSet:
        """The assistant's sentences and those of its plug-ins.

        A plug-in whose sentences are wrong is reported and goes without them.
        """
        usable: list[Any] = []
        for folder in plugins.sentence_folders(self.skills):
            try:
                own_sentences(self.language, (*usable, folder))
            except UnderstandingError as problem:
                self.skills.report(f"the sentences of a plug-in are left out: {problem}")
            else:
                usable.append(folder)
        return own_sentences(self.language, tuple(usable))

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_household(settings: Settings) -> Household:
    """The household of ``settings``; its database is opened at the first use."""
    clock = SystemClock(settings.time_zone)
    store = Store(settings.state_dir, clock, grace_s=settings.dialogue.missed_after_s)
    replies = load_replies(settings.language)
    reader = LanguageSlotReader(settings.language)
    volume = StoredVolume(store.preferences("volume"), clock)
    home = HomeLink()
    services = Services(store, clock, reader, volume, settings.language, settings.units, home)
    wanted = settings.dialogue
    skills = load_skills(services, replies, wanted.skills_off, wanted.skill_deadline_s)
    return Household(settings.language, clock, store, replies, reader, volume, skills, home)


def has_plugins() -> bool:
    """Whether any package brings skills."""
    return any(True for _ in plugins.entry_points())


def skill_report(settings: Settings) -> list[Mapping[str, Any]]:
    """One row a skill: ``name, state (ok, off, failed), built_in, intents, problem``."""
    household = open_household(settings)
    household.sentences()
    skills = household.skills
    rows = [
        _row(skill.name, "ok", [intent.name for intent in skill.intents]) for skill in skills.skills
    ]
    rows += [_row(name, "off", []) for name in settings.dialogue.skills_off if name in BUILT_IN]
    rows += [_row("?", "failed", [], problem) for problem in skills.problems]
    return rows


def _row(name: str, state: str, intents: list[str], problem: str = "") -> Mapping[str, Any]:
    return {
        "name": name,
        "state": state,
        "built_in": name in BUILT_IN,
        "intents": intents,
        "problem": problem,
    }
