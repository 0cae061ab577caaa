"""Plays a written conversation with the real dialogue, the real sentences and a clock of its own.

What the files may say is told in README.md beside this one.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from edgebot.core.turn import Turn
from edgebot.dialogue.build import Parts, Ports, load_replies, load_skills, open_dialogue
from edgebot.dialogue.skills.registry import Services
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.volume import StoredVolume
from edgebot.nlu import slots
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.understander import TemplateUnderstander

HERE = Path(__file__).parent
NOW = "2026-03-27 18:00 Europe/Berlin"
STEPS = ("you", "advance", "now", "announces", "restart", "then", "clock jumps")
CHECKS = ("from", "person", "intent", "slots", "says", "says not", "asks", "route", "then")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as it is written."""

    file: str
    name: str
    language: str
    now: str
    steps: tuple[Mapping[str, Any], ...]

    @property
    def exchanges(self) -> int:
        """How often the person speaks."""
        return sum("you" in step for step in self.steps)


def conversations() -> Iterator[Conversation]:
    """All that are written; raises ``ValueError`` for words the runner does not know."""
    for file in sorted(HERE.glob("*.yaml")):
        for written in yaml.safe_load(file.read_text("utf-8")):
            unknown = written.keys() - {"name", "language", "now", "turns"}
            for step in written["turns"]:
                unknown |= step.keys() - {*STEPS, *CHECKS}
            if unknown:
                raise ValueError(f"{file.name}: {written.get('name')}: unknown {sorted(unknown)}")
            yield Conversation(
                file.stem,
                written["name"],
                written.get("language", "en"),
                written.get("now", NOW),
                tuple(written["turns"]),
            )


class HandClock:
    """Goes on only when told."""

    def __init__(self, now: str) -> None:
        wall, _, zone = now.rpartition(" ")
        self.zone = ZoneInfo(zone)
        self.boot_id = "boot-1"
        self._utc = datetime.fromisoformat(wall).replace(tzinfo=self.zone).astimezone(UTC)
        self._boot_s = 1000.0

    def utc(self) -> datetime:
        return self._utc

    def boot_s(self) -> float:
        return self._boot_s

    def advance(self, seconds: float) -> None:
        """Time goes by."""
        self._utc += timedelta(seconds=seconds)
        self._boot_s += seconds

    def jump(self, seconds: float) -> None:
        """The wall clock is set; no time goes by."""
        self._utc += timedelta(seconds=seconds)

    def reboot(self, off_s: float) -> None:
        """The machine was off for so long."""
        self._utc += timedelta(seconds=off_s)
        self._boot_s = 5.0
        self.boot_id += "'"


@functools.cache
def understander_of(language: str) -> TemplateUnderstander:
    """The real sentences, linked once."""
    return TemplateUnderstander(own_sentences(language))


class Reader:
    """The slot readers as the dialogue asks them."""

    def __init__(self, language: str) -> None:
        self._language = language

    def read(self, kind: str, text: str, now: datetime) -> Any:
        return slots.read(kind, text, self._language, now)


class Stage:
    """An assistant without microphone, language model and knowledge."""

    def __init__(self, directory: Path, language: str, now: str) -> None:
        self.clock = HandClock(now)
        self._directory = directory
        self._language = language
        self._lives = 0
        self._open()

    def _open(self) -> None:
        self.store = Store(self._directory, self.clock)
        self.volume = StoredVolume(self.store.preferences("volume"), self.clock)
        reader = Reader(self._language)
        services = Services(self.store, self.clock, reader, self.volume, self._language)
        replies = load_replies(self._language)
        understander = understander_of(self._language)
        ports = Ports(understander=understander, reader=reader, volume=self.volume)
        self.dialogue = open_dialogue(
            Parts(self.store, self.clock, load_skills(services, replies), replies, ports)
        )

    def close(self) -> None:
        self.dialogue.close()

    def power_cut(self, off_s: float) -> None:
        """Nothing is closed: a new life begins on what the disk held at that moment."""
        self._lives += 1
        left = self._directory.with_name(f"{self._directory.name}-{self._lives}")
        shutil.copytree(self._directory, left)
        self.dialogue.close()
        self._directory = left
        self.clock.reboot(off_s)
        self._open()

    def play(self, step: Mapping[str, Any]) -> None:
        """One step; raises ``AssertionError`` with both sides where it goes otherwise."""
        if "now" in step:
            self._go_to(step["now"])
        if "advance" in step:
            self.clock.advance(self._seconds(step["advance"]))
        if "clock jumps" in step:
            self.clock.jump(self._seconds(step["clock jumps"]))
        if "restart" in step:
            self.power_cut(self._seconds(step["restart"]))
        if "announces" in step:
            self._announced(step["announces"])
        if "you" in step:
            self._say(step)
        for name, expected in step.get("then", {}).items():
            assert self.state(name) == expected, f"{name}: {self.state(name)!r}"

    def _say(self, step: Mapping[str, Any]) -> None:
        person = step.get("person")
        turn = Turn(session=step.get("from", f"voice/{person}" if person else "here"))
        turn.person = person
        proposal = self.dialogue.propose(turn, step["you"])
        said = " ".join(sentence.text for sentence in proposal.sentences())
        self.dialogue.heard(turn, said)
        decision = proposal.decision
        where = f"{step['you']!r} → {decision.intent} {dict(decision.slots)} {said!r}"
        assert not decision.failure, f"{where}: {decision.failure}"
        if "intent" in step:
            assert decision.intent == step["intent"], where
        if "route" in step:
            assert decision.route == step["route"], where
        for name, value in step.get("slots", {}).items():
            assert name in decision.slots, f"{where}: no slot {name!r}"
            assert same(decision.slots[name], value), f"{where}: {name} is no {value!r}"
        for pattern in _several(step.get("says")):
            assert matches(pattern, said), f"{where}: does not say {pattern!r}"
        for pattern in _several(step.get("says not")):
            assert not matches(pattern, said), f"{where}: says {pattern!r}"
        assert said, where
        assert decision.expects_answer == step.get("asks", False), f"{where}: asks or not?"

    def _announced(self, expected: Any) -> None:
        due = list(self.dialogue.scheduler.due())
        wanted = [] if expected in ("nothing", None) else _several(expected)
        texts = [one.text for one in due]
        assert len(texts) == len(wanted), f"announced {texts}"
        for pattern, text in zip(wanted, texts, strict=True):
            assert matches(pattern, text), f"announced {text!r}, not {pattern!r}"

    def state(self, name: str) -> Any:
        """What the assistant keeps, by the name the files use."""
        kind = name.removesuffix("s")
        if kind in ("timer", "alarm", "reminder"):
            return len(self.store.promises.open(kind))
        if kind in ("alarm time", "reminder time", "timer time"):
            return [
                f"{one.due.astimezone(self.clock.zone):%Y-%m-%d %H:%M}"
                for one in self.store.promises.open(kind.split()[0])
                if one.due is not None
            ]
        if name == "ringing":
            return len(self.dialogue.scheduler.ringing())
        if name == "volume":
            return self.volume.volume()
        if name == "muted":
            return self.volume.muted()
        if name == "memories":
            return [memory.text for memory in self.store.memories.all()]
        if name == "lists":
            return sorted(self.store.lists.names())
        items = self.store.lists.items(name.removesuffix(" list")) or ()
        return [item.text for item in items if not item.checked]

    def _go_to(self, now: str) -> None:
        wall, _, zone = now.rpartition(" ")
        then = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone))
        self.clock.advance((then - self.clock.utc()).total_seconds())

    def _seconds(self, text: str) -> float:
        back = text.startswith("back ")
        length = slots.read("duration", text.removeprefix("back "), "en", self.clock.utc())
        assert length is not None, f"{text!r} is no length of time"
        return -float(length) if back else float(length)


def _several(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def matches(pattern: str, said: str) -> bool:
    """Whether ``said`` holds the words; ``…`` is any words between, ``|`` is or."""
    return any(
        re.search(re.escape(option.strip()).replace(r"\ …\ ", ".*"), said, re.IGNORECASE)
        for option in pattern.split("|")
    )


def same(value: Any, written: Any) -> bool:
    """Whether a slot's value is what is written; a moment is written as its local time."""
    if isinstance(value, Mapping) and "at" in value and isinstance(written, str):
        at = str(value["at"])[:16].replace("T", " ")
        return at == written or at.removesuffix(" 00:00") == written
    if isinstance(value, Mapping) and isinstance(written, Mapping):
        return all(value.get(key) == expected for key, expected in written.items())
    return bool(value == written)
