"""A build of the real small model from recipe to spoken-to engine, and the gates that stop one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.build.artefact import Artefact, of_installed
from edgebot.build.building import Building, Built, Origin
from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.gates import Gate, judge
from edgebot.build.gguf_file import GgufFile
from edgebot.build.recipe import read_recipe, texts_of
from edgebot.build.shipping import install, ship
from edgebot.build.step import Job, make_step
from edgebot.build.step_cache import StepCache
from edgebot.core.cancel import Cancellation
from edgebot.core.language import Generation, Message
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.signatures import SigningKey, make_pair
from edgebot.models.store import ModelStore
from edgebot.nlg.llama import LlamaEngine
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

RECIPE = Path(__file__).parent / "small_build.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("build")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEBOT_CACHE_DIR", str(path / "cache"))
        yield path
    shutil.rmtree(path / "cache", ignore_errors=True)


@pytest.fixture(scope="module")
def origin(assembly: Assembly) -> Origin:
    installed = assembly.model("llm")
    return Origin(of_installed(installed), installed.entry, installed.id)


@pytest.fixture(scope="module")
def built(folder: Path, origin: Origin) -> Built:
    recipe = read_recipe(RECIPE)
    return Building(recipe, RECIPE, origin, cache=StepCache(folder / "cache" / "steps")).run()


def test_the_small_recipe_passes_its_gates(built: Built) -> None:
    """Measured: 84 MB of 98."""
    assert built.passed, [(v.gate.text, v.found) for v in built.verdicts]
    assert built.figures["size_mb"] < 0.87 * built.figures["source.size_mb"]
    notes = {done.step.name: done.kept.notes for done in built.done}
    assert notes["prune-vocabulary"]["tokens"] < notes["prune-vocabulary"]["tokens_before"]
    assert notes["quantize"]["bits_per_weight"] < notes["quantize"]["bits_per_weight_before"]


def test_it_is_signed_opened_and_answers(built: Built, folder: Path) -> None:
    make_pair(folder / "key.pem", folder / "key.json", "test", None)
    key = SigningKey.read(folder / "key.pem")
    shipped = ship(built, folder / "out" / "small_build", key)
    assert json.loads((shipped.folder / "manifest.json").read_text())["licence"] == "Apache-2.0"

    models = folder / "models"
    install(shipped, key, models, load_catalog(catalog_files(models)))
    installed = ModelStore(models, load_catalog(catalog_files(models))).open(built.recipe.name)
    engine = LlamaEngine(installed.files["model"], model_id=installed.id, context_tokens=512)
    try:
        asked = [Message("user", "What colour is the sky? Answer in a few words.")]
        said = "".join(engine.generate(asked, Generation(24, temperature=0.0), Cancellation()))
    finally:
        engine.close()
    assert "blue" in said.lower()


def test_the_textbook_score_is_rejected(built: Built, origin: Origin, folder: Path) -> None:
    """Layers chosen by the sum of their magnitudes: the baseline that no gate lets through."""
    work = folder / "textbook"
    work.mkdir()
    job = Job(origin.artefact, origin.artefact, work, work)
    made = make_step("prune-layers", {"count": 1, "score": "weights"}).run(job)
    assert GgufFile(work / made.roles["model"]).layers == 29

    texts = texts_of(built.recipe, RECIPE)
    trial = Trial(Artefact(work, made.roles), origin.artefact, work, texts)
    figures = make_evaluator("perplexity", {"tokens": 250, "window_tokens": 128}).run(trial)
    verdicts = judge([Gate.parse("kl <= 0.2"), Gate.parse("ppl <= 2 * source")], figures)
    assert [verdict.passed for verdict in verdicts] == [False, False]
