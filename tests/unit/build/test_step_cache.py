"""The cache: whole or not there, the same for the same input, another for anything that differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgebot.build.artefact import of_file
from edgebot.build.step import Made, Texts, make_step
from edgebot.build.step_cache import StepCache


@pytest.fixture
def cache(tmp_path: Path) -> StepCache:
    return StepCache(tmp_path / "cache")


def keep(cache: StepCache, key: str, content: bytes = b"weights") -> Path:
    with cache.staging(key) as staging:
        files = staging / "files"
        files.mkdir()
        (files / "model.gguf").write_bytes(content)
        made = Made({"model": "model.gguf"}, {"n": 1})
        return cache.keep(key, files, made, 1.5, 20).artefact.file()


def test_what_was_kept_is_found(cache: StepCache) -> None:
    assert cache.load("aa11") is None
    path = keep(cache, "aa11")
    kept = cache.load("aa11")
    assert kept is not None
    assert (kept.artefact.file(), kept.notes, kept.seconds) == (path, {"n": 1}, 1.5)


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "facts"])
def test_what_is_damaged_is_as_good_as_absent(cache: StepCache, damage: str) -> None:
    path = keep(cache, "aa11")
    facts = path.parent.parent / "made.json"
    if damage == "changed":
        path.write_bytes(b"weightz")
    elif damage == "cut":
        path.write_bytes(b"wei")
    elif damage == "gone":
        path.unlink()
    else:
        facts.write_text(facts.read_text()[:20])
    assert cache.load("aa11") is None
    assert not path.parent.parent.exists(), "and does not stay"


def test_an_interrupted_step_leaves_nothing(cache: StepCache) -> None:
    with pytest.raises(KeyboardInterrupt), cache.staging("aa11") as staging:
        (staging / "half").write_bytes(b"wei")
        raise KeyboardInterrupt
    assert list(cache.root.iterdir()) == []
    assert cache.load("aa11") is None


def test_what_a_power_cut_left_is_swept_up(cache: StepCache) -> None:
    with cache.staging("aa11aa11aa11"):
        pass
    left = cache.root / ".aa11aa11aa11.left"
    left.mkdir()
    (left / "half").write_bytes(b"x")
    with cache.staging("aa11aa11aa11", alone=True):
        assert not left.exists()


def test_the_key_is_of_everything_that_matters(cache: StepCache, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.gguf").write_bytes(name.encode())
        (tmp_path / f"{name}.txt").write_text(name)
    a, b = (of_file(tmp_path / f"{name}.gguf") for name in "ab")
    one, other = (Texts({"calibration": [tmp_path / f"{name}.txt"]}) for name in "ab")
    step, more = (make_step("importance", {"tokens": tokens}) for tokens in (100, 200))
    keys = [
        cache.step_key(step, a, a, one),
        cache.step_key(step, b, a, one),
        cache.step_key(step, a, b, one),
        cache.step_key(step, a, a, other),
        cache.step_key(more, a, a, one),
    ]
    assert len(set(keys)) == len(keys)
    (tmp_path / "moved").mkdir()
    moved = (tmp_path / "a.gguf").rename(tmp_path / "moved" / "c.gguf")
    assert cache.step_key(step, of_file(moved), of_file(moved), one) == keys[0]


def test_figures_are_kept_and_damaged_ones_are_not_believed(cache: StepCache) -> None:
    cache.keep_figures("f1", {"kl": 0.25})
    assert cache.load_figures("f1") == {"kl": 0.25}
    (cache.root / "figures" / "f1.json").write_text(json.dumps({"kl": "much"}))
    assert cache.load_figures("f1") is None
    assert cache.load_figures("f2") is None
