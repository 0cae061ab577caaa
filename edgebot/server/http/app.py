"""The ASGI application: every operation at its place, behind the guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from edgebot.server.house import House
from edgebot.server.http.body import bytes_of, json_of
from edgebot.server.http.guard import Guard, Names
from edgebot.server.http.openapi import describe
from edgebot.server.http.operation import Call, Operation
from edgebot.server.http.problems import answer_to, refused
from edgebot.server.http.tokens import TokenFile

MB = 1_000_000


class Application:
    """What is served by HTTP, and the ASGI application that serves it."""

    def __init__(
        self,
        house: House,
        operations: Sequence[Operation],
        routes: Sequence[BaseRoute] = (),
        open_paths: Sequence[str] = (),
    ) -> None:
        """``routes``: what no operation describes: the page, the events. ``open_paths``: those of
        them that need no token."""
        self.house = house
        self.operations = tuple(operations)
        self.tokens = TokenFile(house.settings.state_dir)
        self.description = describe(self.operations)
        self._open = {("GET", path) for path in (*open_paths, "/openapi.json")}
        self._open |= {(one.method, one.path) for one in operations if one.access == "open"}
        self._open |= {("HEAD", path) for method, path in self._open if method == "GET"}
        described = Route("/openapi.json", self._describe, methods=["GET"])
        places = [*map(self._route, self.operations), described, *routes]
        self.starlette = Starlette(routes=places, exception_handlers=_HANDLERS)
        self.starlette.router.redirect_slashes = False
        wanted = house.settings.server
        self.guard = Guard(
            self.starlette,
            self.tokens,
            Names.of(wanted.names, wanted.host),
            lambda method, path: (method, path) in self._open,
            wanted.requests_a_minute,
        )
        self.starlette.state.guard = self.guard
        self.starlette.state.tokens = self.tokens
        self.asgi: ASGIApp = self.guard

    async def _describe(self, request: Request) -> Response:
        return JSONResponse(self.description)

    def _route(self, operation: Operation) -> Route:
        async def serve(request: Request) -> Response:
            try:
                call = await self._checked(operation, request)
                answer = await operation.answering(call)
            except Exception as problem:  # noqa: BLE001 - told to the client; the log has the rest
                return answer_to(problem)
            if isinstance(answer, Response):
                return answer
            if answer is None:
                return Response(status_code=operation.status)
            return Response(
                answer.model_dump_json(), operation.status, media_type="application/json"
            )

        return Route(operation.path, serve, methods=[operation.method], name=operation.name)

    async def _checked(self, operation: Operation, request: Request) -> Call:
        query = body = None
        content = b""
        if operation.query is not None:
            query = _query_of(request, operation.query)
        if operation.body is not None and not (
            operation.takes and not request.headers.get("content-type", "").startswith("appl")
        ):
            body = await json_of(request, operation.body)
        elif operation.takes:
            most = self.house.settings.server.max_body_mb * MB
            content = await bytes_of(request, operation, most)
        return Call(self.house, request, request.path_params, query, body, content)


def _query_of(request: Request, model: type[BaseModel]) -> BaseModel:
    given = request.query_params.multi_items()
    if len({name for name, _ in given}) < len(given):
        raise ValidationError.from_exception_data(
            "query", [{"type": "value_error", "loc": (), "input": "", "ctx": {"error": _TWICE}}]
        )
    return model.model_validate_strings(dict(given))


_TWICE = ValueError("a field is given twice")


async def _no_such_place(request: Request, problem: Exception) -> Response:
    return refused(404, "not_found", "there is nothing here; see /openapi.json")


async def _wrong_method(request: Request, problem: Exception) -> Response:
    headers = dict(getattr(problem, "headers", None) or {})
    return refused(405, "wrong_method", "not with this method; see /openapi.json", headers)


async def _broken(request: Request, problem: Exception) -> Response:
    return answer_to(problem)


_HANDLERS: dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    404: _no_such_place,
    405: _wrong_method,
    Exception: _broken,
}
