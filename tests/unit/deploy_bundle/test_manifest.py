"""A manifest says what it says, and nothing else is taken for one."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebot.core.errors import BundleError
from edgebot.deploy.bundle_format import Entry, Manifest, check_paths
from tests.unit.deploy_bundle.small_bundle import CONTENTS, manifest_of

MANIFEST = manifest_of(CONTENTS)


def test_it_survives_writing_and_reading() -> None:
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST


def test_the_release_follows_from_the_contents_and_not_from_the_date() -> None:
    assert replace(MANIFEST, created=MANIFEST.created + 1).release == MANIFEST.release
    assert manifest_of({**CONTENTS, "site/more.py": b""}).release != MANIFEST.release
    assert replace(MANIFEST, profile="rpi4").release != MANIFEST.release


def test_its_name_tells_what_it_is_for() -> None:
    assert MANIFEST.file_name == "edgebot-0.1.0-rpi5-aarch64-py311.bundle"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../b",
        "a//b",
        "./a",
        "a/",
        "a\0b",
        "a\nb",
        "a\\b",
        "x" * 256,
    ],
)
def test_paths_stay_inside_a_release(path: str) -> None:
    with pytest.raises(BundleError, match="no path inside a release"):
        check_paths([Entry(path, "0" * 64, 1, "python")])


def test_paths_agree_with_one_another() -> None:
    one = Entry("a", "0" * 64, 1, "python")
    with pytest.raises(BundleError, match="twice"):
        check_paths([one, one])
    with pytest.raises(BundleError, match="file and a directory"):
        check_paths([one, Entry("a/b", "1" * 64, 1, "python")])
    with pytest.raises(BundleError, match="disagrees"):
        check_paths([one, Entry("b", "0" * 64, 2, "python")])


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"release": "0" * 16},
        {"arch": "armv7l"},
        {"python": "2.7"},
        {"profile": "../x"},
        {"profile": None},
        {"created": -1},
        {"created": True},
        {"created": "now"},
        {"bytecode": 1},
        {"cpu": "asimd"},
        {"cpu": [1]},
        {"entries": None},
        {"entries": [1]},
        {"entries": [{}]},
        {"components": [{"name": "x"}]},
    ],
)
def test_what_is_wrong_in_it_is_refused(change: dict[str, Any]) -> None:
    data = {**json.loads(MANIFEST.to_bytes()), **change}
    with pytest.raises(BundleError):
        Manifest.from_bytes(json.dumps(data).encode())


@pytest.mark.parametrize("key", sorted(json.loads(MANIFEST.to_bytes())))
def test_nothing_may_be_missing(key: str) -> None:
    data = json.loads(MANIFEST.to_bytes())
    del data[key]
    with pytest.raises(BundleError):
        Manifest.from_bytes(json.dumps(data).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 100_000, b"1" * (33 << 20)]
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError):
        Manifest.from_bytes(content)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(sorted(json.loads(MANIFEST.to_bytes()))), value=_JSON)
def test_any_value_in_any_place_is_read_or_refused(key: str, value: Any) -> None:
    data = {**json.loads(MANIFEST.to_bytes()), key: value}
    with contextlib.suppress(BundleError):
        Manifest.from_bytes(json.dumps(data).encode())
