"""What is offered to the board: looked at before anything of it is sent."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from . import checks, store, trust
from .checks import Board
from .durable import remove, tree_bytes, write
from .health import Question, usual
from .history import History
from .journal import busy
from .layout import Layout, read_json
from .manifest import MANIFEST_BYTES, Manifest, read
from .refusal import Refused

_HEAD_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Offer:
    """A signed manifest, and what whoever offers it asks for."""

    manifest: bytes
    signature: bytes
    trust: Sequence[bytes] = ()
    """Public files to be trusted from now on, because root says so."""

    first_key: bytes | None = None
    """To be trusted where the board trusts nobody yet."""

    allow_older: bool = False
    dry_run: bool = False
    """Only look; nothing is written."""

    question: dict[str, str] = field(default_factory=dict)
    """``wav`` (base64) and ``expected`` instead of the usual question."""


def read_offer(stream: IO[bytes]) -> Offer:
    """From a line of JSON with everything in base64, the manifest packed by zlib."""
    try:
        head: dict[str, Any] = json.loads(stream.readline(2 * MANIFEST_BYTES + _HEAD_BYTES))
        first = head.get("first_key")
        return Offer(
            manifest=_unpacked(base64.b64decode(head["manifest"])),
            signature=base64.b64decode(head["signature"]),
            trust=[base64.b64decode(key) for key in head.get("trust", ())],
            first_key=base64.b64decode(first) if first else None,
            allow_older=bool(head.get("allow_older")),
            dry_run=bool(head.get("dry_run")),
            question=head.get("question") or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        raise Refused("transfer", "what was offered did not come whole; flash again") from None


def _unpacked(raw: bytes) -> bytes:
    return zlib.decompressobj().decompress(raw, MANIFEST_BYTES + 1)


def consider(layout: Layout, offer: Offer, board: Board) -> dict[str, Any]:
    """Take the manifest in and say what is missing; raises :class:`Refused`.

    Nothing that runs is touched, whatever the offer is.
    """
    if who := busy(layout):
        raise Refused("busy", f"another update is under way on this board ({who}); wait for it")
    if len(offer.manifest) > MANIFEST_BYTES:
        raise Refused("manifest", "the manifest of the bundle is far too long; make it anew")
    manifest = verified(layout, offer, board)
    checks.check(layout, manifest, board)
    not_older(layout, manifest, offer.allow_older)
    lacking = store.missing(layout, manifest)
    needed = store.bytes_needed(manifest, lacking) + 2 * tree_bytes(layout.data)
    checks.check_space(layout, needed)
    if not offer.dry_run:
        _take_in(layout, offer, manifest)
    return {
        "release": manifest.release,
        "in_force": manifest.release == layout.current_release(),
        "missing": lacking,
    }


def _take_in(layout: Layout, offer: Offer, manifest: Manifest) -> None:
    for key in offer.trust:
        trust.add(layout, key)
    if offer.first_key is not None and not trust.keys(layout):
        trust.add(layout, offer.first_key)
    for folder in (layout.store, layout.releases, layout.incoming):
        folder.mkdir(parents=True, exist_ok=True)
    write(layout.manifest(manifest.release), offer.manifest)
    write(layout.signature(manifest.release), offer.signature)
    keep_question(layout, offer.question)


def verified(layout: Layout, offer: Offer, board: Board) -> Manifest:
    """The manifest, once its signature was checked; nothing of it is read before that."""
    known = trust.keys(layout)
    if offer.first_key is not None and not known:
        known = {key.id: key for key in [trust.read_key(offer.first_key)]}
    known |= {key.id: key for key in map(trust.read_key, offer.trust)}
    trust.verify(known, offer.manifest, offer.signature, 0, board.now)
    manifest = read(offer.manifest)
    trust.verify(known, offer.manifest, offer.signature, manifest.created, board.now)
    return manifest


def not_older(layout: Layout, manifest: Manifest, allowed: bool = False) -> None:
    """Raise :class:`Refused` for a release that was made before the newest that was in force."""
    floor = History(layout).floor
    if manifest.created < floor and not allowed:
        raise Refused(
            "older",
            f"the bundle (version {manifest.version}) is older than what this board has had; "
            "`edgebot flash HOST --rollback` goes back to the release before, `--allow-older` "
            "installs it all the same",
        )


def keep_question(layout: Layout, question: dict[str, str]) -> None:
    """Remember what is asked instead of the usual question."""
    place = layout.settings / "health.json"
    if question:
        layout.settings.mkdir(parents=True, exist_ok=True)
        write(place, json.dumps(question).encode())


def question_of(layout: Layout) -> Question:
    """What a release of this board is asked."""
    kept = read_json(layout.settings / "health.json")
    try:
        return Question(base64.b64decode(kept["wav"]), str(kept["expected"]))
    except (KeyError, ValueError, TypeError):
        return usual()


def known_manifest(layout: Layout, release: str) -> Manifest:
    """A manifest that the board has taken in, checked again; raises :class:`Refused`."""
    try:
        content = layout.manifest(release).read_bytes()
        signature = layout.signature(release).read_bytes()
    except OSError:
        raise Refused("release", f"release {release} was not offered to this board") from None
    trust.verify(trust.keys(layout), content, signature, 0)
    manifest = read(content)
    if manifest.release != release:
        remove(layout.manifest(release))
        raise Refused("tampered", f"the manifest of {release} belongs to another; flash again")
    return manifest
