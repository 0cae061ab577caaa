"""What a board refuses, each with one sentence, while the running release goes on."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from edgebot.deploy.board import checks, ed25519, offer, store
from edgebot.deploy.board.journal import only_one
from edgebot.deploy.board.manifest import read
from edgebot.deploy.board.refusal import Refused
from edgebot.deploy.bundle_format import Entry
from edgebot.deploy.bundle_format import Manifest as Made
from tests.unit.deploy_flash.little import (
    CREATED,
    Keys,
    LittleBoard,
    Release,
    head_and,
    refusal,
    release,
)

OLD = "About 35 ounces. (old)"
LATER = CREATED + 100

# RFC 8032, section 7.1: secret keys are left out, nothing here signs.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
        "c6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_of_the_standard(public: str, message: str, signature: str) -> None:
    key, text, signed = map(bytes.fromhex, (public, message, signature))
    assert ed25519.verify(key, text, signed)
    for place in (0, 31, 32, 63):
        wrong = bytearray(signed)
        wrong[place] ^= 1
        assert not ed25519.verify(key, text, bytes(wrong))
    assert not ed25519.verify(key, text + b"x", signed)
    assert not ed25519.verify(key, text, signed[:63])
    assert not ed25519.verify(bytes(31) + b"\xff", text, signed)


def test_a_signature_with_a_second_form_is_refused() -> None:
    """Malleability: S must be below the order of the group (RFC 8032, section 5.1.7)."""
    public, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    assert not ed25519.verify(public, message, signature[:32] + s.to_bytes(32, "little"))


def test_it_agrees_with_the_library_that_signs(keys: Keys) -> None:
    key, _ = keys.pair("maker")
    raw = json.loads(key.sign(b"some manifest"))["signature"]
    signature = base64.b64decode(raw)
    assert ed25519.verify(key.public.public, b"some manifest", signature)
    assert not ed25519.verify(key.public.public, b"another one", signature)


@pytest.mark.parametrize(
    ("facts", "kind", "words"),
    [
        ({"arch": "aarch64"}, "arch", "is for aarch64 and this board is"),
        ({"python": "3.13"}, "python", "needs Python 3.13"),
        ({"glibc": "9.99"}, "glibc", "needs glibc 9.99"),
        ({"cpu": ("a-feature-of-tomorrow",)}, "cpu", "for another board"),
        ({"system": ("libnosuchthing7",)}, "packages", "apt-get install libnosuchthing7"),
        ({"created": int(time.time()) + 10 * 86_400}, "clock", "clock"),
        ({"created": CREATED - 100}, "older", "older than what this board has had"),
    ],
)
def test_a_bundle_that_does_not_fit(
    board: LittleBoard, facts: dict[str, Any], kind: str, words: str
) -> None:
    if facts.get("python") in checks.look().pythons:
        pytest.skip("this machine has that Python too")
    bad = release(board.key, "bad", **({"created": LATER} | facts))
    problem = refusal(lambda: board.offer(bad))
    assert problem.kind == kind
    assert words in str(problem)
    assert board.reply() == OLD
    assert not board.layout.manifest(bad.id).exists()


def test_missing_alsa_and_no_space_are_named(
    board: LittleBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = release(board.key, "new", created=LATER)
    deaf = dataclasses.replace(checks.look(), alsa=False)
    made = offer.Offer(new.manifest.to_bytes(), new.signature)
    assert "apt-get install libasound2" in str(
        refusal(lambda: offer.consider(board.layout, made, deaf))
    )
    monkeypatch.setattr(checks, "SPARE_BYTES", 1 << 60)
    problem = refusal(lambda: board.offer(new))
    assert problem.kind == "space" and "--prune" in str(problem)
    assert board.reply() == OLD


def test_an_older_bundle_is_taken_where_that_is_wished(board: LittleBoard) -> None:
    older = release(board.key, "older", created=CREATED - 100)
    found = board.offer(older, allow_older=True)
    board.send(older, found)
    assert "older" in board.call("install", older.id)["message"]
    assert board.call("install", older.id, "--allow-older")["outcome"] == "ok"
    assert board.reply() == "About 35 ounces. (older)"


def test_unknown_expired_and_forged_signatures(
    board: LittleBoard, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, public = keys.pair("stranger")
    problem = refusal(
        lambda: board.offer(release(stranger, "bad", created=LATER), first_key=public)
    )
    assert problem.kind == "unknown-key" and "--trust" in str(problem)

    ended, public = keys.pair("ended", expires=int(time.time()) - 1)
    bad = release(ended, "bad", created=LATER)
    problem = refusal(lambda: board.offer(bad, trust=[public]))
    assert problem.kind == "expired-key" and "out of date since" in str(problem)
    assert len(list(board.layout.trust.iterdir())) == 1  # and is not trusted from now on

    good = release(board.key, "new", created=LATER)
    tampered = good.manifest.to_bytes().replace(b'"executable": false', b'"executable": true', 1)
    forged = offer.Offer(tampered, good.signature)
    problem = refusal(lambda: offer.consider(board.layout, forged, checks.look()))
    assert problem.kind == "tampered"

    for nonsense in (b"", b"{}", b"[]", b'{"key": 3, "signature": "!"}', b"\xff" * 100):
        broken = offer.Offer(good.manifest.to_bytes(), nonsense)
        problem = refusal(lambda broken=broken: offer.consider(board.layout, broken, checks.look()))  # type: ignore[misc]
        assert problem.kind in ("signature", "unknown-key")
    assert board.reply() == OLD


def test_a_new_key_is_trusted_when_root_says_so(board: LittleBoard, keys: Keys) -> None:
    key, public = keys.pair("second")
    new = release(key, "new", created=LATER)
    assert board.flash(new, trust=[public])["outcome"] == "ok"
    assert board.reply() == "About 35 ounces. (new)"


def made(**facts: Any) -> Made:
    about: dict[str, Any] = {
        "version": "1", "profile": "x86", "arch": "x86_64", "python": "3.11", "glibc": "2.17",
        "cpu": (), "created": 1, "bytecode": True, "system": (), "components": (),
        "entries": (Entry("bin/edgebot", "0" * 64, 1, "python"),),
    } | facts  # fmt: skip
    return Made(**about)


def test_both_ends_read_the_same_manifest() -> None:
    manifest = made()
    found = read(manifest.to_bytes())
    assert found.release == manifest.release
    assert found.entries[0].path == "bin/edgebot"


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../up", "a/../../b", "a//b", "", ".", "a/./b", "a\\b", "a\nb", "x" * 300],
)
def test_paths_that_lead_outside_are_refused(path: str) -> None:
    manifest = made(entries=(Entry(path, "0" * 64, 1, "python"),))
    assert refusal(lambda: read(manifest.to_bytes())).kind == "manifest"


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"[]", b"{}", b'{"format": 1}', b"[" * 100_000, b"\xff\xfe", b"null"],
)
def test_no_manifest_at_all(content: bytes) -> None:
    assert refusal(lambda: read(content)).kind in ("manifest", "format")


def test_a_manifest_of_tomorrow() -> None:
    content = made().to_bytes().replace(b'"format": 1', b'"format": 2')
    assert refusal(lambda: read(content)).kind == "format"


@pytest.fixture
def offered(board: LittleBoard) -> tuple[LittleBoard, Release, str, bytes]:
    new = release(board.key, "new", created=LATER)
    found = board.offer(new)
    sha256 = next(iter(found["missing"]))
    return board, new, sha256, new.objects[sha256]


def receive(board: LittleBoard, new: Release, stream: bytes) -> Refused:
    manifest = offer.known_manifest(board.layout, new.id)
    return refusal(lambda: store.receive(board.layout, manifest, io.BytesIO(stream)))


def test_a_transfer_goes_on_where_it_broke_off(
    offered: tuple[LittleBoard, Release, str, bytes],
) -> None:
    board, new, sha256, content = offered
    problem = receive(board, new, head_and(sha256, content)[:-100])
    assert "goes on where it stopped" in str(problem)
    have = board.offer(new)["missing"][sha256]
    assert have == len(content) - 100
    manifest = offer.known_manifest(board.layout, new.id)
    rest = head_and(sha256, content, have)
    assert store.receive(board.layout, manifest, io.BytesIO(rest)) == 1
    assert board.layout.object(sha256).read_bytes() == content


def test_an_object_that_is_another(offered: tuple[LittleBoard, Release, str, bytes]) -> None:
    board, new, sha256, content = offered
    problem = receive(board, new, head_and(sha256, b"X" + content[1:]))
    assert problem.kind == "hash"
    assert not board.layout.object(sha256).exists()
    assert sha256 in board.offer(new)["missing"]
    assert "not come yet" in board.call("install", new.id)["message"]
    assert receive(board, new, head_and("0" * 64, b"hello")).kind == "transfer"
    assert board.reply() == OLD


def test_an_object_that_the_disk_has_spoilt(board: LittleBoard) -> None:
    new = release(board.key, "new", created=LATER)
    manifest = board.send(new)
    model = next(entry for entry in manifest.entries if entry.path == "site/assistant.py")
    spoilt = board.layout.object(model.sha256)
    content = bytearray(spoilt.read_bytes())
    content[-2] ^= 1
    spoilt.chmod(0o600)
    spoilt.write_bytes(content)
    state = board.call("install", new.id)
    assert state["outcome"] == "refused" and "another hash" in state["message"]
    assert board.reply() == OLD
    assert board.flash(new)["outcome"] == "ok"  # the object is sent anew


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"nonsense", b"[]", b'{"manifest": "AAAA", "signature": "AAAA"}', b"null"]
)
def test_an_offer_that_did_not_come_whole(line: bytes) -> None:
    assert refusal(lambda: offer.read_offer(io.BytesIO(line))).kind == "transfer"


def test_an_offer_is_read_as_it_was_sent(old: Release) -> None:
    packed = base64.b64encode(zlib.compress(old.manifest.to_bytes())).decode()
    head = {"manifest": packed, "signature": base64.b64encode(old.signature).decode()}
    found = offer.read_offer(io.BytesIO(json.dumps(head).encode() + b"\n"))
    assert (found.manifest, found.signature) == (old.manifest.to_bytes(), old.signature)


def test_two_flashes_at_once(board: LittleBoard) -> None:
    new = release(board.key, "new", created=LATER)
    board.send(new)
    with only_one(board.layout, "release 1234"):
        assert "another update is under way" in str(refusal(lambda: board.offer(new)))
        for words in (
            ["install", new.id],
            ["rollback", new.id],
            ["prune"],
            ["install", new.id, "--detach"],
        ):
            said = board.call(*words)
            assert said["kind"] in ("busy", "release") and said["ok"] is False
        assert "release 1234" in board.call("status")["busy"]
    assert board.reply() == OLD


def test_what_was_never_offered(board: LittleBoard) -> None:
    for name in ("0" * 16, "../../etc", "", "zz"):
        said = board.call("install", name)
        assert said["ok"] is False and said["kind"] == "release"


def test_prune_keeps_what_runs_and_what_was_before(board: LittleBoard, old: Release) -> None:
    for name in ("new", "newer"):
        one = release(
            board.key, name, created=LATER, files={"site/big": (name.encode() * 9, "python")}
        )
        assert board.flash(one)["outcome"] == "ok"
    board.layout.incoming.joinpath("f" * 64 + ".part").write_bytes(bytes(1000))
    said = board.call("prune")
    assert said["removed"] == [old.id]
    assert said["freed"] >= 1000
    assert len(board.call("list")["releases"]) == 2
    assert board.call("rollback")["outcome"] == "ok"
    assert board.reply() == "About 35 ounces. (new)"


def test_uninstall_leaves_nothing(board: LittleBoard, tmp_path: Path) -> None:
    board.call("uninstall")
    left = [p for p in board.layout.root.rglob("*") if not p.is_dir() or p.is_symlink()]
    assert left == []
