"""How the skills are doing, for the command line and the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgebot.config.settings import Settings
from edgebot.dialogue.build import load_replies, load_skills
from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.skills.registry import BUILT_IN, Services
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.volume import StoredVolume
from edgebot.runtime.slot_reading import LanguageSlotReader


def skill_report(settings: Settings) -> list[Mapping[str, Any]]:
    """One row a skill: ``name, state (ok, off, failed), built_in, intents, problem``."""
    clock = SystemClock(settings.time_zone)
    store = Store(settings.state_dir, clock)
    reader = LanguageSlotReader(settings.language)
    volume = StoredVolume(store.preferences("volume"))
    services = Services(store, clock, reader, volume, settings.language, settings.units)
    off = settings.dialogue.skills_off
    found = load_skills(
        services, load_replies(settings.language), off, settings.dialogue.skill_deadline_s
    )
    rows = [
        _row(skill.name, "ok", [intent.name for intent in skill.intents]) for skill in found.skills
    ]
    rows += [_row(name, "off", []) for name in off if name in BUILT_IN]
    rows += [_row("?", "failed", [], problem) for problem in found.problems]
    return rows


def _row(name: str, state: str, intents: list[str], problem: str = "") -> Mapping[str, Any]:
    return {
        "name": name,
        "state": state,
        "built_in": name in BUILT_IN,
        "intents": intents,
        "problem": problem,
    }
