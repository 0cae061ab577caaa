"""Model files that lie encrypted on the disk and are plain only in memory.

AES-256-GCM in chunks, each with a nonce of its own and bound to its place: a chunk that is changed,
moved, left out or taken from another file is refused. The nonces follow from the key and the
content, so that the same file is sealed to the same bytes.

What this protects: the card of a board that is switched off, a backup, a bundle on its way. What it
does not: a running board whose root user is the attacker, who can read the key and the memory.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edgebot.core.errors import ModelCorrupt, Untrusted, UsageError
from edgebot.models.digest import sha256_of

MAGIC = b"edgebot sealed 1\n"
CHUNK = 1 << 20
"""Plain bytes of a chunk."""

SUFFIX = ".sealed"
CREDENTIAL = "edgebot-model.key"
"""Name of the key among systemd's credentials (``LoadCredentialEncrypted=``)."""

KEY_FILE = "EDGEBOT_MODEL_KEY_FILE"
_SYSTEM_KEY = Path("/etc/edgebot/model.key")
_TAG, _KEY_BYTES, _HEADER_BYTES = 16, 32, 4096
_COUNTER = struct.Struct(">I")


def key_places(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where the key is looked for, in this order."""
    named = environ.get(KEY_FILE)
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    places = [Path(named)] if named else []
    if credentials:
        places.append(Path(credentials) / CREDENTIAL)
    return [*places, _SYSTEM_KEY]


def find_key(environ: Mapping[str, str] = os.environ) -> bytes:
    """The key of this machine; raises :class:`UsageError` naming where it was looked for."""
    places = key_places(environ)
    for place in places:
        if place.is_file():
            return read_key(place)
    raise UsageError(
        "the model is encrypted and there is no key for it here; looked for "
        + ", ".join(map(str, places))
        + f" (name one with {KEY_FILE})"
    )


def read_key(path: Path) -> bytes:
    """A key file: 32 bytes, or 64 hexadecimal digits; raises :class:`UsageError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the key cannot be read ({error.strerror or error})") from None
    if len(content) == _KEY_BYTES:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UsageError(f"{path}: a key is 32 bytes or 64 hexadecimal digits; this is neither")
    return key


def seal(source: Path, target: Path, key: bytes) -> None:
    """Write ``target``: ``source`` encrypted."""
    digest = sha256_of(source)
    prefix = hmac.new(key, b"nonce" + bytes.fromhex(digest), hashlib.sha256).digest()[:8]
    header = json.dumps(
        {
            "size": source.stat().st_size,
            "sha256": digest,
            "chunk": CHUNK,
            "nonce": prefix.hex(),
            "key": key_id(key),
        },
        sort_keys=True,
    ).encode()
    cipher = AESGCM(key)
    with source.open("rb") as plain, target.open("wb") as out:
        out.write(MAGIC + header + b"\n")
        chunk, number = plain.read(CHUNK), 0
        while True:
            following = plain.read(CHUNK)
            bound = _bound(header, number, not following)
            out.write(cipher.encrypt(prefix + _COUNTER.pack(number), chunk, bound))
            if not following:
                break
            chunk, number = following, number + 1
        out.flush()
        os.fsync(out.fileno())


def unseal(path: Path, key: bytes) -> Iterator[bytes]:
    """The plain bytes of ``path``, checked chunk by chunk.

    Raises :class:`Untrusted` for a wrong key and for content that was changed,
    :class:`ModelCorrupt` for what is no sealed file.
    """
    with path.open("rb") as file:
        told, header = _header(path, file)
        if told["key"] != key_id(key):
            raise Untrusted(
                f"{path}: it is encrypted with key {told['key']}, and the key here is "
                f"{key_id(key)}; put the right key on this machine"
            )
        cipher, prefix = AESGCM(key), bytes.fromhex(told["nonce"])
        size, number = int(told["size"]), 0
        count = max(1, -(-size // CHUNK))
        while number < count:
            sealed = file.read(CHUNK + _TAG)
            bound = _bound(header, number, number == count - 1)
            try:
                yield cipher.decrypt(prefix + _COUNTER.pack(number), sealed, bound)
            except (InvalidTag, ValueError):
                raise Untrusted(
                    f"{path}: it was changed after it was encrypted (part {number + 1}/{count}); "
                    "copy the model anew"
                ) from None
            number += 1
        if file.read(1):
            raise Untrusted(f"{path}: there is more in it than was encrypted; copy it anew")


def into_memory(path: Path, key: bytes) -> Path:
    """The plain file in memory that no directory names; its path works in this process alone.

    Nothing is written to a disk; the pages are as safe from swap as the machine's swap is
    encrypted or off.
    """
    descriptor = os.memfd_create(path.name, os.MFD_CLOEXEC)
    try:
        for chunk in unseal(path, key):
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view) :]
    except BaseException:
        os.close(descriptor)
        raise
    return Path(f"/proc/self/fd/{descriptor}")


def key_id(key: bytes) -> str:
    """Eight hexadecimal digits by which a key is told from others; says nothing about it."""
    return hashlib.sha256(b"edgebot model key" + key).hexdigest()[:8]


def _header(path: Path, file: IO[bytes]) -> tuple[dict[str, str], bytes]:
    if file.read(len(MAGIC)) != MAGIC:
        raise ModelCorrupt(f"{path}: this is no sealed model; build or copy it anew")
    line = file.readline(_HEADER_BYTES)
    try:
        told = json.loads(line)
        if not {"size", "sha256", "nonce", "key"} <= set(told) or told["chunk"] != CHUNK:
            raise ValueError
        bytes.fromhex(told["nonce"])
        int(told["size"])
    except (ValueError, TypeError, KeyError):
        raise ModelCorrupt(f"{path}: its header is damaged; build or copy it anew") from None
    return told, line.rstrip(b"\n")


def _bound(header: bytes, number: int, last: bool) -> bytes:
    return hashlib.sha256(header).digest() + _COUNTER.pack(number) + bytes([last])
