"""Encrypted models: plain in memory alone, and only when nothing was touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.errors import ModelCorrupt, Untrusted, UsageError
from edgebot.models import sealed

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture(params=[0, 1, sealed.CHUNK - 1, sealed.CHUNK, 2 * sealed.CHUNK + 5])
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(at % 251 for at in range(request.param % 65536))
                     + b"\x07" * (request.param - request.param % 65536))  # fmt: skip
    return path


def test_there_and_back(plain: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.sealed"
    sealed.seal(plain, target, KEY)
    assert b"".join(sealed.unseal(target, KEY)) == plain.read_bytes()
    if plain.stat().st_size > 100:
        assert plain.read_bytes()[:100] not in target.read_bytes()
    again = tmp_path / "again.sealed"
    sealed.seal(plain, again, KEY)
    assert again.read_bytes() == target.read_bytes(), "two builds give the same bytes"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "model.gguf").write_bytes(b"abc" * sealed.CHUNK)
    target = tmp_path / "model.sealed"
    sealed.seal(tmp_path / "model.gguf", target, KEY)
    return target


def test_a_wrong_key_is_told_in_a_sentence(file: Path) -> None:
    with pytest.raises(Untrusted, match="put the right key on this machine"):
        list(sealed.unseal(file, OTHER))


def test_a_touched_file_is_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(Untrusted, match="changed after it was encrypted"):
        list(sealed.unseal(file, KEY))


def test_swapped_chunks_are_refused(file: Path) -> None:
    content = file.read_bytes()
    start = content.index(b"\n", len(sealed.MAGIC)) + 1
    size = sealed.CHUNK + 16
    first, second = content[start : start + size], content[start + size : start + 2 * size]
    file.write_bytes(content[:start] + second + first + content[start + 2 * size :])
    with pytest.raises(Untrusted):
        list(sealed.unseal(file, KEY))


@pytest.mark.parametrize("left", [0.3, 0.99])
def test_a_cut_file_is_refused(file: Path, left: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(left * len(content))])
    with pytest.raises(Untrusted):
        list(sealed.unseal(file, KEY))


def test_more_than_was_sealed_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(Untrusted, match="more in it"):
        list(sealed.unseal(file, KEY))


@pytest.mark.parametrize("content", [b"", b"GGUF", sealed.MAGIC, sealed.MAGIC + b"{}\n", b"x" * 99])
def test_what_is_no_sealed_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.sealed"
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt):
        list(sealed.unseal(path, KEY))


def test_in_memory_no_directory_names_it(file: Path) -> None:
    path = sealed.into_memory(file, KEY)
    assert path.read_bytes() == b"abc" * sealed.CHUNK
    assert "memfd" in str(path.readlink())


def test_where_the_key_comes_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="EDGEBOT_MODEL_KEY_FILE"):
        sealed.find_key({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    (tmp_path / sealed.CREDENTIAL).write_bytes(KEY)
    assert sealed.find_key({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == KEY
    (tmp_path / "own").write_text(OTHER.hex() + "\n")
    assert sealed.find_key({"EDGEBOT_MODEL_KEY_FILE": str(tmp_path / "own")}) == OTHER
    (tmp_path / "own").write_text("too short")
    with pytest.raises(UsageError, match="32 bytes or 64 hexadecimal digits"):
        sealed.find_key({"EDGEBOT_MODEL_KEY_FILE": str(tmp_path / "own")})
