"""Places, holidays, lists, memory, volume, chance, device: what templates do not show."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edgebot.dialogue.skill import Outcome, Request, Topic
from edgebot.dialogue.skills.chance import Chance
from edgebot.dialogue.skills.device import Device, ThisBoard
from edgebot.dialogue.skills.holidays import easter, next_holiday, nth_weekday
from edgebot.dialogue.skills.lists import ShoppingAndOtherLists
from edgebot.dialogue.skills.memory import PersonalMemory
from edgebot.dialogue.skills.person import said_back
from edgebot.dialogue.skills.places import ManyZones, Places
from edgebot.dialogue.skills.time_date import TimeAndDate
from edgebot.dialogue.skills.volume import QUIETEST, Volume
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.volume import START, StoredVolume
from tests.unit.dialogue.fakes import FakeClock

CLOCK = FakeClock()


def request(
    intent: str, /, topic: Topic | None = None, confirmed: bool = False, **slots: Any
) -> Request:
    return Request(intent, slots, "", "a", CLOCK.local(), topic=topic, confirmed=confirmed)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, CLOCK)


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1818, (3, 22)),
        (1943, (4, 25)),
        (2000, (4, 23)),
        (2024, (3, 31)),
        (2038, (4, 25)),
        (2285, (3, 22)),
    ],
)
def test_easter(year: int, day: tuple[int, int]) -> None:
    assert easter(year) == date(year, *day)


def test_nth_weekdays() -> None:
    assert nth_weekday(2024, 11, 3, 4) == date(2024, 11, 28)
    assert nth_weekday(2024, 5, 0, -1) == date(2024, 5, 27)
    assert nth_weekday(2024, 12, 1, -1) == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("name", "today", "day"),
    [
        ("christmas", date(2024, 12, 25), date(2024, 12, 25)),
        ("Christmas", date(2024, 12, 26), date(2025, 12, 25)),
        ("easter monday", date(2024, 5, 14), date(2025, 4, 21)),
        ("black friday", date(2024, 5, 14), date(2024, 11, 29)),
        ("new year's eve", date(2024, 12, 31), date(2024, 12, 31)),
    ],
)
def test_the_next_holiday(name: str, today: date, day: date) -> None:
    assert next_holiday(name, today, "en") == day


def test_no_such_holiday() -> None:
    assert next_holiday("festivus", date(2024, 1, 1), "en") is None


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("Port-of-Spain", "America/Port_of_Spain"),
        ("são paulo", "America/Sao_Paulo"),
        ("Munich", "Europe/Berlin"),
        ("the netherlands", "Europe/Amsterdam"),
    ],
)
def test_places(place: str, zone: str) -> None:
    assert Places("en").zone(place) == ZoneInfo(zone)


def test_places_that_are_none_or_many() -> None:
    assert Places("en").zone("narnia") is None
    with pytest.raises(ManyZones):
        Places("en").zone("the united states")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_zone_of_the_table_exists(language: str) -> None:
    from edgebot.dialogue.words import words_of

    for zone in words_of(language)["places"]:
        ZoneInfo(zone)


def test_time_elsewhere_knows_what_day_it_is() -> None:
    skill = TimeAndDate("en")
    assert skill.handle(request("time_now", place="tokyo")).reply == "time.there"
    late = FakeClock("2024-05-14T23:30").local()
    there = skill.handle(Request("time_now", {"place": "tokyo"}, "", "a", late))
    assert there.reply == "time.there_tomorrow"
    assert f"{there.args['now']:%H:%M}" == "06:30"
    early = FakeClock("2024-05-14T01:30").local()
    there = skill.handle(Request("time_now", {"place": "new york"}, "", "a", early))
    assert there.reply == "time.there_yesterday"


@pytest.mark.parametrize(
    ("slots", "reply", "gap"),
    [
        ({"place": "new york"}, "time.behind_here", 6 * 3600),
        ({"place": "india"}, "time.ahead_here", 3.5 * 3600),
        ({"place": "paris"}, "time.same_here", 0),
        ({"place": "tokyo", "other_place": "london"}, "time.ahead_two", 8 * 3600),
    ],
)
def test_time_differences(slots: dict[str, str], reply: str, gap: float) -> None:
    outcome = TimeAndDate("en").handle(request("time_difference", **slots))
    assert (outcome.reply, outcome.args["gap"]) == (reply, gap)


def test_unknown_places_are_named() -> None:
    outcome = TimeAndDate("en").handle(request("time_now", place="narnia"))
    assert (outcome.reply, outcome.args) == ("time.unknown_place", {"place": "Narnia"})


def test_list_names_are_what_people_call_them(store: Store) -> None:
    lists = ShoppingAndOtherLists(store, "en")
    lists.handle(request("list_add", items=["eggs"], list_name="Grocery"))
    lists.handle(request("list_add", items=["milk"]))
    assert store.lists.names() == ["shopping"]
    outcome = lists.handle(request("list_read", list_name="groceries"))
    assert outcome.args["items"] == ["eggs", "milk"]


def test_the_list_spoken_about_is_meant_next(store: Store) -> None:
    lists = ShoppingAndOtherLists(store, "en")
    first = lists.handle(request("list_add", items=["socks"], list_name="packing"))
    lists.handle(request("list_add", topic=first.topic, items=["soap"]))
    assert [item.text for item in store.lists.items("packing") or ()] == ["socks", "soap"]


def test_items_are_there_once_and_open_again(store: Store) -> None:
    assert store.lists.add("shopping", ["Eggs", "eggs"]) == ["Eggs"]
    store.lists.check("shopping", ["eggs"])
    assert store.lists.add("shopping", ["EGGS"]) == ["EGGS"]
    assert [(i.text, i.checked) for i in store.lists.items("shopping") or ()] == [("Eggs", False)]


def test_clearing_needs_a_yes(store: Store) -> None:
    lists = ShoppingAndOtherLists(store, "en")
    store.lists.add("shopping", ["eggs", "milk"])
    asked = lists.handle(request("list_clear"))
    assert asked.question is not None
    assert asked.question.args["count"] == 2
    assert len(store.lists.items("shopping") or ()) == 2
    lists.handle(request("list_clear", confirmed=True))
    assert store.lists.items("shopping") == []


def test_long_lists_are_not_read_to_the_end(store: Store) -> None:
    store.lists.add("shopping", [f"thing {n}" for n in range(20)])
    outcome = ShoppingAndOtherLists(store, "en").handle(request("list_read"))
    assert (outcome.reply, outcome.args["more"]) == ("lists.read_long", 8)


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("my locker is 42", "your locker is 42"),
        (
            "I am allergic to nuts and my mother's name is Ada",
            "you are allergic to nuts and your mother's name is Ada",
        ),
        ("our wifi is called mine", "your wifi is called yours"),
        ("Tommy is in the mynah house", "Tommy is in the mynah house"),
    ],
)
def test_persons_are_swapped(said: str, back: str) -> None:
    assert said_back(said, "en") == back


def test_memories_are_found_by_their_telling_words(store: Store) -> None:
    memory = PersonalMemory(store, "en")
    for text in ("my locker is 42", "my sister's birthday is in May", "the key is under the mat"):
        memory.handle(request("memory_add", text=text))
    facts = memory.handle(request("memory_ask", about="my locker")).args["facts"]
    assert facts == ["your locker is 42"]
    facts = memory.handle(request("memory_ask", about="where the key is")).args["facts"]
    assert facts == ["the key is under the mat"]
    facts = memory.handle(request("memory_ask", about="sister")).args["facts"]
    assert facts == ["your sister's birthday is in May"]
    assert memory.handle(request("memory_ask", about="my car")).reply == "memory.nothing_about"
    assert memory.handle(request("memory_ask", about="it")).reply == "memory.nothing_about"


def test_forgetting_forgets_what_was_spoken_of(store: Store) -> None:
    memory = PersonalMemory(store, "en")
    memory.handle(request("memory_add", text="my locker is 42"))
    told = memory.handle(request("memory_add", text="my pin is 1234"))
    memory.handle(request("memory_forget", topic=told.topic))
    assert [one.text for one in store.memories.all()] == ["my locker is 42"]
    assert memory.handle(request("memory_forget", about="my bike")).reply == "memory.nothing_about"
    assert len(store.memories.all()) == 1


def test_the_volume_outlives_a_restart(store: Store) -> None:
    first = StoredVolume(store.preferences("volume"), CLOCK)
    assert first.volume() == START
    first.set_volume(35)
    first.mute(True)
    second = StoredVolume(store.preferences("volume"), CLOCK)
    assert (second.volume(), second.muted()) == (35, True)
    second.mute(False)
    assert (second.volume(), second.muted()) == (35, False)


@pytest.mark.parametrize(
    ("intent", "slots", "volume", "reply"),
    [
        ("volume_set", {"percent": 40}, 40, "volume.set"),
        ("volume_set", {"level": 4}, 40, "volume.set"),
        ("volume_set", {"percent": 150}, START, "volume.out_of_range"),
        ("volume_set", {"percent": -5}, START, "volume.out_of_range"),
        ("volume_up", {}, START + 10, "volume.louder"),
        ("volume_up", {"by": 90}, 100, "volume.louder"),
        ("volume_down", {"by": 20}, START - 20, "volume.quieter"),
        ("volume_down", {"by": 100}, QUIETEST, "volume.quieter"),
    ],
)
def test_volume(store: Store, intent: str, slots: dict[str, Any], volume: int, reply: str) -> None:
    control = StoredVolume(store.preferences("volume"), CLOCK)
    assert Volume(control).handle(request(intent, **slots)).reply == reply
    assert control.volume() == volume


def quiet_for(store: Store, clock: FakeClock, for_s: float) -> StoredVolume:
    control = StoredVolume(store.preferences("volume"), clock)
    control.mute(True, for_s)
    return control


def test_a_mute_ends_by_itself(store: Store) -> None:
    clock = FakeClock()
    control = quiet_for(store, clock, 1200.0)
    clock.go(1199.0)
    assert (control.muted(), control.mute_left_s()) == (True, 1.0)
    clock.go(1.0)
    assert (control.muted(), control.mute_left_s()) == (False, None)


def test_a_mute_ends_though_the_power_was_cut(store: Store) -> None:
    clock = FakeClock()
    quiet_for(store, clock, 1200.0)
    clock.reboot(600.0)
    control = StoredVolume(store.preferences("volume"), clock)
    assert (control.muted(), control.mute_left_s()) == (True, 600.0)
    clock.reboot(600.0)
    assert not StoredVolume(store.preferences("volume"), clock).muted()


def test_a_clock_that_is_set_makes_a_mute_neither_longer_nor_shorter(store: Store) -> None:
    clock = FakeClock()
    control = quiet_for(store, clock, 1200.0)
    clock.jump(86_400.0)
    assert control.mute_left_s() == 1200.0
    clock.jump(-900 * 86_400.0)
    assert control.mute_left_s() == 1200.0
    clock.reboot(0.0)  # only the wall clock is left, and it is years behind
    assert StoredVolume(store.preferences("volume"), clock).mute_left_s() == 1200.0


@pytest.mark.parametrize(
    ("slots", "reply", "muted"),
    [
        ({}, "volume.muted", True),
        ({"duration": 1200}, "volume.muted_for", True),
        ({"duration": -300}, "volume.mute_too_short", False),
        ({"duration": 0}, "volume.mute_too_short", False),
        ({"duration": 1e15}, "volume.mute_too_long", False),
    ],
)
def test_how_long_a_mute_may_be(
    store: Store, slots: dict[str, Any], reply: str, muted: bool
) -> None:
    control = StoredVolume(store.preferences("volume"), FakeClock())
    assert Volume(control).handle(request("volume_mute", **slots)).reply == reply
    assert control.muted() is muted


def test_louder_ends_a_mute(store: Store) -> None:
    control = quiet_for(store, FakeClock(), 1200.0)
    control.set_volume(40)
    assert (control.muted(), control.mute_left_s()) == (False, None)


def test_the_ends_of_the_scale(store: Store) -> None:
    control = StoredVolume(store.preferences("volume"), CLOCK)
    control.set_volume(100)
    assert Volume(control).handle(request("volume_up")).reply == "volume.loudest"
    control.set_volume(QUIETEST)
    assert Volume(control).handle(request("volume_down")).reply == "volume.quietest"


def test_chance_is_fair_and_within_bounds() -> None:
    chance = Chance(random.Random(1))
    flips = [chance.handle(request("coin_flip")).reply for _ in range(200)]
    assert 70 < flips.count("chance.heads") < 130
    rolls = {chance.handle(request("dice_roll")).args["number"] for _ in range(200)}
    assert rolls == set(range(1, 7))
    drawn = {
        chance.handle(request("random_number", low=7, high=5)).args["number"] for _ in range(99)
    }
    assert drawn == {5, 6, 7}
    dice = chance.handle(request("dice_roll", count=3, sides=4))
    assert dice.args["sum"] == sum(map(int, dice.args["numbers"]))


@pytest.mark.parametrize("slots", [{"count": 0.5}, {"count": 1000}, {"sides": 1}, {"count": -3}])
def test_odd_dice(slots: dict[str, float]) -> None:
    assert Chance().handle(request("dice_roll", **slots)).reply == "chance.odd_dice"


class Board:
    def __init__(self, temperature: float | None = 48.2, free: int = 20_000_000_000) -> None:
        self._temperature, self._free = temperature, free

    def temperature_c(self) -> float | None:
        return self._temperature

    def memory(self) -> tuple[int, int]:
        return 512_000_000, 2_000_000_000

    def disk(self) -> tuple[int, int]:
        return self._free, 32_000_000_000

    def load(self) -> float:
        return 0.254


def told(intent: str, board: Board | None = None, fahrenheit: bool = False) -> Outcome:
    return Device(board or Board(), CLOCK, fahrenheit).handle(request(intent))


def test_the_device() -> None:
    assert told("device_temperature").args["temperature"] == {"value": 48, "unit": "degree_Celsius"}
    assert told("device_temperature", fahrenheit=True).args["temperature"]["value"] == 119
    assert told("device_temperature", Board(None)).reply == "device.no_temperature"
    assert told("device_temperature", Board(80)).reply == "device.hot"
    assert told("device_memory").args["free"] == {"value": 512, "unit": "megabyte"}
    assert told("device_memory").args["total"] == {"value": 2.0, "unit": "gigabyte"}
    assert told("device_disk", Board(free=1_000_000)).reply == "device.disk_full"
    assert told("device_load").args["load"] == 25
    assert told("device_status").reply == "device.fine"
    assert told("device_status", Board(90)).reply == "device.hot"


def test_a_captured_board(tmp_path: Path) -> None:
    zones = tmp_path / "sys/class/thermal"
    for n, content in enumerate(("48200", "garbage", "51700", "-273000")):
        (zones / f"thermal_zone{n}").mkdir(parents=True)
        (zones / f"thermal_zone{n}/temp").write_text(content)
    assert ThisBoard(tmp_path, tmp_path).temperature_c() == 51.7
    assert ThisBoard(tmp_path, tmp_path / "none").temperature_c() is None
    free, total = ThisBoard(tmp_path / "not" / "there").disk()
    assert 0 < free <= total
