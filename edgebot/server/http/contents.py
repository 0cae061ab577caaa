"""Everything the HTTP door serves, by the settings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from starlette.routing import BaseRoute

from edgebot.server.house import House
from edgebot.server.http.api import documents, lists, room, settings, status, timers, turns
from edgebot.server.http.app import Application
from edgebot.server.http.events import Events
from edgebot.server.http.operation import Operation

API: tuple[Operation, ...] = (
    *turns.OPERATIONS,
    *room.OPERATIONS,
    *timers.OPERATIONS,
    *lists.OPERATIONS,
    *documents.OPERATIONS,
    *settings.OPERATIONS,
    *status.OPERATIONS,
)


def application(house: House) -> Application:
    """The application that the settings of ``house`` mean."""
    wanted = house.settings.server
    operations: list[Operation] = list(API)
    routes: list[BaseRoute] = [Events(house, wanted.sockets).route()]
    open_paths: Sequence[str] = ()
    if house.settings.metrics.enabled:
        routes.append(import_module("edgebot.server.metrics.route").metrics_route(house))
    if wanted.openai:
        operations += import_module("edgebot.server.http.openai").OPERATIONS
    if wanted.page:
        pages = import_module("edgebot.server.http.pages")
        open_paths = pages.PATHS
        routes += pages.routes()
    return Application(house, operations, routes, open_paths)
