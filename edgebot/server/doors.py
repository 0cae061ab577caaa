"""Which doors the settings open, and the rim they stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebot.config.settings import Settings
from edgebot.server.house import House
from edgebot.server.rim import Rim, Service


def _http(settings: Settings) -> Sequence[Service]:
    if not settings.server.enabled:
        return ()
    from edgebot.server.http.service import HttpService

    return (HttpService(settings),)


def _control(settings: Settings) -> Sequence[Service]:
    from edgebot.server.control.service import ControlService

    return (ControlService(settings),)


def _wyoming(settings: Settings) -> Sequence[Service]:
    services: list[Service] = []
    if settings.wyoming.enabled:
        from edgebot.server.wyoming.service import WyomingService

        services.append(WyomingService(settings))
    if settings.wyoming.satellites:
        from edgebot.server.wyoming.hub import HubService

        services.append(HubService(settings))
    return services


def _home(settings: Settings) -> Sequence[Service]:
    if settings.home.url is None:
        return ()
    from edgebot.server.homes.service import HomeService

    return (HomeService(settings),)


def _mqtt(settings: Settings) -> Sequence[Service]:
    if settings.mqtt.host is None:
        return ()
    from edgebot.server.mqtt.service import MqttService

    return (MqttService(settings),)


def _metrics(settings: Settings) -> Sequence[Service]:
    if not settings.metrics.enabled:
        return ()
    from edgebot.server.metrics.service import MetricsService

    return (MetricsService(),)


def _webhooks(settings: Settings) -> Sequence[Service]:
    if not settings.webhooks:
        return ()
    from edgebot.server.webhooks import WebhookService

    return (WebhookService(settings),)


DOORS: tuple[Callable[[Settings], Sequence[Service]], ...] = (
    _http,
    _control,
    _wyoming,
    _home,
    _mqtt,
    _metrics,
    _webhooks,
)
"""Each returns its services for the settings: none where its door is closed.

Raises ``ConfigError`` when the door may not be opened as the settings mean it; then `edgebot run`
does not start at all. Imports what it needs by itself: a door that is closed costs no memory.
"""


def services_of(settings: Settings) -> list[Service]:
    """The services of all doors that ``settings`` open."""
    return [service for door in DOORS for service in door(settings)]


def open_rim(house: House) -> Rim:
    """The rim of ``house``, not started yet. Raises ``ConfigError``."""
    return Rim(house, services_of(house.settings))
