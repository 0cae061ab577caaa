"""Whose a file is, and whether it is still what they signed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgebot.core.errors import Untrusted, UsageError
from edgebot.models.signatures import PublicKey, SigningKey, make_pair, verify

CONTENT = b"what is signed"
MADE, NOW = 1_700_000_000, 1_700_000_100.0


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    make_pair(tmp_path / "a.key", tmp_path / "a.pub", "somebody", None)
    return SigningKey.read(tmp_path / "a.key")


def test_the_key_that_signed_is_told(tmp_path: Path, key: SigningKey) -> None:
    public = PublicKey.read(tmp_path / "a.pub")
    assert public.owner == "somebody"
    found = verify(CONTENT, key.sign(CONTENT), [public], made=MADE, now=NOW)
    assert found.id == key.public.id


def test_signing_again_gives_the_same(key: SigningKey) -> None:
    assert key.sign(CONTENT) == key.sign(CONTENT)


def test_the_private_file_is_nobody_elses(tmp_path: Path, key: SigningKey) -> None:
    assert (tmp_path / "a.key").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="there already"):
        make_pair(tmp_path / "a.key", tmp_path / "b.pub", "", None)
    with pytest.raises(UsageError, match="there already"):
        make_pair(tmp_path / "b.key", tmp_path / "a.pub", "", None)
    assert not (tmp_path / "b.key").exists()


def test_changed_content_is_refused(key: SigningKey) -> None:
    with pytest.raises(Untrusted, match="changed after signing"):
        verify(CONTENT + b".", key.sign(CONTENT), [key.public], made=MADE, now=NOW)


def test_an_unknown_key_is_refused(tmp_path: Path, key: SigningKey) -> None:
    make_pair(tmp_path / "b.key", tmp_path / "b.pub", "", None)
    other = PublicKey.read(tmp_path / "b.pub")
    with pytest.raises(Untrusted, match=f"trusted: {other.id}"):
        verify(CONTENT, key.sign(CONTENT), [other], made=MADE, now=NOW)
    with pytest.raises(Untrusted, match="trusted: none"):
        verify(CONTENT, key.sign(CONTENT), [], made=MADE, now=NOW)


def test_a_stolen_name_does_not_help(tmp_path: Path, key: SigningKey) -> None:
    make_pair(tmp_path / "b.key", tmp_path / "b.pub", "", None)
    forged = json.loads(SigningKey.read(tmp_path / "b.key").sign(CONTENT))
    forged["key"] = key.public.id
    with pytest.raises(Untrusted, match="changed after signing"):
        verify(CONTENT, json.dumps(forged).encode(), [key.public], made=MADE, now=NOW)


@pytest.mark.parametrize(("made", "now"), [(MADE, 1_800_000_000.0), (1_800_000_000, 0.0)])
def test_trust_ends_by_the_boards_clock_and_by_the_contents(
    key: SigningKey, made: int, now: float
) -> None:
    public = replace(key.public, expires=1_750_000_000)
    verify(CONTENT, key.sign(CONTENT), [public], made=MADE, now=NOW)
    with pytest.raises(Untrusted, match="out of date since 2025-06-15"):
        verify(CONTENT, key.sign(CONTENT), [public], made=made, now=now)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"{}",
        b"[]",
        b'{"algorithm": "rsa"}',
        b'{"algorithm": "ed25519", "key": 1, "signature": "AA=="}',
        b'{"algorithm": "ed25519", "key": "x", "signature": "%%%%"}',
        b" " * 70_000,
    ],
)
def test_damaged_signatures_are_refused(key: SigningKey, signature: bytes) -> None:
    with pytest.raises(Untrusted):
        verify(CONTENT, signature, [key.public], made=MADE, now=NOW)


@pytest.mark.parametrize("content", [b"", b"{}", b"-----BEGIN PRIVATE KEY-----", b"\xff" * 100])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="keygen"):
        SigningKey.read(path)
    with pytest.raises(UsageError, match="keygen"):
        PublicKey.read(path)


def test_a_public_file_whose_name_does_not_fit_is_refused(tmp_path: Path, key: SigningKey) -> None:
    data = json.loads((tmp_path / "a.pub").read_bytes())
    data["key"] = "0" * 16
    (tmp_path / "a.pub").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="damaged"):
        PublicKey.read(tmp_path / "a.pub")
