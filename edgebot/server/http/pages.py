"""The web page: files of our own, read once, served by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).resolve().parents[1] / "page"

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}

FILES = {
    "/" if file.name == "index.html" else f"/{file.name}": file
    for file in sorted(FOLDER.iterdir())
    if file.suffix in _KINDS
}
"""Path → file. What is not in here does not exist: no path is ever made from a request."""

PATHS = tuple(FILES)


def routes() -> list[Route]:
    """One route a file."""
    return [Route(path, _serving(file), methods=["GET"]) for path, file in FILES.items()]


def _serving(file: Path) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_KINDS[file.suffix], headers=headers)

    return serve
