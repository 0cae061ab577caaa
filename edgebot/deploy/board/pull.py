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
from urllib.parse import urlsplit

from . import store
from .checks import look
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
        part = layout.incoming / f"{sha256}.part"
        part.unlink(missing_ok=True)
        content = _get(f"{url}/objects/{sha256}", 1 << 42)
        head = {"sha256": sha256, "offset": 0, "length": len(content)}
        store.receive(layout, release, io.BytesIO(json.dumps(head).encode() + b"\n" + content))
    return release


def _get(url: str, most: int) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
            content: bytes = answer.read(most + 1)
    except urllib.error.HTTPError as problem:
        raise Refused("pull", f"{url}: the server says {problem.code}; look at it") from None
    except Broken as problem:
        raise Refused(
            "pull", f"{url} cannot be fetched ({problem}); the next try goes on"
        ) from None
    if len(content) > most:
        raise Refused("pull", f"{url} is far too long; look at the server")
    return content
