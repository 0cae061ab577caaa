"""The description is true: it names what is there, and what is there does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from edgebot.server.http.contents import application
from edgebot.server.http.openapi import plain

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def door(board: Any) -> Iterator[Any]:
    """The same house behind an application that is called in this process."""
    app = application(board.house)
    yield app
    app.starlette.state.clear() if hasattr(app.starlette.state, "clear") else None


def test_every_route_is_described_and_the_other_way_round(door: Any) -> None:
    described = {
        (method.upper(), path)
        for path, methods in door.description["paths"].items()
        for method in methods
    }
    served = {
        (method, plain(route.path))
        for route in door.starlette.routes
        if isinstance(route, Route)
        and route.path.startswith(("/api/", "/v1", "/healthz", "/readyz"))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert described == served
    names = [
        one["operationId"] for path in door.description["paths"].values() for one in path.values()
    ]
    assert len(names) == len(set(names))


def test_it_is_served(http: httpx.Client) -> None:
    description = http.get("/openapi.json").json()
    assert description["openapi"] == "3.1.0"
    assert "/api/ask" in description["paths"] and "/v1/chat/completions" in description["paths"]


def _operations() -> list[tuple[str, str]]:
    from edgebot.server.http.contents import API
    from edgebot.server.http.openai import OPERATIONS

    return [(plain(one.path), one.method) for one in (*API, *OPERATIONS)]


def fuzz(board: Any, cases: Any) -> None:
    """A few ``cases`` of an operation are called and answered as its description says."""

    @hypothesis.given(case=cases)
    @hypothesis.settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def call(case: Any) -> None:
        response = case.call(base_url=board.url)
        assert response.status_code != 500
        case.validate_response(response, checks=CHECKS)

    call()


@pytest.mark.parametrize(("path", "method"), _operations())
def test_whatever_is_sent_it_answers_as_described(board: Any, path: str, method: str) -> None:
    schema = schemathesis.openapi.from_url(f"{board.url}/openapi.json")
    operation = schema[path][method]

    fuzz(board, operation.as_strategy())


@pytest.mark.parametrize(("path", "method"), _operations())
def test_wrong_things_are_refused_as_described(board: Any, path: str, method: str) -> None:
    schema = schemathesis.openapi.from_url(f"{board.url}/openapi.json")
    operation = schema[path][method]
    if not (operation.body or operation.query):
        pytest.skip("nothing can be wrong about it")
    wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    fuzz(board, wrong)
