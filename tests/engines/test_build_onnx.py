"""Builds of the real models: a static student of MiniLM, a voice stored small, a voice ruined."""

from __future__ import annotations

import numpy as np
import pytest

from edgebot.build.artefact import Artefact, of_installed
from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.gates import Gate, judge
from edgebot.build.step import Job, Texts, make_step
from edgebot.core.errors import ModelError
from edgebot.embed.static import StaticEncoder
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from edgebot.runtime.wiring import EMBED

pytestmark = pytest.mark.engines

SPOKEN = ["The timer for the rice is set for twelve minutes.", "It is half past seven."]


@pytest.fixture(scope="session")
def installed(assembly):
    def find(model_id):
        try:
            return of_installed(assembly.store.open(model_id))
        except ModelError as missing:
            pytest.skip(f"{missing}: edgebot models pull {model_id}")

    return find


def made(folder, step, artefact, **texts):
    for part in ("files", "scratch"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    job = Job(artefact, artefact, folder / "files", folder / "scratch", Texts(texts))
    result = step.run(job)
    return Artefact(job.folder, result.roles)


def missed(figures, *gates):
    return [v.gate.text for v in judge(map(Gate.parse, gates), figures) if not v.passed]


@pytest.fixture(scope="session")
def student(tmp_path_factory, installed):
    step = make_step("static-student", {})
    return made(tmp_path_factory.mktemp("student"), step, installed("minilm-l6-v2-int8"))


def test_a_student_is_small_and_knows_what_is_alike(student):
    assert student.size <= 10e6
    encoder = EMBED.load("static")(student.file(), student.file("tokenizer"))
    assert isinstance(encoder, StaticEncoder)
    lamp, light, rain = encoder.embed(
        ["turn on the lamp", "switch the light on please", "is it going to rain tomorrow"]
    )
    assert lamp @ light > lamp @ rain + 0.1


def test_documents_are_found_with_a_student(student, tmp_path):
    encoder = StaticEncoder(student.file(), student.file("tokenizer"))
    path = tmp_path / "boiler.md"
    path.write_text(
        "# Boiler\n\nTo restart the boiler, hold the red button for five seconds.\n\n"
        "# Garden\n\nThe roses are watered on Mondays and Thursdays in summer.\n"
    )
    store = KnowledgeStore(tmp_path / "k.db")
    Importer(store, encoder, 1_000_000).run([path])
    hits = SqliteKnowledgeBase(store, encoder, 0.0).search("how do I restart the boiler", 2)
    assert "red button" in hits[0].text
    store.close()


def test_a_voice_stored_small_sounds_the_same_and_a_ruined_one_is_rejected(tmp_path, installed):
    voice = installed("piper-en-us-joe-medium")
    (tmp_path / "spoken.txt").write_text("\n".join(SPOKEN))
    texts = Texts({"spoken": [tmp_path / "spoken.txt"]})
    evaluator = make_evaluator("voice-spectrum", {"text": "spoken", "sentences": 2})
    gates = ("spectral_ratio <= 0.5", "pace >= 0.9", "pace <= 1.1")
    half = made(tmp_path / "half", make_step("onnx-store", {}), voice)
    assert half.size <= 32e6
    assert missed(evaluator.run(Trial(half, voice, tmp_path, texts)), *gates) == []
    int8 = make_step("onnx-dynamic", {"operators": ["Conv", "MatMul"]})
    ruined = made(tmp_path / "int8", int8, voice)
    assert "spectral_ratio <= 0.5" in missed(
        evaluator.run(Trial(ruined, voice, tmp_path, texts)), *gates
    )


def test_a_turn_detector_without_roundings(tmp_path, installed):
    from edgebot.vad.smart_turn import SmartTurn

    source = installed("smart-turn-v3.2")
    plain = made(tmp_path, make_step("onnx-floats", {}), source)
    noise = np.random.default_rng(0).normal(0, 500, 32_000).astype(np.int16)
    for artefact in (source, plain):
        assert 0.0 <= SmartTurn(artefact.file()).finished(noise) <= 1.0
