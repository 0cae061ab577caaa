"""The text that a Prometheus takes."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from edgebot.server.house import House
from edgebot.server.metrics.board import BoardCollector
from edgebot.server.metrics.meters import Meters

_LOCK = threading.Lock()
_METERS: WeakKeyDictionary[House, Meters] = WeakKeyDictionary()


def meters_of(house: House) -> Meters:
    """The counters of ``house``; there is one set of them."""
    with _LOCK:
        if house not in _METERS:
            _METERS[house] = made = Meters()
            made.registry.register(BoardCollector(house))
        return _METERS[house]


def metrics_response(house: House) -> tuple[bytes, str]:
    """Body and content type; looks into the database, so it is called off the event loop."""
    return generate_latest(meters_of(house).registry), CONTENT_TYPE_LATEST
