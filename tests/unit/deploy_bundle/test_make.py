"""A whole bundle from packages that take a moment to unpack: the rest is the real thing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from edgebot.config.profiles import Profile, load_profiles, profile_files
from edgebot.config.settings import Settings
from edgebot.core.errors import BundleError, UsageError
from edgebot.deploy import bundle_build, bundle_contents, debian, preparing, wheels
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.bundle_format import Manifest
from edgebot.deploy.bundle_order import Order, architecture, creation_date
from edgebot.models.catalog import Catalog
from edgebot.models.entry import Entry as ModelEntry
from edgebot.models.store import Installed
from tests.unit.deploy_bundle.small_bundle import key_in

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
METADATA = "Name: Numpy_Like\nVersion: 1.0\nLicense: MIT License\n\nlong text"


def profile(name: str = "rpi4") -> Profile:
    return next(p for p in load_profiles(profile_files(Path("/nowhere"))) if p.name == name)


def fake_unpack(site: Path, lock: Path, *_: object) -> None:
    (site / "numpy_like").mkdir(parents=True)
    (site / "numpy_like" / "__init__.py").write_text("VALUE = ('a', 1.5, frozenset({'x', 'y'}))\n")
    info = site / "numpy_like-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "RECORD").write_text("numpy_like/__init__.py,,\nnumpy_like/gone.py,,\n")


def little_package(site: Path) -> None:
    for name, text in {
        "edgebot/__init__.py": "NAMES = {'a', 'b', 'c'}\n",
        "edgebot/cli.py": "def f(x):\n    return x in {'p', 'q', 'r', 's', 't'}\n",
        "edgebot/deploy/board/program.py": "pass\n",
        "edgebot/_share/systemd/edgebot.service": "[Service]\n",
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_contents, "stage_package", little_package)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    wheel = tmp_path / "llama.whl"
    wheel.write_bytes(b"wheel")
    monkeypatch.setattr(wheels, "unpack", fake_unpack)
    monkeypatch.setattr(
        wheels, "llama_wheel", lambda *_, **__: wheels.LlamaWheel(wheel, ("dotprod",))
    )
    ready = tmp_path / "ready"
    (ready / "grammar").mkdir(parents=True)
    (ready / "grammar" / "phrases.txt").write_text("as kept\n")
    monkeypatch.setattr(preparing, "prepared", lambda *_: ready)
    deb = tmp_path / "libsound2_1.2-3+b1_arm64.deb"
    deb.write_bytes(b"a package")
    found = debian.Deb(deb, "libsound2", "1.2-3+b1")
    monkeypatch.setattr(debian, "packages", lambda *_: [found])
    monkeypatch.setattr(debian, "_licence", lambda deb: "LGPL-2.1+")
    folder = tmp_path / "store" / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny.onnx").write_bytes(b"weights" * 1000)
    sha256 = hashlib.sha256(b"weights" * 1000).hexdigest()
    entry = ModelEntry.model_validate(
        {
            "id": "tiny",
            "stage": "vad",
            "engine": "silero",
            "licence": "GPL-3.0",
            "homepage": "https://example.org",
            "description": "tiny",
            "memory_mb": 1,
            "files": [{"path": "tiny.onnx", "size": 7000, "sha256": sha256}],
            "sources": [{"local": {"path": "/nowhere", "root": "x"}}],
        }
    )
    models = [Installed(entry, folder, {})]
    return Order(profile(), "aarch64", PYTHON, None, models, False, 1_700_000_000)


def make(order: Order, out: Path, cache: Path) -> Manifest:
    out.mkdir(exist_ok=True)
    said: list[str] = []
    return bundle_build.make_bundle(order, out, key_in(cache), cache, said.append)


@pytest.mark.usefixtures("little")
def test_made_twice_it_is_the_same_to_the_byte(order: Order, tmp_path: Path) -> None:
    caches = [tmp_path / "one", tmp_path / "two"]
    for cache in caches:
        cache.mkdir()
    key_in(caches[0])
    for name in ("test.key", "test.pub"):
        (caches[1] / name).write_bytes((caches[0] / name).read_bytes())
    bundles = []
    for number, cache in enumerate(caches):
        manifest = make(order, tmp_path / f"out{number}", cache)
        bundles.append(tmp_path / f"out{number}" / manifest.file_name)
    assert bundles[0].read_bytes() == bundles[1].read_bytes()


def test_what_is_in_it(order: Order, tmp_path: Path) -> None:
    manifest = make(order, tmp_path / "out", tmp_path)
    bundle = tmp_path / "out" / manifest.file_name
    with BundleReader(bundle) as reader:
        reader.verify()
        entries = {entry.path: entry for entry in reader.manifest.entries}
        bill = json.loads(b"".join(reader.blocks(entries["sbom.cdx.json"])))
        licences = b"".join(reader.blocks(entries["licences.txt"])).decode()
        settings = yaml.safe_load(b"".join(reader.blocks(entries["settings/edgebot.yaml"])))
        memory = b"".join(reader.blocks(entries["systemd/edgebot.service.d/10-memory.conf"]))
    assert settings == {"profile": "rpi4"}
    assert b"MemoryMax=" in memory
    assert manifest.cpu == ("asimd", "dotprod")
    assert manifest.bytecode
    assert entries["bin/edgebot"].executable
    assert not entries["site/edgebot/__init__.py"].executable
    assert entries["systemd/edgebot.service"].kind == "unit"
    assert entries["models/tiny/tiny.onnx"].kind == "model"
    assert any(path.endswith(".pyc") for path in entries)
    assert any(entry.kind == "installer" for entry in entries.values())
    shared = "site/edgebot/_share/"
    assert entries[f"{shared}models/catalog.yaml"].kind == "python"
    assert any(
        e.kind == "knowledge" and p.startswith(f"{shared}knowledge/") for p, e in entries.items()
    )
    assert entries[f"{shared}prepared/grammar/phrases.txt"].kind == "knowledge"
    assert not any(path.endswith("/RECORD") for path in entries)
    assert entries["debian/bookworm/libsound2_1.2-3+b1_arm64.deb"].kind == "package"
    parts = {part["name"]: part for part in bill["components"]}
    sound = parts["libsound2"]
    assert sound["purl"] == "pkg:deb/debian/libsound2@1.2-3+b1?arch=arm64&distro=bookworm"
    assert sound["hashes"][0]["content"] == hashlib.sha256(b"a package").hexdigest()
    assert bill["specVersion"] == "1.5"
    assert parts["numpy-like"]["purl"] == "pkg:pypi/numpy-like@1.0"
    assert parts["numpy-like"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert (
        parts["tiny"]["components"][0]["hashes"][0]["content"]
        == entries["models/tiny/tiny.onnx"].sha256
    )
    assert "tiny" in licences.splitlines()[-1]


@pytest.mark.usefixtures("little")
def test_other_settings_are_another_release_with_one_new_object(
    order: Order, tmp_path: Path
) -> None:
    first = make(order, tmp_path / "a", tmp_path)
    own = tmp_path / "own.yaml"
    own.write_text("language: en\n")
    second = make(replace(order, settings_file=own), tmp_path / "b", tmp_path)
    assert first.release != second.release
    assert len(set(second.objects()) - set(first.objects())) == 1


@pytest.mark.usefixtures("little")
def test_packages_are_unpacked_once(
    order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(order, tmp_path / "out", tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("unpacked again")

    monkeypatch.setattr(wheels, "unpack", never)
    assert make(order, tmp_path / "out", tmp_path) == first


def test_the_launcher_runs_its_own_release_wherever_it_is_called_from(tmp_path: Path) -> None:
    release = tmp_path / "releases" / "0123456789abcdef"
    package = release / "site" / "edgebot"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(
        "import os, sys; print(os.environ['EDGEBOT_MODELS_DIR'], sys.argv[1:], __file__)"
    )
    launcher = release / "bin" / "edgebot"
    launcher.parent.mkdir()
    launcher.write_text(bundle_contents.LAUNCHER.format(python=PYTHON))
    launcher.chmod(0o755)
    (tmp_path / "current").symlink_to(release)
    (tmp_path / "edgebot").mkdir()  # a folder of that name in the current directory
    (tmp_path / "edgebot" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    said = subprocess.run(
        [tmp_path / "current" / "bin" / "edgebot", "ask", "what is  this"],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "['ask', 'what is  this']" in said
    assert f"{release}/site/edgebot/cli.py" in said
    assert said.startswith(f"{release}/models ")


def test_a_link_among_the_packages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(BundleError, match="link"):
        bundle_contents.tree(tmp_path, "site", "python")


def test_architecture_and_date() -> None:
    assert architecture(profile("rpi5"), None) == "aarch64"
    with pytest.raises(UsageError, match="is for aarch64, not for x86_64"):
        architecture(profile("rpi5"), "x86_64")
    assert creation_date({"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000
    with pytest.raises(UsageError, match="no number of seconds"):
        creation_date({"SOURCE_DATE_EPOCH": "yesterday"})
    assert creation_date({}) > 1_700_000_000


def test_models_are_those_the_profile_may_choose(catalog: Catalog) -> None:
    chosen = [
        entry.id for entry in bundle_contents.models_for(profile("rpi5"), Settings(), catalog)
    ]
    assert chosen.count("vosk-en-zamia") == 1
    assert "vosk-small-ko" not in chosen
    assert {"qwen2.5-coder-0.5b-instruct-q4_k_m", "smollm2-135m-instruct-q4_1"} <= set(chosen)
    assert "microwakeword-okay-nabu" in chosen


@pytest.mark.parametrize(
    ("expression", "licence", "classifiers", "expected"),
    [
        ("MIT AND BSD-3-Clause", "whatever", [], "MIT AND BSD-3-Clause"),
        ("", "Apache 2.0", [], "Apache-2.0"),
        ("", "UNKNOWN", ["License :: OSI Approved :: Apache Software License"], "Apache-2.0"),
        ("", "", ["License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"], None),
        ("", "x" * 5000, ["License :: OSI Approved :: MIT License"], "MIT"),
        ("", "", [], "unknown"),
    ],
)
def test_licences_are_called_as_spdx_calls_them(
    expression: str, licence: str, classifiers: list[str], expected: str | None
) -> None:
    found = bundle_contents.spdx(expression, licence, classifiers)
    assert found == (expected or "Mozilla Public License 2.0")


def test_what_is_prepared_follows_from_what_settings_mean(order: Order, tmp_path: Path) -> None:
    package = tmp_path / "edgebot"
    for name in ("nlu/a.py", "server/b.py", "_share/knowledge/facts.yaml"):
        (package / name).parent.mkdir(parents=True)
        (package / name).write_text("one")

    def key(settings: str = "profile: rpi4\n", wanted: Order = order) -> str:
        return preparing._key(wanted, settings.encode(), package)

    first = key()
    assert key("# a remark\nprofile:   rpi4\n") == first
    assert key("profile: rpi4\nlanguage: de\n") != first
    assert key(wanted=replace(order, profile=profile("rpi5"))) != first
    assert key(wanted=replace(order, models=[])) != first
    (package / "server/b.py").write_text("two")
    assert key() == first
    (package / "_share/knowledge/facts.yaml").write_text("two")
    assert key() != first
