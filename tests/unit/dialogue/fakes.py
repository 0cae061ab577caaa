"""Stand-ins at the ports of the dialogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from edgebot.core.cancel import Cancellation
from edgebot.core.knowledge import KnowledgeAnswer, Passage
from edgebot.core.language import FixedAnswer, Message, ReplyRecord
from edgebot.core.nlu import NluContext, Parse
from edgebot.core.turn import Turn
from edgebot.dialogue.build import Limits, Parts, Ports, open_dialogue
from edgebot.dialogue.dialogue import LadderDialogue
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.skill import Intent, Outcome, Request, Slot
from edgebot.dialogue.skillset import SkillSet
from edgebot.dialogue.store.store import Store

BERLIN = ZoneInfo("Europe/Berlin")


class FakeClock:
    """Stands still until told otherwise."""

    def __init__(self, now: str = "2024-05-14T15:30", zone: ZoneInfo = BERLIN) -> None:
        self.zone = zone
        self.boot_id = "first boot"
        self._utc = datetime.fromisoformat(now).replace(tzinfo=zone).astimezone(UTC)
        self._boot_s = 1000.0

    def utc(self) -> datetime:
        return self._utc

    def boot_s(self) -> float:
        return self._boot_s

    def local(self) -> datetime:
        return self._utc.astimezone(self.zone)

    def go(self, seconds: float) -> None:
        """Time passes."""
        self._utc += timedelta(seconds=seconds)
        self._boot_s += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self._utc += timedelta(seconds=seconds)

    def reboot(self, off_s: float = 60.0) -> None:
        """The machine was off for a while."""
        self._utc += timedelta(seconds=off_s)
        self._boot_s = 10.0
        self.boot_id += "+"


class FakeUnderstander:
    """Knows some texts by heart."""

    language = "en"

    def __init__(self) -> None:
        self.matches: dict[str, list[Parse]] = {}
        self.classes: dict[str, Parse] = {}
        self.contexts: list[NluContext] = []
        self.fails: Exception | None = None

    def know(self, text: str, intent: str, score: float = 1.0, /, **slots: Any) -> None:
        """``text`` matches one template more."""
        parse = Parse(text, intent, slots, score, "template", f"{intent} (file.yaml:1)")
        self.matches.setdefault(text, []).append(parse)

    def guess(self, text: str, intent: str | None, score: float, /, **slots: Any) -> None:
        """What the classifier says to ``text``."""
        self.classes[text] = Parse(text, intent, slots, score, "classifier")

    def match(self, text: str, context: NluContext) -> Sequence[Parse]:
        self.contexts.append(context)
        if self.fails is not None:
            raise self.fails
        return self.matches.get(text, [])

    def classify(self, text: str, context: NluContext) -> Parse:
        return self.classes.get(text, Parse(text, None))

    def attribute(self, text: str) -> Sequence[tuple[str, float]]:
        return [(word, 0.5) for word in text.split()]

    def grammar(self, context: NluContext) -> Sequence[str]:
        return []

    def close(self) -> None:
        pass


class FakeReader:
    """Reads what it was taught."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.taught: dict[tuple[str, str], Any] = {}

    def teach(self, kind: str, text: str, value: Any) -> None:
        self.taught[kind, text] = value

    def read(self, kind: str, text: str, now: datetime) -> Any:
        if (kind, text) in self.taught:
            return self.taught[kind, text]
        if kind == "number":
            try:
                return float(text)
            except ValueError:
                return None
        return text if kind in ("text", "name") else None


class FakeTalker:
    """Says what it was told to, or fails."""

    model_id = "fake"

    def __init__(self, sentences: Sequence[str] = ("Well.",), can_read: bool = False) -> None:
        self.sentences = list(sentences)
        self.can_read = can_read
        self.can_call = False
        self.record = ReplyRecord(model="fake")
        self.fails: Exception | None = None
        self.asked: list[tuple[str, tuple[Message, ...], tuple[Passage, ...]]] = []
        self.prepared: list[tuple[str, bool]] = []

    def prepare(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Any = None,
        *,
        draft: bool = False,
    ) -> None:
        self.prepared.append((text, draft))

    def reply(
        self,
        turn: Turn,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Any = None,
    ) -> Iterator[str]:
        self.asked.append((text, tuple(history), tuple(passages)))
        yield from self.sentences
        if self.fails is not None:
            raise self.fails

    def prompt(
        self,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        toolbox: Any = None,
    ) -> Sequence[Message]:
        read = [Message("system", passage.text) for passage in passages]
        return [*read, *history, Message("user", text)]


class FakeKnowledge:
    """One passage and what to say about it."""

    def __init__(self, answer: str = "Paris.", score: float = 0.9, question: str = "") -> None:
        self.passage = Passage(
            1, "Capitals", "capitals.md", answer, score, 1.0, 0.5, question=question
        )
        self.given = KnowledgeAnswer(answer, score, ("capitals.md",), "extract", (self.passage,))
        self.searches = 0

    def search(self, query: str, top: int = 5) -> Sequence[Passage]:
        self.searches += 1
        return [self.passage]

    def answer(self, query: str, passages: Sequence[Passage] | None = None) -> KnowledgeAnswer:
        return self.given

    def read(self, *_: Any, cancellation: Cancellation | None = None) -> Iterator[str]:
        yield ""

    def close(self) -> None:
        pass


class FakeGuard:
    """Knows one topic."""

    def check(self, text: str) -> FixedAnswer | None:
        return FixedAnswer("fire", "Call 112.") if "fire" in text else None


REPLIES = {
    "kettle.on": ["The kettle is on for {minutes} minutes."],
    "kettle.sure": ["Really?"],
    "kettle.off": ["The kettle is off."],
    "kettle.state": ["It is {state}."],
    "ask.number": ["How many?"],
    "ask.again": ["Pardon?"],
    "confirm.declined": ["Then not."],
    "stop.silenced": ["Quiet now."],
    "stop.dropped": ["Dropped."],
    "stop.nothing": ["OK."],
    "topic.none": ["Nothing to cancel."],
    "repair.unknown": ["I don't know."],
    "repair.failed": ["Something went wrong."],
    "repair.empty": ["I heard nothing."],
    "skill.failed": ["That failed."],
    "store.failed": ["I can't write."],
    "intent.understood": ["Understood {intent}."],
    "intent.understood_slots": ["Understood {intent} with {slots}."],
    "announce.timer": ["Time is up."],
    "announce.timer_missed": ["You missed a timer."],
}


@dataclass
class Kettle:
    """A skill that remembers what it was asked."""

    name: str = "kettle"
    intents: tuple[Intent, ...] = (
        Intent(
            "kettle_on",
            "Boil water.",
            (Slot("minutes", "number", "how long", required=True),),
            correctable=True,
            follow_up="minutes",
        ),
        Intent("kettle_off", "Stop boiling.", irreversible=True, confirm="kettle.sure"),
        Intent("kettle_state", "Tell the state.", tool=False),
        Intent("kettle_again", "Say it again.", aside=True, tool=False),
    )
    requests: list[Request] = field(default_factory=list)
    outcome: Any = None
    fails: Exception | None = None

    def handle(self, request: Request) -> Outcome:
        self.requests.append(request)
        if self.fails is not None:
            raise self.fails
        if self.outcome is not None:
            return self.outcome
        if request.intent == "kettle_again":
            return Outcome(text=request.last_reply)
        if request.intent == "kettle_on":
            return Outcome("kettle.on", {"minutes": request.slots["minutes"]})
        return Outcome("kettle.off")


@dataclass
class Scene:
    """A dialogue with everything around it within reach."""

    directory: Path
    clock: FakeClock = field(default_factory=FakeClock)
    understander: FakeUnderstander = field(default_factory=FakeUnderstander)
    reader: FakeReader = field(default_factory=FakeReader)
    kettle: Kettle = field(default_factory=Kettle)
    talker: FakeTalker | None = None
    knowledge: FakeKnowledge | None = None
    limits: Limits = field(default_factory=Limits)
    guard: FakeGuard | None = None
    replies: Mapping[str, Sequence[str]] = field(default_factory=lambda: REPLIES)

    def __post_init__(self) -> None:
        self.store = Store(self.directory, self.clock)
        self.dialogue: LadderDialogue = open_dialogue(
            Parts(
                store=self.store,
                clock=self.clock,
                skills=SkillSet([self.kettle]),
                replies=Replies(self.replies, {}),
                ports=Ports(
                    understander=self.understander,
                    knowledge=self.knowledge,
                    talker=self.talker,
                    guard=self.guard,
                    reader=self.reader,
                ),
                limits=self.limits,
                turns_file=self.directory / "turns.jsonl",
            )
        )

    def say(self, text: str, session: str = "a") -> str:
        """One whole exchange; what was answered."""
        turn = Turn(session)
        self.proposal = self.dialogue.propose(turn, text)
        reply = " ".join(sentence.text for sentence in self.proposal.sentences())
        self.dialogue.heard(turn, reply)
        return reply
