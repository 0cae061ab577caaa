"""Puts a dialogue together from whatever ports there are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from edgebot.core.dialogue import SlotReader, VolumeControl
from edgebot.core.knowledge import KnowledgeBase
from edgebot.core.language import Guard, Talker
from edgebot.core.nlu import Understander
from edgebot.dialogue.announcing import Announcer
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.commands import CommandRunner
from edgebot.dialogue.containment import Containment
from edgebot.dialogue.dialogue import LadderDialogue
from edgebot.dialogue.home import HomeLink
from edgebot.dialogue.ladder import Ladder, Rung
from edgebot.dialogue.performance import Stage
from edgebot.dialogue.plugins import load_plugins
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.resolve import Resolver
from edgebot.dialogue.rungs.classifier import ClassifierRung
from edgebot.dialogue.rungs.foreign import ForeignRung
from edgebot.dialogue.rungs.knowledge import KnowledgeRung
from edgebot.dialogue.rungs.language import LanguageRung
from edgebot.dialogue.rungs.open_question import OpenQuestionRung
from edgebot.dialogue.rungs.safety import SafetyRung
from edgebot.dialogue.rungs.stop import StopRung
from edgebot.dialogue.rungs.template import TemplateRung
from edgebot.dialogue.session import Sessions
from edgebot.dialogue.skills.registry import BUILT_IN, Services
from edgebot.dialogue.skillset import SkillSet
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.toolbox import SkillToolbox
from edgebot.dialogue.turnlog import TurnLog
from edgebot.dialogue.vocabulary import Vocabulary
from edgebot.dialogue.wording import words_of


@dataclass(frozen=True, slots=True)
class Ports:
    """The engines the dialogue asks; a rung whose port is None is not there."""

    understander: Understander | None = None
    knowledge: KnowledgeBase | None = None
    talker: Talker | None = None
    guard: Guard | None = None
    reader: SlotReader | None = None
    volume: VolumeControl | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds and times."""

    classifier_threshold: float = 0.6
    knowledge_threshold: float = 0.5
    hint_threshold: float = 0.2
    open_question_s: float = 30.0
    topic_s: float = 300.0
    history_turns: int = 6
    skill_deadline_s: float = 5.0
    keep_turns: int = 20
    keep_words: bool = False
    keep_words_days: float = 7.0


@dataclass(slots=True)
class Parts:
    """What a dialogue is made of."""

    store: Store
    clock: Clock
    skills: SkillSet
    replies: Replies
    ports: Ports = field(default_factory=Ports)
    limits: Limits = field(default_factory=Limits)
    turns_file: Path | None = None
    containment: Containment | None = None
    home: HomeLink | None = None


def load_replies(language: str) -> Replies:
    """The replies of ``language``; raises ``UnderstandingError`` when there are none."""
    file = Path(str(resources.files("edgebot.dialogue") / "replies" / f"{language}.yaml"))
    return Replies.load(file, words_of(language))


def load_skills(
    services: Services, replies: Replies, off: Collection[str] = (), deadline_s: float = 5.0
) -> SkillSet:
    """The built-in skills and those of installed plug-ins, without the ones in ``off``."""
    skills = SkillSet(make(services) for name, make in BUILT_IN.items() if name not in off)
    load_plugins(skills, services, replies, off, deadline_s)
    for name in sorted(set(off) - {skill.name for skill in skills.skills} - set(BUILT_IN)):
        skills.report(f"there is no skill {name!r} to switch off; see `edgebot skills`")
    return skills


def open_dialogue(parts: Parts) -> LadderDialogue:
    """The dialogue over ``parts``."""
    limits, ports = parts.limits, parts.ports
    sessions = Sessions(
        parts.clock.boot_s,
        open_question_s=limits.open_question_s,
        topic_s=limits.topic_s,
        history_turns=limits.history_turns,
    )
    resolver = Resolver(parts.skills, ports.reader, parts.clock)
    containment = parts.containment or Containment(limits.skill_deadline_s)
    runner = CommandRunner(parts.skills, containment, parts.replies, sessions, parts.clock)
    announcer = Announcer(parts.store, parts.replies, parts.clock)
    turnlog = TurnLog(
        parts.turns_file,
        parts.clock,
        limits.keep_turns,
        limits.keep_words,
        limits.keep_words_days,
    )
    stage = Stage(
        sessions=sessions,
        runner=runner,
        replies=parts.replies,
        clock=parts.clock,
        talker=ports.talker,
        toolbox=SkillToolbox(parts.skills, resolver, runner, sessions),
        silence=announcer.silence,
        said=lambda turn, text: None,
        finished=turnlog.add,
    )
    ladder = Ladder(_rungs(parts, resolver))
    vocabulary = Vocabulary(parts.store, parts.home)
    closing = (parts.store.close,)
    return LadderDialogue(
        ladder, stage, announcer, vocabulary, closing, turnlog.last, turnlog.forget
    )


def _rungs(parts: Parts, resolver: Resolver) -> list[Rung]:
    ports, limits = parts.ports, parts.limits
    rungs: list[Rung] = []
    if ports.guard is not None:
        rungs.append(SafetyRung(ports.guard))
    if ports.understander is not None:
        understander = ports.understander
        rungs += [
            StopRung(understander, resolver),
            OpenQuestionRung(understander, resolver),
            TemplateRung(understander, resolver, parts.skills),
            ClassifierRung(understander, resolver, parts.skills, limits.classifier_threshold),
        ]
    if ports.knowledge is not None:
        rungs.append(KnowledgeRung(ports.knowledge, ports.talker, limits.knowledge_threshold))
    if ports.understander is not None:
        rungs.append(ForeignRung(ports.understander.language))
    if ports.talker is not None:
        rungs.append(LanguageRung(ports.talker, ports.knowledge, limits.hint_threshold))
    return rungs
