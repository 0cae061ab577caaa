"""Devices of the home by voice: what is understood, what is switched, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from edgebot.core.errors import HomeError
from edgebot.core.home import Action, Device, DeviceState
from edgebot.core.nlu import NluContext
from edgebot.dialogue.build import load_replies
from edgebot.dialogue.home import HomeLink
from edgebot.dialogue.skill import Outcome, Request
from edgebot.dialogue.skills.home import HomeControl
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.understander import TemplateUnderstander

DEVICES = (
    Device("light.kitchen", "Kitchen Light", "light", "Kitchen"),
    Device("light.counter", "Counter", "light", "Kitchen", ("worktop lamp",)),
    Device("light.bed", "Night Stand", "light", "Bedroom"),
    Device("switch.kettle", "Kettle", "switch", "Kitchen"),
    Device("cover.bed", "Blind", "cover", "Bedroom"),
    Device("climate.all", "Heating", "climate", ""),
)


class NotedHome:
    """A home that notes what it is told."""

    name = "noted"

    def __init__(self, devices: Sequence[Device] = DEVICES) -> None:
        self._devices = devices
        self.done: list[tuple[Action, list[str], float | None]] = []
        self.answer: str | None = None
        self.broken = False

    def devices(self) -> Sequence[Device]:
        return self._devices

    def do(self, action: Action, devices: Sequence[Device], value: float | None = None) -> None:
        if self.broken:
            raise HomeError("the home is on fire")
        self.done.append((action, [device.id for device in devices], value))

    def state(self, device: Device) -> DeviceState:
        return DeviceState("on" if device.kind == "light" else "unknown")

    def converse(self, text: str, language: str, session: str) -> str | None:
        return self.answer


class Voice:
    """What a person says, understood by the real templates, done by the real skill."""

    def __init__(self, language: str = "en") -> None:
        self.link = HomeLink()
        self.skill = HomeControl(self.link, language)
        self.understander = TemplateUnderstander(own_sentences(language))
        self.replies = load_replies(language)

    def say(self, text: str, session: str = "local") -> Outcome:
        context = NluContext(lists=self.link.words() if self.link.homes else {})
        (parse,) = self.understander.match(text, context)
        assert parse.intent is not None
        assert parse.intent.startswith("home_"), parse
        now = datetime.now().astimezone()
        return self.skill.handle(Request(parse.intent, parse.slots, text, session, now))

    def words(self, outcome: Outcome) -> str:
        if outcome.question is not None:
            question = outcome.question
            return " ".join(
                self.replies.word(question.reply, question.args, datetime.now().astimezone())
            )
        now = datetime.now().astimezone()
        return outcome.text or " ".join(self.replies.word(outcome.reply, outcome.args, now))


@pytest.fixture
def voice() -> Voice:
    return Voice()


@pytest.fixture
def home(voice: Voice) -> NotedHome:
    noted = NotedHome()
    voice.link.connect(noted)
    return noted


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("turn on the kitchen light", ("on", ["light.kitchen"], None)),
        ("turn the night stand off", ("off", ["light.bed"], None)),
        ("switch on the worktop lamp", ("on", ["light.counter"], None)),
        ("turn off the kettle in the kitchen", ("off", ["switch.kettle"], None)),
        ("lights off", ("off", ["light.kitchen", "light.counter", "light.bed"], None)),
        ("turn on all the lights in the kitchen", ("on", ["light.kitchen", "light.counter"], None)),
        ("turn on the bedroom light", ("on", ["light.bed"], None)),
        ("dim the night stand to forty percent", ("brightness", ["light.bed"], 40.0)),
        ("set the heating to twenty one degrees", ("temperature", ["climate.all"], 21.0)),
        ("open the blind", ("open", ["cover.bed"], None)),
        ("please close the bedroom blinds", ("close", ["cover.bed"], None)),
    ],
)
def test_what_is_said_is_switched(
    voice: Voice, home: NotedHome, said: str, done: tuple[str, list[str], float | None]
) -> None:
    outcome = voice.say(said)
    assert home.done == [done]
    assert voice.words(outcome)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("schalte das licht in der küche an", ("on", ["l1"], None)),
        ("mach im schlafzimmer das licht aus", ("off", ["l2"], None)),
        ("schalte die stehlampe ein", ("on", ["l2"], None)),
        ("dimme die stehlampe auf vierzig prozent", ("brightness", ["l2"], 40.0)),
        ("stelle die heizung auf zwanzig grad", ("temperature", ["c1"], 20.0)),
    ],
)
def test_german(said: str, done: tuple[str, list[str], float | None]) -> None:
    voice = Voice("de")
    home = NotedHome(
        (
            Device("l1", "Deckenlampe", "light", "Küche"),
            Device("l2", "Stehlampe", "light", "Schlafzimmer"),
            Device("c1", "Heizung", "climate"),
        )
    )
    voice.link.connect(home)
    outcome = voice.say(said)
    assert home.done == [done]
    assert voice.words(outcome)


@pytest.mark.parametrize("language", ["en", "de"])
def test_without_a_home_it_says_so(language: str) -> None:
    voice = Voice(language)
    said = {"en": "turn on the kitchen light", "de": "schalte das licht in der küche an"}[language]
    outcome = voice.say(said)
    assert outcome.reply == "home.not_connected"
    assert "Home Assistant" in voice.words(outcome)


def test_every_reply_of_the_skill_is_there_in_every_language() -> None:
    keys = {key for key in load_replies("en").keys if key.startswith("home.")}
    assert keys == {key for key in load_replies("de").keys if key.startswith("home.")}
    assert len(keys) > 20


def test_one_of_several_is_asked_for(voice: Voice, home: NotedHome) -> None:
    outcome = voice.say("turn on the light")
    assert outcome.question is not None
    assert "Kitchen Light, Counter or Night Stand" in voice.words(outcome)
    assert [option.value for option in outcome.question.options] == [
        "Kitchen Light",
        "Counter",
        "Night Stand",
    ]
    assert home.done == []


def test_the_room_in_which_it_is_said_tells_which_light(voice: Voice, home: NotedHome) -> None:
    voice.link.place("room-bed", "bedroom")
    voice.say("turn on the light", session="room-bed")
    assert home.done == [("on", ["light.bed"], None)]
    voice.link.place("room-bed", None)
    assert voice.say("turn on the light", session="room-bed").question is not None


def test_states_are_told(voice: Voice, home: NotedHome) -> None:
    assert voice.words(voice.say("is the kitchen light on")) == "Kitchen Light is on."
    assert voice.say("is the kettle on").reply == "home.state_unknown"


def test_what_cannot_be_done_is_said(voice: Voice, home: NotedHome) -> None:
    assert voice.say("open the kettle").reply == "home.cannot"
    assert voice.say("turn on the fan").reply == "home.none_such"
    assert voice.say("turn on the lights in the garage").reply == "home.none_there"
    assert voice.say("turn on the coffee machine").reply == "home.unknown_device"
    home.broken = True
    assert voice.say("turn on the kettle").reply == "home.failed"
    assert home.done == []


def test_devices_are_listed(voice: Voice, home: NotedHome) -> None:
    said = voice.words(voice.say("which devices do you know in the bedroom"))
    assert "Night Stand and Blind" in said
    many = NotedHome([Device(f"l{i}", f"lamp number {i}", "light") for i in range(40)])
    voice.link.disconnect(home)
    voice.link.connect(many)
    assert "40 devices" in voice.words(voice.say("which devices do you know")).replace(
        "forty", "40"
    )
    outcome = voice.say("lights on")
    assert outcome.reply == "home.on_many"


def test_a_home_may_answer_in_its_own_words(voice: Voice, home: NotedHome) -> None:
    home.answer = "Turned on the kitchen light. Anything else?"
    assert voice.say("turn on the kitchen light").text == home.answer
    assert home.done == []


def test_names_are_learned_and_forgotten_with_the_home(voice: Voice, home: NotedHome) -> None:
    words = voice.link.words()
    assert {"in": "worktop lamp", "out": "Counter"} in words["home_device"]
    assert words["home_area"] == ["kitchen", "bedroom"]
    strange = NotedHome(
        [
            Device("a", "x" * 500, "light"),
            Device("b", "§$%", "light"),
            Device("c", "(lamp|[of] {doom}", "light", "a <b>"),
        ]
    )
    voice.link.connect(strange)
    assert all(len(str(v["in"])) < 100 for v in voice.link.words()["home_device"])  # type: ignore[index]
    voice.say("turn on the kettle")  # what looks like a template is a name like any other
    voice.link.disconnect(home)
    voice.link.disconnect(strange)
    assert voice.say("turn on the light").reply == "home.not_connected"


def test_the_first_home_counts_where_two_have_the_same_device(voice: Voice) -> None:
    one, two = NotedHome(), NotedHome()
    voice.link.connect(two)
    voice.link.connect(one, first=True)
    voice.say("turn on the kettle")
    assert (len(one.done), len(two.done)) == (1, 0)
