"""Ed25519 signatures (RFC 8032): who made a file, and that nobody touched it since.

A key pair is two files. The private one (PEM, PKCS#8) stays with whoever builds. The public one is
a small JSON that boards trust; it may say when its trust ends. A detached signature is a JSON too,
so that a program with nothing but the standard library can read both.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edgebot.core.errors import Untrusted, UsageError

ALGORITHM = "ed25519"
_LARGEST = 1 << 16
"""Longest key or signature file that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with."""

    public: bytes
    """32 bytes."""

    owner: str = ""
    """For people; proves nothing."""

    expires: int | None = None
    """Seconds since 1970 after which nothing it signed is trusted; None: never."""

    @property
    def id(self) -> str:
        """16 hexadecimal digits by which signatures name their key."""
        return hashlib.sha256(self.public).hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """The public file."""
        public = base64.b64encode(self.public).decode()
        return _dump(
            {
                "algorithm": ALGORITHM,
                "key": self.id,
                "public": public,
                "owner": self.owner,
                "expires": self.expires,
            }
        )

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Read a public file; raises :class:`UsageError`."""
        try:
            data = _load(path.read_bytes())
            key = cls(_binary(data, "public", 32), str(data.get("owner", "")), data.get("expires"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: no public key ({error}); make one with `keygen`") from None
        if not (key.expires is None or type(key.expires) is int) or data.get("key") != key.id:
            raise UsageError(f"{path}: this public key is damaged; copy it anew")
        return key


class SigningKey:
    """A private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.public = PublicKey(private.public_key().public_bytes(*raw))

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """Read the private file; raises :class:`UsageError`."""
        try:
            content = path.read_bytes()
            private = serialization.load_pem_private_key(content, password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UsageError(f"{path}: no private key ({error}); make one with `keygen`") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise UsageError(f"{path}: this key is not an Ed25519 key; make one with `keygen`")
        return cls(private)

    def sign(self, content: bytes) -> bytes:
        """A detached signature file for ``content``; the same for the same content."""
        signature = base64.b64encode(self._private.sign(content)).decode()
        return _dump({"algorithm": ALGORITHM, "key": self.public.id, "signature": signature})


def make_pair(private: Path, public: Path, owner: str, expires: int | None) -> PublicKey:
    """Write a new key pair; raises :class:`UsageError` rather than replacing a file."""
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = PublicKey(SigningKey(made).public.public, owner, expires)
    for path in (private, public):
        if path.exists():
            raise UsageError(f"{path} is there already; name another file for the new key")
    private.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    public.write_bytes(key.to_bytes())
    return key


def verify(
    content: bytes, signature: bytes, trusted: Iterable[PublicKey], *, made: int, now: float
) -> PublicKey:
    """The key that signed ``content``; raises :class:`Untrusted` when it is none of ``trusted``.

    ``made`` is when the content says it was made. A key has to be in date then and ``now``; a
    board with a wrong clock is thus still protected by the first half.
    """
    keys = {key.id: key for key in trusted}
    try:
        data = _load(signature)
        raw = _binary(data, "signature", 64)
    except ValueError as error:
        raise Untrusted(f"the signature is damaged ({error}); copy the file anew") from None
    name = data.get("key")
    key = keys.get(name) if isinstance(name, str) else None
    if key is None:
        known = ", ".join(sorted(keys)) or "none"
        raise Untrusted(
            f"it is signed by key {str(name)[:40]}, which is not trusted here (trusted: {known}); "
            "add its public file if you know whose it is"
        )
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw, content)
    except InvalidSignature:
        raise Untrusted(
            f"the signature of key {key.id} does not fit: the content was changed after signing"
        ) from None
    if key.expires is not None and max(made, now) > key.expires:
        ended = time.strftime("%Y-%m-%d", time.gmtime(key.expires))
        raise Untrusted(f"key {key.id} is out of date since {ended}; sign with a newer one")
    return key


def _dump(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()


def _load(content: bytes) -> dict[str, Any]:
    if len(content) > _LARGEST:
        raise ValueError("far too long")
    data = json.loads(content)
    if not isinstance(data, dict) or data.get("algorithm") != ALGORITHM:
        raise ValueError(f"not of the kind {ALGORITHM}")
    return data


def _binary(data: dict[str, Any], name: str, size: int) -> bytes:
    value = data.get(name)
    raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    if len(raw) != size:
        raise ValueError(f"{name} is not {size} bytes")
    return raw
