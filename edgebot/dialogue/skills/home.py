"""Lights and other devices of the home, where one is connected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from edgebot.core.errors import HomeError
from edgebot.core.home import Action
from edgebot.dialogue.home import Found, HomeLink
from edgebot.dialogue.skill import Intent, Option, Outcome, Question, Request, Slot, Topic

log = logging.getLogger(__name__)

DEVICE = Slot("device", "name", 'which device, such as "desk lamp"', True, "home.which_device")
AREA = Slot("area", "name", "which room")
PERCENT = Slot("percent", "percent", "how bright, in per cent", required=True)
DEGREES = Slot("degrees", "number", "degrees Celsius", required=True)

_WHERE = (DEVICE, AREA)

INTENTS = (
    Intent("home_on", "Switch devices of the home on.", _WHERE, follow_up="area", tool=False),
    Intent("home_off", "Switch devices of the home off.", _WHERE, follow_up="area", tool=False),
    Intent("home_open", "Open blinds, curtains or a garage.", _WHERE, tool=False),
    Intent("home_close", "Close blinds, curtains or a garage.", _WHERE, tool=False),
    Intent("home_brightness", "Set how bright a light is.", (*_WHERE, PERCENT), tool=False),
    Intent("home_temperature", "Set the heating.", (*_WHERE, DEGREES), tool=False),
    Intent("home_state", "Tell how a device is.", _WHERE, follow_up="device", tool=False),
    Intent("home_devices", "Tell which devices are known.", (AREA,), tool=False),
)

KINDS = {
    "light": ("light",),
    "heating": ("climate", "water_heater"),
    "fan": ("fan",),
    "cover": ("cover",),
    "plug": ("switch",),
    "television": ("media_player",),
}
"""Kinds a general word stands for: ``@light`` means any light, ``@lights`` all of them."""

_ACTIONS: dict[str, Action] = {
    "home_on": "on",
    "home_off": "off",
    "home_open": "open",
    "home_close": "close",
    "home_brightness": "brightness",
    "home_temperature": "temperature",
}

_FITTING = {
    "open": ("cover", "valve"),
    "close": ("cover", "valve"),
    "brightness": ("light",),
    "temperature": ("climate", "water_heater"),
}

_SPOKEN = 3
"""Devices that are named in an answer; more are counted."""

_OFFERED = 5
_LISTED = 12


class HomeControl:
    """Finds the devices that are meant and has their home switch them."""

    name = "home"
    intents = INTENTS

    def __init__(self, link: HomeLink, language: str) -> None:
        self._link = link
        self._language = language

    def handle(self, request: Request) -> Outcome:
        """Switch, or tell; without a home say so."""
        if not self._link.homes:
            return Outcome("home.not_connected")
        try:
            if spoken := self._converse(request):
                return Outcome(text=spoken)
            if request.intent == "home_devices":
                return self._devices(request)
            return self._act(request)
        except HomeError as problem:
            log.warning("%s", problem)
            return Outcome("home.failed")

    def _converse(self, request: Request) -> str | None:
        """The answer of a home that wants the person's own words."""
        for home in self._link.homes:
            if request.text and (
                reply := home.converse(request.text, self._language, request.session)
            ):
                return reply
        return None

    def _act(self, request: Request) -> Outcome:
        wanted = str(request.slots["device"])
        area = str(request.slots.get("area") or "")
        found = self._meant(wanted, area, request.session)
        if not found:
            return self._nothing(wanted, area)
        if len(found) > 1 and not wanted.startswith("@") and len({_key(one) for one in found}) > 1:
            return _which(request, found)
        if len(found) > 1 and wanted.startswith("@") and not wanted.endswith("s") and not area:
            return _which(request, found)
        if request.intent == "home_state":
            return self._state(found[0])
        return self._do(_ACTIONS[request.intent], found, request)

    def _do(self, action: Action, found: Sequence[Found], request: Request) -> Outcome:
        fitting = _FITTING.get(action)
        able = [one for one in found if fitting is None or one.device.kind in fitting]
        names = [one.device.name for one in found]
        if not able:
            return Outcome("home.cannot", {"device": names[0]})
        value = request.slots.get("percent", request.slots.get("degrees"))
        for home in dict.fromkeys(one.home for one in able):
            devices = [one.device for one in able if one.home is home]
            home.do(action, devices, None if value is None else float(value))
        names = list(dict.fromkeys(one.device.name for one in able))
        args = {"devices": names, "count": len(names), "value": value}
        verbs = {"cancel": "home_off", "undo": "home_off"} if action == "on" else {}
        refers = {name: request.slots[name] for name in ("device", "area") if name in request.slots}
        many = "_many" if len(names) > _SPOKEN else ""
        return Outcome(f"home.{action}{many}", args, topic=Topic("home", refers, verbs))

    def _state(self, found: Found) -> Outcome:
        now = found.home.state(found.device)
        args = {"device": found.device.name, "state": f"{now.state} {now.unit}".strip()}
        if not now.state or now.state in ("unknown", "unavailable"):
            return Outcome("home.state_unknown", args)
        known = now.state in ("on", "off", "open", "closed")
        return Outcome(f"home.is_{now.state}" if known else "home.is", args)

    def _devices(self, request: Request) -> Outcome:
        area = str(request.slots.get("area") or "")
        found = [one for one in self._link.devices() if not area or _in_area(one, area)]
        names = list(dict.fromkeys(one.device.name for one in found))
        if not names:
            return Outcome("home.no_devices")
        args = {"devices": names[:_LISTED], "count": len(names), "more": len(names) - _LISTED}
        return Outcome("home.devices_more" if len(names) > _LISTED else "home.devices", args)

    def _meant(self, wanted: str, area: str, session: str) -> list[Found]:
        """The devices that ``wanted`` means, in ``area`` or else where the person is."""
        everything = self._link.devices()
        if wanted.startswith("@"):
            general = wanted[1:].rstrip("s")
            kinds = KINDS.get(general, (general,))
            found = [one for one in everything if one.device.kind in kinds]
            here = area or self._link.area_of(session)
            near = [one for one in found if here and _in_area(one, here)]
            return near if near or area else found
        tries: tuple[Callable[[Found], bool], ...] = (
            lambda one: _called(one, wanted),
            lambda one: _describes(one, f"{wanted} {area}"),
        )
        for fits in tries:
            found = [one for one in everything if fits(one)]
            if area:
                found = [one for one in found if _in_area(one, area)] or found
            if found:
                return found
        return []

    def _nothing(self, wanted: str, area: str) -> Outcome:
        if not wanted.startswith("@"):
            return Outcome("home.unknown_device", {"device": wanted})
        return Outcome("home.none_there" if area else "home.none_such", {"area": area})


def _called(one: Found, name: str) -> bool:
    names = (one.device.name, *one.device.aliases)
    return _plain(name) in map(_plain, names)


def _describes(one: Found, words: str) -> bool:
    known = set(_words(" ".join((one.device.name, one.device.area, *one.device.aliases))))
    said = _words(words)
    return bool(said) and set(said) <= known


def _in_area(one: Found, area: str) -> bool:
    if one.device.area:
        return _plain(one.device.area) == _plain(area)
    return set(_words(area)) <= set(_words(one.device.name))


def _plain(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def _key(one: Found) -> tuple[str, str]:
    return one.device.name.casefold(), one.device.area.casefold()


def _which(request: Request, found: Iterable[Found]) -> Outcome:
    names = list(dict.fromkeys(one.device.name for one in found))[:_OFFERED]
    options = [Option(name, name) for name in names]
    question = Question(
        "choice",
        request.intent,
        "home.which",
        {"items": names},
        dict(request.slots),
        slot="device",
        options=tuple(options),
    )
    return Outcome(question=question)
