"""What measures encoders: on a tiny BERT, held against gates that must fail when they should."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.gates import Gate, judge
from edgebot.build.minilm_export import ExportEncoder, ExportEncoderParameters
from edgebot.build.minilm_open import open_encoder
from edgebot.build.step import Texts, make_step
from edgebot.build.step_cache import StepCache
from edgebot.core.errors import UsageError

from . import tiny


@pytest.fixture
def source(tmp_path):
    return tiny.artefact(tmp_path / "source")


@pytest.fixture
def graph(tmp_path, source):
    step = ExportEncoder(ExportEncoderParameters())
    return tiny.made(step, tiny.job(tmp_path / "export", source))[0]


def trial(tmp_path, artefact, source, **files):
    folder = tmp_path / "trial"
    folder.mkdir(exist_ok=True)
    return Trial(artefact, source, folder, Texts({name: [path] for name, path in files.items()}))


def passed(figures, *gates):
    return [verdict.passed for verdict in judge(map(Gate.parse, gates), figures)]


def test_another_encoder_fails_the_gate_on_likeness(tmp_path, source, graph):
    held = tmp_path / "held.txt"
    held.write_text("\n".join(tiny.sentences(20)))
    evaluator = make_evaluator("encoder-cosine", {"text": "held"})
    gates = ("cosine_mean >= 0.99", "cosine_least >= 0.9", "relation >= 0.95")
    good = evaluator.run(trial(tmp_path, graph, source, held=held))
    assert passed(good, *gates) == [True, True, True]
    other = tiny.artefact(tmp_path / "other", tiny.tensors(seed=5))
    bad = evaluator.run(trial(tmp_path, other, source, held=held))
    assert passed(bad, *gates) == [False, False, False]


def labelled(path):
    """Three intents of a few words each, in any order."""
    near = {"light": "turn the light on", "music": "play some jazz music", "time": "tell me time"}
    rng = np.random.default_rng(0)
    rows = []
    for intent, text in near.items():
        words = text.split()
        for _ in range(30):
            rows.append({"text": " ".join(rng.permutation(words)), "intent": intent})
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_intents_are_told_and_the_same_encoder_loses_nothing(tmp_path, source, graph):
    rows = labelled(tmp_path / "rows.jsonl")
    evaluator = make_evaluator("intents", {"text": "home", "held_out": 5})
    figures = evaluator.run(trial(tmp_path, graph, source, home=rows))
    assert figures["home_accuracy"] == figures["source.home_accuracy"] == 1.0
    assert passed(figures, "home_lost <= 1", "home_accuracy > 1") == [True, False]
    assert figures["home_gained"] == 0.0  # here words alone tell everything
    rows.write_text('{"text": "stop", "intent": "stop"}')
    with pytest.raises(UsageError, match="too few labelled texts"):
        evaluator.run(trial(tmp_path, graph, source, home=rows))


def test_passages_are_found(tmp_path, source, graph):
    texts = tiny.sentences(12, seed=4)
    rows = [{"pid": str(at), "text": text} for at, text in enumerate(texts)]
    rows += [{"pid": str(at), "question": text} for at, text in enumerate(texts)]
    path = tmp_path / "qa.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    evaluator = make_evaluator("retrieval", {"text": "qa"})
    figures = evaluator.run(trial(tmp_path, graph, source, qa=path))
    assert figures["recall_at_1"] == 1.0
    assert figures["recall_at_5_lost"] == 0.0
    silent = tiny.tensors()
    silent["embeddings.word_embeddings.weight"][:] = 0.0
    mute = tiny.artefact(tmp_path / "mute", silent)
    figures = evaluator.run(trial(tmp_path, mute, source, qa=path))
    assert passed(figures, "recall_at_1 >= 0.9 * source") == [False]
    path.write_text("\n".join(map(json.dumps, rows[:12])))
    with pytest.raises(UsageError, match="no question with a passage"):
        evaluator.run(trial(tmp_path, graph, source, qa=path))


def test_time_and_memory_come_from_processes_of_their_own(tmp_path, source, graph):
    held = tmp_path / "held.txt"
    held.write_text("\n".join(tiny.sentences(8)))
    evaluator = make_evaluator("engine-speed", {"text": "held", "items": 8, "rounds": 1})
    figures = evaluator.run(trial(tmp_path, graph, source, held=held))
    for name in ("load_s", "item_ms", "item_cpu_ms", "peak_rss_mb"):
        assert figures[name] > 0
        assert figures[f"source.{name}"] > 0
    assert 20 < figures["peak_rss_mb"] < 1000
    assert passed(figures, "peak_rss_mb <= 1", "times_faster >= 1000") == [False, False]


def test_artefact_and_source_are_never_mistaken_for_one_another(tmp_path, source):
    other = tiny.artefact(tmp_path / "other", tiny.tensors(seed=5))
    first, second = (
        open_encoder(each, tmp_path / "scratch").embed(["play some jazz"])
        for each in (source, other)
    )
    assert np.abs(first - second).max() > 0.01


def test_a_step_whose_library_is_absent_says_what_to_install(tmp_path, source, monkeypatch):
    step = make_step("distil-encoder", {})
    (tmp_path / "fit.txt").write_text("turn the light on")
    texts = Texts({"calibration": [tmp_path / "fit.txt"]})
    monkeypatch.setattr(type(step), "libraries", ("no-such-library",))
    with pytest.raises(UsageError, match=r"distil-encoder needs .*'edgebot\[build\]'"):
        StepCache(tmp_path / "cache").step_key(step, source, source, texts)
