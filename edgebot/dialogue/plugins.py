"""Skills of installed packages: the entry point group ``edgebot.skills``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from edgebot.dialogue.containment import within
from edgebot.dialogue.replies import Replies, flatten
from edgebot.dialogue.skillset import SkillSet

GROUP = "edgebot.skills"


def entry_points() -> Iterable[metadata.EntryPoint]:
    """The plug-ins installed beside edgebot."""
    return metadata.entry_points(group=GROUP)


def load_plugins(
    skills: SkillSet,
    services: Any,
    replies: Replies,
    off: Collection[str] = (),
    deadline_s: float = 5.0,
    found: Iterable[metadata.EntryPoint] | None = None,
) -> None:
    """Take in the skills of ``found`` (else of all installed plug-ins).

    An entry point names a class or function that takes the services and returns the skill. What
    cannot be imported, hangs or is no skill is reported in ``skills.problems`` and left out.
    """
    for point in entry_points() if found is None else found:
        if point.name in off:
            continue
        try:
            skill = within(deadline_s, point.name, partial(_make, point, services))
            templates = _replies_of(skill, services.language)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            kind = type(error).__name__
            skills.report(f"skill plug-in {point.name!r} ({point.value}): {kind}: {error}")
            continue
        if skills.add(skill):
            replies.add(templates)


def sentence_folders(skills: SkillSet) -> list[Path]:
    """Folders with sentence files that plug-ins bring: ``skill.sentences``, one folder a language
    inside."""
    folders = [getattr(skill, "sentences", None) for skill in skills.skills]
    return [Path(folder) for folder in folders if folder is not None]


def _make(point: metadata.EntryPoint, services: Any) -> Any:
    return point.load()(services)


def _replies_of(skill: Any, language: str) -> Mapping[str, list[str]]:
    """``skill.replies``: language → key → variants."""
    everything = getattr(skill, "replies", None) or {}
    return flatten(
        everything.get(language, {}), f"replies of skill {getattr(skill, 'name', '?')!r}"
    )
