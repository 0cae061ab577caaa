"""Evaluators on a small random model against itself and against another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgebot.build.artefact import of_file
from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.passages import cut, spread
from edgebot.build.report import summary
from edgebot.build.step import Texts
from edgebot.core.errors import EngineError, UsageError
from tests.unit.build.tiny import write_gguf


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "held.txt").write_text("the cat sits on the stove and looks at the kettle. " * 20)
    (tmp_path / "prompts.yaml").write_text("- what is it\n- who are you\n")
    (tmp_path / "questions.yaml").write_text("- q: what is it\n  a: [a, e, i, o, u, t]\n")
    texts = Texts({p.stem: [p] for p in sorted(tmp_path.iterdir()) if p.is_file()})
    model = of_file(write_gguf(tmp_path / "tiny.gguf"))
    return Trial(model, model, tmp_path, texts)


def measure(trial: Trial, name: str, **parameters: object) -> dict[str, float]:
    return make_evaluator(name, parameters).run(trial)


def test_a_model_is_its_own_source(trial: Trial) -> None:
    figures = measure(trial, "perplexity", tokens=150, window_tokens=128)
    assert figures["kl"] < 1e-3, "16 bits of the reference are all that differs"
    assert figures["top1"] > 0.98
    assert figures["ppl"] == pytest.approx(figures["source.ppl"], rel=1e-3)
    assert measure(trial, "answers", tokens=4)["answers_same"] == 2
    questions = measure(trial, "questions", tokens=8)
    assert questions["questions_right"] == questions["source.questions_right"]


def test_another_model_is_told_apart(trial: Trial, tmp_path: Path) -> None:
    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors["blk.0.ffn_down.weight"] *= 3

    other = of_file(write_gguf(tmp_path / "other.gguf", change=change))
    trial = Trial(other, trial.source, tmp_path, trial.texts)
    assert measure(trial, "perplexity", tokens=150, window_tokens=128)["kl"] > 0.05


def test_tokens_that_the_source_does_not_have(trial: Trial, tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(trial.source.file().read_bytes().replace(b"<|endoftext|>", b"<|endoftexx|>"))
    trial = Trial(of_file(path), trial.source, tmp_path, trial.texts)
    with pytest.raises(EngineError, match="tokens that its source does not have"):
        measure(trial, "perplexity", tokens=150, window_tokens=128)


def test_speed_is_measured_in_turns(trial: Trial) -> None:
    figures = measure(trial, "speed", prompt_tokens=32, reply_tokens=4, rounds=1, context_tokens=64)
    for name in ("prompt_tok_s", "reply_tok_s", "prompt_cpu_ms_per_tok", "load_s", "peak_rss_mb"):
        assert figures[name] > 0 < figures[f"source.{name}"]
    assert "as fast" in summary({**figures, "size_mb": 1, "source.size_mb": 2})


def test_lists_that_are_none(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "prompts.yaml").write_text("what: is it\n")
    with pytest.raises(UsageError, match="must be a list of texts"):
        measure(trial, "answers")
    (tmp_path / "questions.yaml").write_text("- q: [unclosed\n")
    with pytest.raises(UsageError, match=r"questions\.yaml"):
        measure(trial, "questions")


def test_passages_are_the_whole_text_in_pieces() -> None:
    text = "One. " * 50 + "\n\n" + "x" * 300 + "\n\nThe end."
    parts = cut(text, 100)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= 100 for part in parts)
    assert sorted(spread(parts)) == sorted(parts)
    assert spread([str(n) for n in range(8)])[:4] == ["0", "4", "2", "6"]
