"""The store opens what is verified, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from edgebot.core.errors import ConfigError, ModelCorrupt, ModelMissing
from edgebot.models import store as store_module
from tests.unit.models import shop

WEIGHTS, TOKENS = shop.WEIGHTS, shop.TOKENS


@pytest.fixture
def bench(tmp_path: Path) -> shop.Bench:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    return bench


def model(bench: shop.Bench) -> Path:
    path = bench.root / "store" / "tiny" / "model.bin"
    path.chmod(0o644)
    return path


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    hashed: list[Path] = []
    real = store_module.sha256_of

    def counting(path: Path) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(store_module, "sha256_of", counting)
    return hashed


def test_absent_model_names_the_next_command(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    with pytest.raises(ModelMissing, match="run `edgebot models pull tiny`") as caught:
        bench.store.open("tiny")
    assert caught.value.exit_code == 3
    assert bench.store.state("tiny") == "missing"
    assert not (tmp_path / "store").exists(), "looking changes nothing"


def test_unknown_model_hints_at_the_nearest(bench: shop.Bench) -> None:
    with pytest.raises(ConfigError, match="did you mean 'tiny'"):
        bench.store.open("tinny")


def test_missing_file_is_named(bench: shop.Bench) -> None:
    model(bench).unlink()
    with pytest.raises(ModelMissing) as caught:
        bench.store.open("tiny")
    assert str(model_path := bench.root / "store/tiny/model.bin") in str(caught.value), model_path
    assert shop.sha256(WEIGHTS) in str(caught.value)
    assert bench.store.state("tiny") == "partial"


def test_truncated_file_is_named_with_both_hashes(bench: shop.Bench) -> None:
    path = model(bench)
    path.write_bytes(WEIGHTS[:1000])
    with pytest.raises(ModelCorrupt) as caught:
        bench.store.open("tiny")
    said = str(caught.value)
    assert str(path) in said
    assert f"{shop.sha256(WEIGHTS)} ({len(WEIGHTS)} bytes)" in said
    assert f"{shop.sha256(WEIGHTS[:1000])} (1000 bytes)" in said
    assert "edgebot models pull tiny" in said


def test_tampering_that_keeps_size_and_time_is_found(bench: shop.Bench) -> None:
    path = model(bench)
    before = path.stat()
    path.write_bytes(b"!" + WEIGHTS[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(ModelCorrupt):
        bench.store.open("tiny")


def test_replaced_file_is_found(bench: shop.Bench) -> None:
    path = model(bench)
    other = path.with_name("other")
    other.write_bytes(b"!" + WEIGHTS[1:])
    other.replace(path)
    assert bench.store.state("tiny") == "corrupt"


def test_unchanged_files_are_not_hashed_again(
    bench: shop.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = count_hashes(monkeypatch)
    bench.store.open("tiny")
    assert hashed == []


def test_touched_file_is_hashed_once(bench: shop.Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    old = time.time_ns() - 10**10
    os.utime(model(bench), ns=(old, old))
    hashed = count_hashes(monkeypatch)
    # Its inode changed a moment ago: within a tick of the clock a record proves nothing yet.
    monkeypatch.setattr("edgebot.models.lock.SETTLED_NS", -(10**12))
    bench.store.open("tiny")
    bench.store.open("tiny")
    assert [path.name for path in hashed] == ["model.bin"]


def test_record_from_within_a_tick_proves_nothing(
    bench: shop.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebot.models.lock.SETTLED_NS", 10**15)
    hashed = count_hashes(monkeypatch)
    bench.store.open("tiny")
    assert len(hashed) == 2


def test_verify_again_hashes_everything(bench: shop.Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = count_hashes(monkeypatch)
    assert bench.store.verify("tiny", again=True) == []
    assert len(hashed) == 2


def test_lock_file_tells_what_was_verified(bench: shop.Bench) -> None:
    content = json.loads((bench.root / "store" / "models.lock").read_text())
    known = content["models"]["tiny"]
    assert known["files"]["model.bin"]["sha256"] == shop.sha256(WEIGHTS)
    assert known["files"]["model.bin"]["inode"] == model(bench).stat().st_ino
    assert known["sources"] == ["pip package tiny==1.0"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"version": 9}',
        '{"version": 1, "models": {"tiny": 5}}',
        '{"version": 1, "models": {"tiny": {"files": {"model.bin": {"sha256": 1}}}}}',
        '{"version": 1, "models": {"tiny": {"files": [1]}}}',
    ],
)
def test_lock_file_that_is_no_lock_file_is_written_anew(bench: shop.Bench, content: str) -> None:
    lock = bench.root / "store" / "models.lock"
    lock.write_text(content)
    assert bench.store.state("tiny") == "ready"
    assert "model.bin" in lock.read_text()


def test_changed_catalogue_is_noticed(bench: shop.Bench) -> None:
    files = [shop.file_spec("model.bin", b"new weights", role="model")]
    bench.entries = [shop.entry([shop.FROM_WHEEL], files=files)]
    assert bench.store.state("tiny") == "corrupt"


def test_store_of_somebody_else_is_only_slower(
    bench: shop.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.root / "store" / "models.lock").unlink()
    (bench.root / "store" / "models.lock").mkdir()  # as unwritable as can be, for root too
    hashed = count_hashes(monkeypatch)
    assert bench.store.open("tiny").id == "tiny"
    assert len(hashed) == 2


def test_stranger_in_a_directory_that_an_engine_reads(tmp_path: Path) -> None:
    entry = shop.entry([shop.FROM_WHEEL], roles={"folder": "."})
    bench = shop.Bench(tmp_path, [entry])
    bench.pull()
    assert bench.store.open("tiny").files["folder"] == tmp_path / "store" / "tiny"
    (tmp_path / "store" / "tiny" / "sub" / "extra.conf").write_text("--evil=true")
    with pytest.raises(ModelCorrupt, match=r"extra\.conf"):
        bench.store.open("tiny")
    bench.pull()
    assert bench.store.state("tiny") == "ready"


def test_left_over_staging_is_swept_away(bench: shop.Bench) -> None:
    leftover = bench.root / "store" / ".staging-tiny"
    leftover.mkdir()
    (leftover / "half").write_text("half")
    shutil.rmtree(bench.root / "store" / "tiny")
    bench.pull()
    assert not leftover.exists()
    assert bench.store.state("tiny") == "ready"


def test_files_are_read_only(bench: shop.Bench) -> None:
    assert bench.store.open("tiny").files["model"].stat().st_mode & 0o222 == 0
