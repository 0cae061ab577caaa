"""Which keys a board takes releases from.

The files in ``/etc/edgebot/trust`` are the public files that `edgebot keygen` and its like write
(``edgebot/models/signatures.py``). Who has put one there as root is believed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from . import ed25519
from .durable import write
from .layout import Layout
from .refusal import Refused


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is trusted."""

    id: str
    public: bytes
    expires: int | None
    """Seconds since 1970; None: never."""


def read_key(content: bytes) -> Key:
    """Read a public file; raises :class:`Refused`."""
    try:
        data = json.loads(content)
        public = base64.b64decode(data["public"], validate=True)
        expires = data.get("expires")
        key = Key(hashlib.sha256(public).hexdigest()[:16], public, expires)
        if len(public) != 32 or key.id != data["key"] or type(expires) not in (int, type(None)):
            raise ValueError("its parts do not fit together")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("key", f"a public key is damaged ({error}); copy it anew") from None
    return key


def keys(layout: Layout) -> dict[str, Key]:
    """The keys this board trusts, by id; a damaged file is no key."""
    found = {}
    for path in sorted(layout.trust.glob("*.json")) if layout.trust.is_dir() else ():
        try:
            key = read_key(path.read_bytes())
        except (OSError, Refused):
            continue
        found[key.id] = key
    return found


def add(layout: Layout, content: bytes) -> str:
    """Trust the key of a public file from now on; its id."""
    key = read_key(content)
    layout.trust.mkdir(parents=True, exist_ok=True)
    write(layout.trust / f"{key.id}.json", content)
    return key.id


def verify(
    known: Mapping[str, Key],
    content: bytes,
    signature: bytes,
    made: int,
    now: float | None = None,
) -> Key:
    """The key of ``known`` that signed ``content``; raises :class:`Refused`.

    ``made``: when the content says it was made. The key has to be in date then and now.
    """
    try:
        data = json.loads(signature)
        raw, name = base64.b64decode(data["signature"], validate=True), data["key"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("signature", f"the signature is damaged ({error}); copy it anew") from None
    key = known.get(name) if isinstance(name, str) else None
    if key is None:
        raise Refused(
            "unknown-key",
            f"the bundle is signed by key {str(name)[:40]}, which this board does not trust "
            f"(it trusts {', '.join(sorted(known)) or 'none'}); flash with `--trust KEY.pub` if "
            "you know whose it is",
        )
    if not ed25519.verify(key.public, content, raw):
        raise Refused(
            "tampered",
            f"the signature of key {key.id} does not fit: the manifest was changed after signing",
        )
    if key.expires is not None and max(made, time.time() if now is None else now) > key.expires:
        ended = time.strftime("%Y-%m-%d", time.gmtime(key.expires))
        raise Refused(
            "expired-key", f"key {key.id} is out of date since {ended}; sign with a newer one"
        )
    return key
