"""Bundles are written whole and the same, and read with suspicion."""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path

import pytest

from edgebot.core.errors import BundleError
from edgebot.deploy.bundle_file import BundleReader, packing, unpack, write_bundle
from edgebot.deploy.bundle_format import MANIFEST, OBJECTS, SIGNATURE
from tests.unit.deploy_bundle.small_bundle import CONTENTS, key_in, manifest_of, write_small


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "a.bundle"
    write_small(path, key_in(tmp_path))
    return path


def test_what_went_in_comes_out(bundle: Path) -> None:
    with BundleReader(bundle) as reader:
        found = {entry.path: b"".join(reader.blocks(entry)) for entry in reader.manifest.entries}
        reader.verify()
    assert found == CONTENTS


def test_the_same_inputs_are_the_same_bytes(tmp_path: Path, bundle: Path) -> None:
    again = tmp_path / "b.bundle"
    write_small(again, key_in(tmp_path))
    assert again.read_bytes() == bundle.read_bytes()


def test_each_content_is_in_it_once_and_packed_where_it_helps(bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        members = tar.getmembers()
    assert [member.name for member in members[:2]] == [MANIFEST, SIGNATURE]
    names = [member.name for member in members[2:]]
    assert names == sorted(names)
    assert len(names) == len(set(CONTENTS.values()))
    assert bundle.stat().st_size < 3_100_000
    assert packing(CONTENTS["models/m/random"]) == "plain"


def test_progress_ends_at_the_sum_of_all_objects(tmp_path: Path) -> None:
    manifest = manifest_of(CONTENTS)
    told: list[int] = []
    sources = {entry.sha256: CONTENTS[entry.path] for entry in manifest.entries}
    write_bundle(tmp_path / "c", manifest, b"", sources, told.append)
    assert told == sorted(told)
    assert told[-1] == sum(entry.size for entry in manifest.objects().values())


def test_a_file_that_changes_meanwhile_leaves_no_bundle(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"before")
    manifest = manifest_of({"site/a.py": b"before"})
    source.write_bytes(b"behind")
    out = tmp_path / "out" / "x.bundle"
    out.parent.mkdir()
    with pytest.raises(BundleError, match="changed while the bundle was made"):
        write_bundle(out, manifest, b"", {manifest.entries[0].sha256: source})
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_one_that_is_cut_off_is_refused(bundle: Path, share: float) -> None:
    content = bundle.read_bytes()
    bundle.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BundleError), BundleReader(bundle) as reader:
        reader.verify()


def test_a_changed_byte_of_an_object_is_found(bundle: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with BundleReader(bundle) as reader, pytest.raises(BundleError, match="copy it anew"):
        reader.verify()


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 1000, b"\0" * 10_240])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BundleError):
        BundleReader(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle can be read"):
        BundleReader(tmp_path / "nowhere")


def _tar(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_a_manifest_that_is_not_first_is_not_looked_for(tmp_path: Path) -> None:
    content = manifest_of(CONTENTS).to_bytes()
    path = _tar(tmp_path / "x", (OBJECTS + "0" * 64, b""), (MANIFEST, content), (SIGNATURE, b""))
    with pytest.raises(BundleError, match=r"manifest\.json is not where"):
        BundleReader(path)


def test_a_packed_object_cannot_fill_the_memory(tmp_path: Path) -> None:
    manifest = manifest_of({"site/a.py": b"small" * 100})
    entry = manifest.entries[0]
    assert entry.stored == "zlib"
    bomb = zlib.compress(b"\0" * 50_000_000)
    path = _tar(
        tmp_path / "x",
        (MANIFEST, manifest.to_bytes()),
        (SIGNATURE, b""),
        (OBJECTS + entry.sha256, bomb),
    )
    with BundleReader(path) as reader, pytest.raises(BundleError, match="not what the manifest"):
        for block in reader.blocks(entry):
            assert len(block) <= entry.size


def test_packed_content_comes_in_blocks_and_whole() -> None:
    content = b"ab" * 3_000_000
    blocks = list(unpack(io.BytesIO(zlib.compress(content)), "zlib"))
    assert b"".join(blocks) == content
    assert max(map(len, blocks)) <= 1 << 20
    with pytest.raises(BundleError, match="damaged"):
        list(unpack(io.BytesIO(b"no zlib"), "zlib"))


def test_an_object_that_is_missing_is_named(tmp_path: Path) -> None:
    manifest = manifest_of({"site/a.py": b"1"})
    path = _tar(tmp_path / "x", (MANIFEST, manifest.to_bytes()), (SIGNATURE, b""))
    with BundleReader(path) as reader, pytest.raises(BundleError, match="lacks object"):
        reader.verify()
