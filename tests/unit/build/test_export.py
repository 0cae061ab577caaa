"""Exporting: whole or not at all, from sound files only, found by the catalogue afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from edgebot.build import catalog_entry, onnx_export
from edgebot.build.onnx_export import export
from edgebot.build.quantize import BLOCK, quantize
from edgebot.cli.main import main
from edgebot.core.errors import EngineError, UsageError
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore
from edgebot.nlg.onnx import needed_bytes
from edgebot.nlg.onnx_export import read_description
from tests.unit.build.tiny import Tensors, write_gguf


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "Tiny Model.gguf")


# --- quantizing


@pytest.mark.parametrize("bits", [8, 4])
def test_rounding_stays_within_a_step(bits: int) -> None:
    weights = np.random.default_rng(3).standard_normal((50, 3 * BLOCK)).astype(np.float32)
    weights[0, :BLOCK] = 0
    weights[1, :BLOCK] = 2.5
    error = (quantize(weights, bits).numbers() - weights).reshape(-1, BLOCK)
    blocks = weights.reshape(-1, BLOCK)
    low, high = np.minimum(blocks.min(axis=1), 0), np.maximum(blocks.max(axis=1), 0)
    step = (high - low) / 15 if bits == 4 else np.abs(blocks).max(axis=1) / 127
    assert (np.sqrt((error**2).mean(axis=1)) <= 0.5 * step + 1e-6).all()
    assert not error[0].any()


def test_four_bits_that_fit_are_kept_as_they_are() -> None:
    random = np.random.default_rng(4)
    levels = random.integers(0, 16, (4, 2, BLOCK))
    levels[..., :2] = [0, 15]
    scales = random.uniform(0.01, 2, (4, 2, 1))
    weights = ((levels - 6) * scales).reshape(4, 2 * BLOCK).astype(np.float32)
    assert np.allclose(quantize(weights, 4).numbers(), weights, rtol=1e-5, atol=1e-6)


# --- the directory


def test_an_export_describes_itself(source: Path, tmp_path: Path) -> None:
    exported = export(source, tmp_path / "out", 4)
    assert read_description(tmp_path / "out" / "model.json") == exported.description
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
    ]


def test_progress_ends_at_all_of_it(source: Path, tmp_path: Path) -> None:
    totals: list[int] = []
    done: list[int] = []
    export(
        source,
        tmp_path / "out",
        begin=lambda _, total: totals.append(total),
        advance=done.append,
    )
    assert done == sorted(done)
    assert done[-1] == totals[0]


def test_an_older_export_is_replaced_and_nothing_else(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", 8)
    assert export(source, tmp_path / "out", 4).description.bits == 4
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("meow")
    with pytest.raises(UsageError, match="no export"):
        export(source, tmp_path / "photos", 4)
    with pytest.raises(UsageError, match="no export"):
        export(source, source, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Tiny Model.gguf", "out", "photos"]


def test_an_interrupted_export_leaves_the_old_one(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(source, tmp_path / "out", 8)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(source, tmp_path / "out", 4, advance=interrupted)
    assert read_description(tmp_path / "out" / "model.json").bits == 8
    monkeypatch.setattr(onnx_export, "write_tokenizer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(source, tmp_path / "new", 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Tiny Model.gguf", "out"]


# --- files that cannot be exported


def refused(tmp_path: Path, source: Path, match: str) -> None:
    with pytest.raises(EngineError, match=match):
        export(source, tmp_path / "out", 4)
    assert not (tmp_path / "out").exists()


def test_no_gguf_and_a_damaged_one(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "x.gguf"
    other.write_bytes(b"hello")
    refused(tmp_path, other, "no GGUF")
    other.write_bytes(source.read_bytes()[:-5000])
    refused(tmp_path, other, "cut short")
    refused(tmp_path, tmp_path / "absent.gguf", "cannot be read")


def test_a_foreign_architecture(tmp_path: Path) -> None:
    refused(tmp_path, write_gguf(tmp_path / "x.gguf", "gpt2"), "architecture 'gpt2'")


def test_scaled_rotations(tmp_path: Path) -> None:
    scaled = {"llama.rope.scaling.type": "yarn"}
    refused(tmp_path, write_gguf(tmp_path / "x.gguf", more=scaled), "scaled rotary")


def test_an_unknown_vocabulary(tmp_path: Path) -> None:
    refused(tmp_path, write_gguf(tmp_path / "x.gguf", pre="klingon"), "klingon")


def test_no_chat_template(tmp_path: Path) -> None:
    without = write_gguf(tmp_path / "x.gguf", leave_out=frozenset({"chat_template"}))
    refused(tmp_path, without, "chat template")


def test_weights_that_are_missing_misshapen_or_no_numbers(tmp_path: Path) -> None:
    def lose(tensors: Tensors) -> None:
        del tensors["blk.1.attn_v.weight"]

    def cut(tensors: Tensors) -> None:
        tensors["blk.0.ffn_up.weight"] = tensors["blk.0.ffn_up.weight"][:-1]

    def poison(tensors: Tensors) -> None:
        tensors["blk.0.ffn_down.weight"][3, 5] = np.nan

    for change, match in ((lose, "attn_v.weight are missing"), (cut, "not"), (poison, "numbers")):
        refused(tmp_path, write_gguf(tmp_path / "x.gguf", change=change), match)


# --- the catalogue


def test_a_model_that_was_exported_is_found_by_its_id(source: Path, tmp_path: Path) -> None:
    exported = export(source, tmp_path / "out", 8)
    model_id = catalog_entry.export_id(source.stem, 8)
    assert model_id == "tiny-model-onnx-int8"
    entry = catalog_entry.make_entry(model_id, exported, None)
    models = tmp_path / "models"
    catalog_entry.install(entry, exported.folder, models, load_catalog(catalog_files(models)))
    catalog = load_catalog(catalog_files(models))
    assert catalog[model_id] == entry
    opened = ModelStore(models, catalog).open(model_id)
    assert read_description(opened.files["model"]) == exported.description


def test_a_second_export_of_the_same_id_replaces_the_first(source: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for bits in (8, 4):
        exported = export(source, tmp_path / "out", bits)
        entry = catalog_entry.make_entry("tiny", exported, None)
        known = load_catalog(catalog_files(models))
        catalog_entry.install(entry, exported.folder, models, known)
    opened = ModelStore(models, load_catalog(catalog_files(models))).open("tiny")
    assert read_description(opened.files["model"]).bits == 4


def test_the_id_of_another_model_is_refused(source: Path, tmp_path: Path) -> None:
    known = load_catalog(catalog_files(tmp_path))
    taken = next(entry.id for entry in known if entry.engine == "llama")
    entry = catalog_entry.make_entry(taken, export(source, tmp_path / "out"), None)
    with pytest.raises(UsageError, match="--id"):
        catalog_entry.install(entry, tmp_path / "out", tmp_path, known)


def test_what_the_source_says_is_inherited_except_calls(source: Path, tmp_path: Path) -> None:
    known = load_catalog(catalog_files(tmp_path))
    origin = next(entry for entry in known if entry.options.get("reads_passages"))
    able = origin.model_copy(update={"options": {**origin.options, "calls_tools": True}})
    entry = catalog_entry.make_entry("tiny", export(source, tmp_path / "out"), able)
    assert entry.options["reads_passages"] is True
    assert entry.options["sampling"] == origin.options["sampling"]
    assert entry.options["calls_tools"] is False
    assert entry.licence == origin.licence


def test_the_verb_makes_and_installs(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EDGEBOT_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["build", "onnx", str(source), "--out", str(out), "--bits", "8", "--json"])
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["id"] == "tiny-model-onnx-int8"
    assert said["id"] in load_catalog(catalog_files(tmp_path / "models"))
    written = yaml.safe_load((out / "catalog.yaml").read_text())
    assert written["models"][0]["id"] == said["id"]


@pytest.mark.parametrize("source", ["nothing", "silero-vad", "smollm2-135m-instruct-q4-1"])
def test_what_is_no_model_is_a_wrong_call(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path / "state"))
    with pytest.raises(SystemExit) as ended:
        main(["build", "onnx", source, "--out", str(tmp_path / "out")])
    assert ended.value.code == 2


def test_the_memory_that_the_plan_counts_grows_with_the_context(
    source: Path, tmp_path: Path
) -> None:
    exported = export(source, tmp_path / "out")
    entry = catalog_entry.make_entry("tiny", exported, None)
    more = needed_bytes(exported.description, 4096) - needed_bytes(exported.description, 2048)
    assert entry.context_kib_per_token * 2048 * 1024 == more
    assert entry.memory_mb * (1 << 20) >= needed_bytes(exported.description, 2048)
