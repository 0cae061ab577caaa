"""The exported graph computes what llama.cpp computes, on small random models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgebot.build.agreement import agreement
from edgebot.build.onnx_export import export
from edgebot.core.language import Message
from edgebot.nlg.llama import LlamaEngine
from edgebot.nlg.onnx import OnnxEngine
from tests.unit.build.tiny import write_gguf

PRE = {"llama": "smollm", "qwen2": "qwen2"}
WORDS = ["the other one", "12 things in the sea", "a s t o n e, and on", "Grüße 😀", "in"]
PROMPTS = [[Message("user", words)] for words in WORDS]


def engines(folder: Path, architecture: str, bits: int) -> tuple[LlamaEngine, OnnxEngine]:
    source = write_gguf(folder / "tiny.gguf", architecture, pre=PRE[architecture])
    folder = export(source, folder / "out", bits).folder
    wanted = {"model_id": "tiny", "threads": 1, "context_tokens": 256}
    return LlamaEngine(source, **wanted), OnnxEngine(folder, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", PRE)
def test_scores_are_the_same(architecture: str, tmp_path: Path) -> None:
    llama, onnx = engines(tmp_path, architecture, 32)
    for prompt in PROMPTS:
        expected, found = llama.scores(prompt), onnx.scores(prompt)
        assert np.abs(expected - found).max() < 0.01 * expected.std()  # llama.cpp's state: 16 bits


@pytest.mark.parametrize("architecture", PRE)
def test_reading_in_pieces_gives_the_same_scores(architecture: str, tmp_path: Path) -> None:
    _, onnx = engines(tmp_path, architecture, 32)
    tokens = onnx._encode(PROMPTS[2])
    onnx.state.append(tokens)
    whole = onnx._native.logits().copy()
    for size in (1, 3):
        onnx.state.forget()
        for at in range(0, len(tokens), size):
            onnx.state.append(tokens[at : at + size])
        assert np.allclose(onnx._native.logits(), whole, atol=1e-4)


@pytest.mark.parametrize("architecture", PRE)
def test_fewer_bits_stay_near(architecture: str, tmp_path: Path) -> None:
    llama, onnx = engines(tmp_path, architecture, 8)
    eight = agreement(llama, onnx, PROMPTS)
    (tmp_path / "four").mkdir()
    llama, onnx = engines(tmp_path / "four", architecture, 4)
    four = agreement(llama, onnx, PROMPTS)
    assert eight.mean_divergence < 0.02
    assert eight.mean_divergence < four.mean_divergence < 0.3


def test_a_wrong_rotation_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgebot.build import gguf_weights

    monkeypatch.setitem(gguf_weights._INTERLEAVED, "llama", False)
    llama, onnx = engines(tmp_path, "llama", 32)
    assert agreement(llama, onnx, PROMPTS).mean_divergence > 0.1


def test_text_is_cut_into_the_same_tokens(tmp_path: Path) -> None:
    texts = ["the 12 others\n\n  in  ", "<|im_end|>a", "é\x00日本", "it's the\r\nend", " ", ""]
    for architecture in PRE:
        (tmp_path / architecture).mkdir()
        llama, onnx = engines(tmp_path / architecture, architecture, 8)
        for special in (True, False):
            for text in texts:
                expected = llama._native.tokenize(text, special=special)
                assert onnx._native.tokenize(text, special=special) == expected
        size = llama._native.vocabulary_size
        assert [onnx._native.piece(t) for t in range(size)] == [
            llama._native.piece(t) for t in range(size)
        ]
        assert [t for t in range(size) if onnx._native.ends(t)] == [
            t for t in range(size) if llama._native.ends(t)
        ]
