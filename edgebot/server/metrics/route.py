"""``/metrics`` as a route of the HTTP door."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edgebot.server.house import House
from edgebot.server.metrics.exposition import metrics_response


def metrics_route(house: House) -> Route:
    """The route; whether it takes a token is the door's business."""

    async def metrics(request: Request) -> Response:
        body, kind = await house.look(lambda: metrics_response(house))
        return Response(body, media_type=kind, headers={"Cache-Control": "no-store"})

    return Route("/metrics", metrics, methods=["GET"])
