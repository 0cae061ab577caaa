"""Plain downloads over HTTP, resumed where they stopped."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

from edgebot import __version__
from edgebot.core.errors import FetchError
from edgebot.models.digest import CHUNK

TIMEOUT_S = 20.0
"""Silence after which a server counts as gone."""


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """A redirect to ``file:`` or ``ftp:`` is no redirect we follow."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith(("https://", "http://")):
            raise FetchError(f"{req.full_url} redirects to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    url: str,
    part: IO[bytes],
    length: int,
    limit: int,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Append to ``part`` what of ``url`` comes behind its first ``length`` bytes.

    A server that cannot resume sends all of it again. Raises :class:`FetchError` when the server
    does not answer, stops early, or sends more than ``limit`` bytes in all.
    """
    if length == limit:
        return None
    request = urllib.request.Request(url, headers={"User-Agent": f"edgebot/{__version__}"})
    if length:
        request.add_header("Range", f"bytes={length}-")
    try:
        opener = urllib.request.build_opener(_HttpOnly)
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            if not _resumed(answer, length):
                part.seek(0)
                part.truncate()
            return _receive(answer, part, limit, advance)
    except urllib.error.HTTPError as error:
        if error.code == 416 and length:  # nothing comes behind what is there: it is another file
            part.truncate(0)
            return download(url, part, 0, limit, advance)
        raise FetchError(f"{url}: the server says {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError(f"{url}: {reason or type(error).__name__}") from error


def _resumed(answer: http.client.HTTPResponse, length: int) -> bool:
    beginning = f"bytes {length}-"
    return answer.status == 206 and answer.headers.get("Content-Range", "").startswith(beginning)


def _receive(
    answer: http.client.HTTPResponse, part: IO[bytes], limit: int, advance: Callable[[int], None]
) -> None:
    part.seek(0, os.SEEK_END)
    while chunk := answer.read(CHUNK):
        if part.tell() + len(chunk) > limit:
            part.truncate(0)
            raise FetchError(f"{answer.url}: more than the {limit} bytes it should have")
        part.write(chunk)
        advance(part.tell())
    if answer.length:
        raise FetchError(f"{answer.url}: broke off, {answer.length} bytes before its end")
