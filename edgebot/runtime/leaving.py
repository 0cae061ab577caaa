"""What the settings let leave this machine."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from edgebot.config.settings import Settings
from edgebot.core.network import is_loopback


@dataclass(frozen=True, slots=True)
class Sent:
    """Something the settings let leave this machine."""

    to: str
    what: str
    setting: str
    """The setting that turns it off."""

    words: bool
    """Whether it may hold what somebody said, or its sound."""


def leaves_the_machine(settings: Settings) -> list[Sent]:
    """What is sent where; empty when nothing leaves."""
    found = []
    if url := settings.llm.endpoint.url:
        found.append(Sent(url, "questions for the language model", "llm.endpoint.url", True))
    if url := settings.home.url:
        handed = settings.home.through == "conversation"
        what = "sentences about the home" if handed else "orders to devices"
        found.append(Sent(url, what, "home.url", handed))
    if (mqtt := settings.mqtt).host:
        what = "state, timers and orders to devices" + (", what is said" if mqtt.words else "")
        found.append(Sent(f"{mqtt.host}:{mqtt.port}", what, "mqtt.host", mqtt.words))
    for hook in settings.webhooks:
        told = "what happens" + (", what is said" if hook.words else "")
        address = urlsplit(hook.url)
        found.append(Sent(f"{address.scheme}://{address.hostname}", told, "webhooks", hook.words))
    for room in settings.wyoming.satellites:
        to = f"{room.host}:{room.port}"
        found.append(Sent(to, f"answers spoken in {room.room}", "wyoming.satellites", True))
    if settings.wyoming.enabled and (allowed := settings.wyoming.allow):
        what = "answers, voice and texts, asked for by whoever may connect"
        found.append(Sent(", ".join(allowed), what, "wyoming.allow", True))
    if not is_loopback(settings.server.host):
        what = "the page and its API, to whoever has the token"
        found.append(Sent(settings.server.host, what, "server.host", True))
    return found
