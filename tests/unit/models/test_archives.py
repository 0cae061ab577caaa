"""Archives that nobody vouches for."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgebot.core.errors import FetchError
from edgebot.models import archives
from edgebot.models.archives import read_members
from tests.unit.models import shop

GOOD = {"root/model.bin": b"weights", "root/readme": b"text"}


def read(archive: bytes, tmp_path: Path, *wanted: str) -> dict[str, bytes]:
    path = tmp_path / "archive"
    path.write_bytes(archive)
    found: dict[str, bytes] = {}

    def take(name: str, data: IO[bytes]) -> None:
        found[name] = data.read()

    read_members(path, wanted or ("root/model.bin",), take)
    return found


def tar_member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path: Path, mode: str) -> None:
    assert read(shop.tarred(GOOD, mode), tmp_path) == {"root/model.bin": b"weights"}


def test_zip(tmp_path: Path) -> None:
    assert read(shop.zipped(GOOD), tmp_path, *GOOD) == GOOD


def test_member_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="holds no root/other"):
        read(shop.zipped(GOOD), tmp_path, "root/other")


@pytest.mark.parametrize(
    "name", ["../evil", "root/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "c:evil"]
)
def test_names_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    for archive in (shop.zipped({**GOOD, name: b""}), shop.tarred({**GOOD, name: b""})):
        with pytest.raises(FetchError, match="would leave the archive"):
            read(archive, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive"]


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "root/readme"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    archive = shop.tarred({"root/readme": b"", "x": tar_member("root/model.bin", kind, link)})
    with pytest.raises(FetchError, match="is a link or a device"):
        read(archive, tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("root/model.bin")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(FetchError, match="is a link or a device"):
        read(buffer.getvalue(), tmp_path)


def test_name_given_twice_is_refused(tmp_path: Path) -> None:
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("root/model.bin", b"one")
        archive.writestr("root/model.bin", b"two")
    with pytest.raises(FetchError, match="twice"):
        read(twice.getvalue(), tmp_path)


def test_bombs_are_refused_by_what_they_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1000)
    big = {**GOOD, "root/zeros": bytes(2000)}
    for archive in (shop.zipped(big), shop.tarred({"root/zeros": bytes(2000), **GOOD})):
        with pytest.raises(FetchError, match="more than"):
            read(archive, tmp_path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    many = {**GOOD, "a": b"", "b": b""}
    for archive in (shop.zipped(many), shop.tarred({"a": b"", "b": b"", **GOOD})):
        with pytest.raises(FetchError, match="more than 3 members"):
            read(archive, tmp_path)


def test_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = tar_member("././@PaxHeader", tarfile.XHDTYPE)
    header.size = 3 << 30
    with pytest.raises(FetchError, match="a header of"):
        read(gzip.compress(header.tobuf()), tmp_path)


def test_zip_that_lies_about_a_size(tmp_path: Path) -> None:
    honest = shop.zipped({"root/model.bin": bytes(100_000)})
    lying = honest.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path = tmp_path / "archive"
    path.write_bytes(lying)
    got: list[int] = []
    with pytest.raises(FetchError, match="damaged"):
        read_members(path, ["root/model.bin"], lambda _, data: got.append(len(data.read())))
    assert all(size <= 10 for size in got)


@pytest.mark.parametrize("make", [shop.zipped, shop.tarred])
def test_truncated_archives(tmp_path: Path, make: object) -> None:
    content = {"root/model.bin": os.urandom(20_000), "root/readme": b"text"}
    whole = make(content)  # type: ignore[operator]
    for cut in (0, 1, 20, len(whole) // 2):
        with pytest.raises(FetchError):
            read(whole[:cut], tmp_path, *content)


def test_encrypted_zip(tmp_path: Path) -> None:
    plain = bytearray(shop.zipped({"root/model.bin": b"weights"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        plain[plain.index(signature) + offset] |= 1
    with pytest.raises(FetchError, match="cannot be read"):
        read(bytes(plain), tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=600) | st.binary(max_size=200).map(gzip.compress))
def test_any_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FetchError):
        read(content, tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_any_flipped_byte_is_refused_or_harmless(
    tmp_path: Path, position: int, value: int, as_zip: bool
) -> None:
    spoiled = bytearray(shop.zipped(GOOD) if as_zip else shop.tarred(GOOD))
    spoiled[position % len(spoiled)] = value
    try:
        read(bytes(spoiled), tmp_path)
    except FetchError as error:
        assert str(error)
