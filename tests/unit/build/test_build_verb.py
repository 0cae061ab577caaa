"""``edgebot build``, as it is called: what passes is shipped, signed and found by the catalogue;
what does not, what is broken and what is interrupted leaves nothing behind."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgebot.build.artefact import of_file
from edgebot.build.building import Building, Origin
from edgebot.build.recipe import read_recipe
from edgebot.build.step_cache import StepCache
from edgebot.cli.main import main
from edgebot.core.errors import EngineError, ModelError, OutOfMemory, Untrusted, UsageError
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore
from edgebot.nlg.gguf_header import read_header
from edgebot.nlg.llama import LlamaEngine
from tests.unit.build.tiny import write_gguf

RECIPE = """
description: for a test
source: tiny.gguf
licence: Apache-2.0
texts: {calibration: [text.txt], held: [text.txt], prompts: [prompts.yaml], book: [$DATA/book.txt]}
steps:
  - importance: {tokens: 200}
  - quantize: {type: Q8_0}
evaluate:
  - files
  - perplexity: {tokens: 150, window_tokens: 128}
  - perplexity: {text: book, prefix: book_}
gates: ["kl <= 0.05", "size_mb <= 0.5 * source"]
"""


def lay_out(folder: Path) -> None:
    write_gguf(folder / "tiny.gguf")
    (folder / "text.txt").write_text("the kettle is on the stove and the cat sits here. " * 30)
    (folder / "prompts.yaml").write_text("- what is it\n- who are you\n")
    (folder / "small.yaml").write_text(RECIPE)


def live_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    for name in ("MODELS", "CACHE", "STATE"):
        monkeypatch.setenv(f"EDGEBOT_{name}_DIR", str(folder / name.lower()))
    monkeypatch.delenv("EDGEBOT_DATA", raising=False)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in which nothing was built yet."""
    lay_out(tmp_path)
    return live_in(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the recipe was built and installed."""
    folder = tmp_path_factory.mktemp("once")
    lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        live_in(folder, patch)
        assert call("--recipe", "small.yaml") == 0
    return folder


@pytest.fixture
def built(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return live_in(tmp_path, monkeypatch)


@pytest.fixture
def warm(built: Path) -> Path:
    """A copy in which only the cache knows of it."""
    for name in ("build", "models", "state"):
        shutil.rmtree(built / name)
    return built


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["build", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def change(home: Path, before: str, after: str) -> None:
    text = (home / "small.yaml").read_text()
    assert before in text
    (home / "small.yaml").write_text(text.replace(before, after))


def store(home: Path) -> ModelStore:
    models = home / "models"
    return ModelStore(models, load_catalog(catalog_files(models)))


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_passes_is_shipped_and_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--recipe", "small.yaml", "--dry-run") == 0
    plan = capsys.readouterr().out
    assert "importance" in plan and "gates: kl <= 0.05" in plan
    assert not (home / "cache" / "steps" / "figures").exists(), "a plan does nothing"

    assert call("--recipe", "small.yaml") == 0
    out = capsys.readouterr()
    assert "perplexity left out, no book here" in out.err
    assert "nats from its source" in out.out
    names = {path.name for path in (home / "build" / "small").iterdir()}
    assert names >= {"model.gguf", "manifest.json", "manifest.sig", "report.html", "figures.svg"}

    installed = store(home).open("small")
    engine = LlamaEngine(installed.files["model"], model_id="small", context_tokens=256)
    engine.close()
    manifest = json.loads((installed.dir / "manifest.json").read_text())
    assert manifest["source"]["sha256"] == of_file(home / "tiny.gguf").hashes
    assert [step["name"] for step in manifest["steps"]] == ["importance", "quantize"]
    assert manifest["versions"]["llama-cpp-python"]
    assert all(gate["passed"] for gate in manifest["gates"])
    assert manifest["kv_prefix"] == {"kept_in": "bundle", "bytes_per_token": 512}

    first = (home / "build" / "small" / "model.gguf").read_bytes()
    shutil.rmtree(home / "cache")
    assert call("--recipe", "small.yaml", "--no-install") == 0
    assert (home / "build" / "small" / "model.gguf").read_bytes() == first, "bytes of two runs"
    capsys.readouterr()

    assert call("show", "build/small", "--json") == 0
    assert told(capsys)[0]["id"] == "small"
    assert call("compare") == 0
    assert "divergence from the source" in capsys.readouterr().out


def test_steps_are_done_once(warm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(warm, "type: Q8_0", "type: Q4_0")
    assert call("--recipe", "small.yaml", "--no-install") == 4
    said = capsys.readouterr().err
    assert "importance is known already" in said
    assert "quantize …" in said


@pytest.mark.parametrize(
    "gate",
    ["kl <= 0.0000001", "top1 >= 1.1", "ppl <= 0.5 * source", "bits_per_byte <= 0.9 * source",
     "size_mb <= 0.1 * source", "book_kl <= 10", "never_measured >= 0"],
)  # fmt: skip
def test_a_missed_gate_ships_nothing(
    warm: Path, gate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(warm, '"kl <= 0.05"', f'"{gate}"')
    assert call("--recipe", "small.yaml") == 4
    out = capsys.readouterr()
    assert "MISSED" in out.out and gate in out.out
    assert "gates missed, nothing shipped: small" in out.err
    assert not (warm / "build").exists()
    assert "small" not in store(warm).catalog


def test_an_older_build_outlives_a_missed_gate(built: Path) -> None:
    before = (built / "build" / "small" / "manifest.json").read_bytes()
    change(built, '"kl <= 0.05"', '"kl <= 0.0000001"')
    assert call("--recipe", "small.yaml") == 4
    assert (built / "build" / "small" / "manifest.json").read_bytes() == before
    assert store(built).state("small") == "ready"


# --- who may be trusted


def test_a_tampered_manifest_is_refused(built: Path) -> None:
    path = built / "models" / "small" / "manifest.json"
    content = path.read_bytes()
    path.chmod(0o644)
    path.unlink()
    path.write_bytes(content.replace(b'"tools": false', b'"tools": true '))
    assert path.read_bytes() != content
    with pytest.raises(Untrusted, match="changed after signing"):
        store(built).open("small")


def test_a_tampered_artefact_is_refused(built: Path) -> None:
    path = built / "models" / "small" / "model.gguf"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is corrupt"):
        store(built).open("small")


def test_an_artefact_swapped_with_its_catalogue_entry_is_refused(built: Path) -> None:
    """Somebody who can write the catalogue still cannot sign."""
    import hashlib

    path = built / "models" / "small" / "model.gguf"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.unlink()
    path.write_bytes(content)
    catalog = built / "models" / "catalog.d" / "small.yaml"
    catalog.write_text(catalog.read_text().replace(before, hashlib.sha256(content).hexdigest()))
    with pytest.raises(Untrusted, match="manifest is of other files"):
        store(built).open("small")


def test_a_key_that_nobody_trusts(built: Path) -> None:
    shutil.rmtree(built / "models" / "keys.d")
    with pytest.raises(Untrusted, match="not trusted here"):
        store(built).open("small")


def test_a_missing_signature(built: Path) -> None:
    (built / "models" / "small" / "manifest.sig").unlink()
    with pytest.raises(ModelError, match=r"manifest\.sig"):
        store(built).open("small")


def test_encrypted_builds(
    warm: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(warm, "licence: Apache-2.0", "licence: private\nencrypt: true")
    assert call("--recipe", "small.yaml") == 2
    assert "--seal-key" in capsys.readouterr().err
    assert not (warm / "build").exists()

    (warm / "key").write_bytes(os.urandom(32))
    assert call("--recipe", "small.yaml", "--seal-key", "key") == 0
    names = {path.name for path in (warm / "models" / "small").iterdir()}
    assert "model.gguf.sealed" in names and "model.gguf" not in names
    with pytest.raises(UsageError, match="there is no key for it here"):
        store(warm).open("small")

    monkeypatch.setenv("EDGEBOT_MODEL_KEY_FILE", str(warm / "key"))
    installed = store(warm).open("small")
    assert read_header(installed.files["model"]).architecture == "llama"
    engine = LlamaEngine(installed.files["model"], model_id="small", context_tokens=256)
    engine.close()

    (warm / "key").write_bytes(os.urandom(32))
    with pytest.raises(Untrusted, match="put the right key"):
        store(warm).open("small")


# --- what goes wrong on the way


def test_a_crash_of_native_code_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'edgebot.build.worker' in sys.orig_argv:\n"
        "    print('GGML_ASSERT(x) failed', file=sys.stderr, flush=True)\n"
        "    os.abort()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{broken}:{os.getcwd()}")
    with pytest.raises(EngineError, match=r"importance: .*SIGABRT \(GGML_ASSERT"):
        building(home).run()
    assert whole(home / "cache" / "steps")


def test_a_killed_process_means_memory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os, sys\nif 'edgebot.build.worker' in sys.orig_argv:\n    os.kill(os.getpid(), 9)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with pytest.raises(OutOfMemory, match="memory ran out"):
        building(home).run()


def building(home: Path) -> Building:
    file = home / "small.yaml"
    origin = Origin(of_file(home / "tiny.gguf"), None, "tiny.gguf")
    return Building(read_recipe(file), file, origin, cache=StepCache(home / "cache" / "steps"))


def whole(cache: Path) -> bool:
    """Whether nothing half-written lies about."""
    return not [path for path in cache.iterdir() if path.name.startswith(".") and
                path.name != ".locks"]  # fmt: skip


def test_too_little_memory_is_told_before_anything_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebot.build.building.available_mb", lambda: 20.0)
    with pytest.raises(OutOfMemory, match="20 MB are free"):
        building(home).run()


def test_too_little_disk_is_told_before_anything_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(home)._replace(free=1_000_000)
    monkeypatch.setattr("edgebot.build.building.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ModelError, match="1 MB are free"):
        building(home).run()


def test_a_disk_that_is_full_on_the_way(home: Path) -> None:
    """Writing more than the process may is an error of the step, and nothing stays of it."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises((ModelError, EngineError)):
            building(home).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert whole(home / "cache" / "steps")
    assert building(home).run().passed, "and the next run is as if nothing had been"


def test_interrupted_it_stops_leaves_nothing_and_goes_on(home: Path) -> None:
    slow = home / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(
        "import sys, time\n"
        "if 'edgebot.build.worker' in sys.orig_argv:\n"
        "    open('started', 'w').close()\n"
        "    time.sleep(600)\n"
    )
    environ = {**os.environ, "PYTHONPATH": f"{slow}:{Path(__file__).parents[3]}"}
    command = [sys.executable, "-m", "edgebot.cli", "build", "--recipe", "small.yaml"]
    child = subprocess.Popen(command, cwd=home, env=environ, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (home / "started").exists():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert said.strip().splitlines()[-1] == "interrupted"
    assert whole(home / "cache" / "steps")
    assert not (home / "build").exists()
    assert call("--recipe", "small.yaml") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a profile"),
        (("--profile", "rpi9"), "no profile is called 'rpi9'"),
        (("--recipe", "smallest"), "no recipe is called"),
        (("--recipe", "nowhere.yaml"), "there is no such recipe"),
    ],
)
def test_wrong_calls(
    home: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_source_that_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "tiny.gguf").unlink()
    assert call("--recipe", "small.yaml") == 3
    assert "there is no such file" in capsys.readouterr().err


def test_a_name_that_is_taken(warm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = warm / "silero-vad.yaml"
    taken.write_text(RECIPE)
    assert call("--recipe", "silero-vad.yaml") == 2
    assert "another model of the catalogue" in capsys.readouterr().err


# --- sweeps


def test_a_sweep_finds_its_front(warm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", "small.yaml", "--vary", "quantize.type=Q8_0,Q4_0,F32", "--jobs", "2"]
    assert call(*arguments, "--json", "--chart", "sweep.svg") == 0
    found = {line["variant"]: line for line in told(capsys)}
    assert found["type=Q8_0"]["front"] and found["type=Q4_0"]["front"]
    assert found["type=Q4_0"]["size_mb"] < found["type=Q8_0"]["size_mb"]
    assert found["type=Q8_0"]["passed"] and not found["type=Q4_0"]["passed"]
    assert (warm / "sweep.svg").read_text().startswith("<svg")
    assert not (warm / "build").exists(), "a sweep ships nothing"


@pytest.mark.parametrize(
    "arguments",
    [("--vary", "quantize"), ("--vary", "prune.type=1"), ("--vary", "quantize.type=Q9"),
     ("--by", "beauty")],
)  # fmt: skip
def test_a_sweep_that_makes_no_sense(warm: Path, arguments: tuple[str, str]) -> None:
    assert call("sweep", "small.yaml", *arguments) == 2


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_a_sweep_over_ray(warm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vary = ["--vary", "quantize.type=Q8_0,Q4_0"]
    assert call("sweep", "small.yaml", *vary, "--ray", "local", "--json") == 0
    assert [line["problem"] for line in told(capsys)] == ["", ""]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "[::1]:x", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer(
    warm: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert call("sweep", "small.yaml", "--ray", address) == 2
    assert address in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_without_ray_it_says_what_to_install(
    warm: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sweep", "small.yaml", "--ray", "local") == 2
    assert "pip install 'edgebot[ray]'" in capsys.readouterr().err
