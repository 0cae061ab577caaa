"""Several processes pull at once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from edgebot.models.entry import Entry
from tests.unit.models import shop

SPAWN = multiprocessing.get_context("spawn")


def pull(root: Path, cache: Path, entries: list[Entry], failures: list[str]) -> None:
    try:
        shop.Bench(root, entries, shop.Registry({}), shared_cache=cache).pull()
    except BaseException as error:
        failures.append(repr(error))
        raise


def run_all(roots: list[Path], cache: Path, entries: list[Entry]) -> None:
    with SPAWN.Manager() as manager:
        failures = manager.list()
        workers = [
            SPAWN.Process(target=pull, args=(root, cache, entries, failures)) for root in roots
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert list(failures) == []
        assert [worker.exitcode for worker in workers] == [0] * len(workers)


def served(server: shop.Server, archive: shop.Server) -> list[Entry]:
    """Two models that share a file, from an address and from an archive."""
    alone = shop.entry(
        [{"urls": {"model.bin": server.url}}],
        id="alone",
        files=[shop.file_spec("model.bin", shop.WEIGHTS)],
    )
    return [alone, shop.entry([{"archive": {"url": archive.url, "root": "tiny"}}])]


def test_same_store(tmp_path: Path) -> None:
    with (
        shop.serving(shop.Server(shop.WEIGHTS)) as server,
        shop.serving(shop.Server(shop.WHEEL)) as archive,
    ):
        entries = served(server, archive)
        run_all([tmp_path] * 4, tmp_path / "cache", entries)
        assert len(server.ranges) + len(archive.ranges) == 2, "each was fetched once"
    store = shop.Bench(tmp_path, entries).store
    assert [store.state(entry.id) for entry in entries] == ["ready", "ready"]


def test_two_stores_one_cache(tmp_path: Path) -> None:
    with (
        shop.serving(shop.Server(shop.WEIGHTS)) as server,
        shop.serving(shop.Server(shop.WHEEL)) as archive,
    ):
        entries = served(server, archive)
        roots = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
        run_all(roots, tmp_path / "cache", entries)
        assert len(server.ranges) + len(archive.ranges) == 2
    for root in roots:
        store = shop.Bench(root, entries).store
        assert [store.state(entry.id) for entry in entries] == ["ready", "ready"]
