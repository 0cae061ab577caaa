"""What can be ordered over the control socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgebot import __version__
from edgebot.core.errors import UsageError
from edgebot.server.house import House

Answer = dict[str, Any]


def _status(house: House, order: Mapping[str, Any]) -> Answer:
    muted = house.muted()
    timers = house.store.promises.open("timer")
    daemon = house.daemon
    return {
        "version": __version__,
        "state": house.state,
        "listens": daemon is not None,
        "microphone_muted": muted.microphone,
        "speaker_muted": muted.speaker,
        "volume": muted.volume,
        "timers": len(timers),
        "turns": house.places.inside,
        "silent_s": daemon.health.report() if daemon is not None else {},
    }


def _say(house: House, order: Mapping[str, Any]) -> Answer:
    text = order.get("text")
    if not isinstance(text, str):
        raise UsageError("'say' needs a text")
    house.say(text)
    return {}


def _listen(house: House, order: Mapping[str, Any]) -> Answer:
    house.listen()
    return {}


def _stop(house: House, order: Mapping[str, Any]) -> Answer:
    house.stop()
    return {}


def _mute(house: House, order: Mapping[str, Any]) -> Answer:
    return _set_mute(house, order, True)


def _unmute(house: House, order: Mapping[str, Any]) -> Answer:
    return _set_mute(house, order, False)


def _set_mute(house: House, order: Mapping[str, Any], on: bool) -> Answer:
    what = order.get("what", "microphone")
    if what == "microphone":
        house.mute_microphone(on)
    elif what == "speaker":
        house.mute_speaker(on)
    else:
        raise UsageError("'what' is 'microphone' or 'speaker'")
    muted = house.muted()
    return {"microphone_muted": muted.microphone, "speaker_muted": muted.speaker}


ORDERS: Mapping[str, Callable[[House, Mapping[str, Any]], Answer]] = {
    "status": _status,
    "say": _say,
    "listen": _listen,
    "stop": _stop,
    "mute": _mute,
    "unmute": _unmute,
}
"""Name → what is done; may look into a database, so it is called off the event loop."""


def carry_out(house: House, order: Any) -> Answer:
    """Do ``order``, a JSON object with ``do`` and its arguments. Raises ``EdgebotError``."""
    if not isinstance(order, dict):
        raise UsageError('an order is a JSON object, such as {"do": "status"}')
    name = order.get("do")
    if not isinstance(name, str) or name not in ORDERS:
        raise UsageError(f"unknown order; there are {', '.join(ORDERS)}")
    return ORDERS[name](house, order)
