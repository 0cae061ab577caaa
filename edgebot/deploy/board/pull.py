"""A board that fetches its releases by itself, from any server of plain files.

Below the address lie ``manifest.json``, ``manifest.sig`` and ``objects/`` of a bundle: a bundle is
a tar file, unpacked it is such a folder. The server need not be trusted: what counts is the
signature, and nothing older than what the board has had is taken.
"""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from . import store
from .checks import look
from .durable import CHUNK
from .layout import Layout, read_json
from .manifest import MANIFEST_BYTES, Manifest
from .offer import Offer, consider, known_manifest
from .refusal import Refused

_PATIENCE_S = 30.0
_SIGNATURE_BYTES = 1 << 16
Broken = (OSError, http.client.HTTPException)


def address(layout: Layout) -> str:
    """From ``/etc/edgebot/pull.json``: ``{"url": "https://…/kitchen"}``."""
    url = read_json(layout.settings / "pull.json").get("url")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise Refused("pull", f'{layout.settings}/pull.json has to hold {{"url": "https://…"}}')
    return url.rstrip("/")


def fetch(layout: Layout, url: str) -> Manifest | None:
    """Fetch what the server offers; None when it is in force already. Raises :class:`Refused`."""
    manifest = _get(f"{url}/manifest.json", MANIFEST_BYTES)
    signature = _get(f"{url}/manifest.sig", _SIGNATURE_BYTES)
    found = consider(layout, Offer(manifest, signature), look())
    release = known_manifest(layout, found["release"])
    if found["in_force"]:
        return None
    for sha256 in found["missing"]:
        (layout.incoming / f"{sha256}.part").unlink(missing_ok=True)
    stream = io.BufferedReader(_Joined(_objects(url, found["missing"])), CHUNK)
    store.receive(layout, release, stream)
    return release


def _objects(url: str, names: Iterable[str]) -> Iterator[bytes]:
    """What :func:`store.receive` reads, a block at a time: a model may be larger than memory."""
    for sha256 in names:
        with _open(f"{url}/objects/{sha256}") as answer:
            length = answer.headers.get("Content-Length", "")
            if not length.isdigit():
                raise Refused("pull", f"{url}: the server does not say how long an object is")
            head = {"sha256": sha256, "offset": 0, "length": int(length)}
            yield json.dumps(head).encode() + b"\n"
            while block := _next(answer, url):
                yield block


def _next(answer: Any, url: str) -> bytes:
    try:
        block: bytes = answer.read(CHUNK)
    except Broken as problem:
        raise Refused("pull", f"{url} broke off ({problem}); the next try goes on") from None
    return block


class _Joined(io.RawIOBase):
    """Blocks one after the other, as a file to read from."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill ``buffer`` with what there is of a block; 0 at the end."""
        self._rest = self._rest or next(self._blocks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _get(url: str, most: int) -> bytes:
    with _open(url) as answer:
        content = b""
        while len(content) <= most and (block := _next(answer, url)):
            content += block
    if len(content) > most:
        raise Refused("pull", f"{url} is far too long; look at the server")
    return content


def _open(url: str) -> Any:
    try:
        return urllib.request.urlopen(url, timeout=_PATIENCE_S)
    except urllib.error.HTTPError as problem:
        raise Refused("pull", f"{url}: the server says {problem.code}; look at it") from None
    except Broken as problem:
        raise Refused(
            "pull", f"{url} cannot be fetched ({problem}); the next try goes on"
        ) from None
