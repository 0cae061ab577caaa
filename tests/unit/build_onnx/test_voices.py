"""Weights stored small, sounds compared, roundings taken out: on small graphs made here."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgebot.build.artefact import Artefact
from edgebot.build.onnx_quant import Static, StaticParameters
from edgebot.build.onnx_quant_feeds import recordings, sentences
from edgebot.build.smart_turn_floats import Floats, FloatsParameters
from edgebot.build.step import Texts
from edgebot.build.voice_evaluate import edits
from edgebot.build.voice_sound import Speaker, aligned_mean, spectral_distance
from edgebot.build.voice_store import Store, StoreParameters
from edgebot.core.errors import AudioError, EngineError, ModelCorrupt, UsageError

from . import tiny

RNG = np.random.default_rng(0)


def network(folder, first=None):
    """Two convolutions, called as parts of a voice are."""
    weights = {
        "first": RNG.normal(0, 0.3, (16, 4, 5)).astype(np.float32) if first is None else first,
        "second": RNG.normal(0, 0.3, (4, 16, 5)).astype(np.float32),
        "bias": RNG.normal(0, 0.1, 4).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], name="/flow/conv", pads=[2, 2]),
        helper.make_node("Tanh", ["a"], ["b"], name="/flow/tanh"),
        helper.make_node("Conv", ["b", "second", "bias"], ["y"], name="/dec/conv", pads=[2, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "voice",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 50])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 50])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(folder / "voice.onnx"))
    (folder / "voice.json").write_text("{}")
    roles = {"voice": "voice.onnx", "model": "voice.onnx", "config": "voice.json"}
    return Artefact(folder, roles)


def run(artefact, seed=3):
    session = onnxruntime.InferenceSession(str(artefact.file()), providers=["CPUExecutionProvider"])
    sound = np.random.default_rng(seed).normal(0, 1, (1, 4, 50)).astype(np.float32)
    return session.run(None, {"x": sound})[0]


def test_half_precision_halves_the_file_and_changes_nothing_one_hears(tmp_path):
    voice = network(tmp_path / "v")
    small, notes = tiny.made(Store(StoreParameters(least=16)), tiny.job(tmp_path / "s", voice))
    assert np.abs(run(small) - run(voice)).max() < 5e-3
    assert notes["half"] == 2
    assert notes["float"] == 1  # the bias
    assert notes["sqnr_db"] > 60
    assert small.roles == {"voice": "voice.onnx", "model": "voice.onnx", "config": "voice.json"}
    kinds = {each.name: each.data_type for each in onnx.load(str(small.file())).graph.initializer}
    assert kinds["first.half"] == TensorProto.FLOAT16


def test_int8_for_the_operations_that_are_named(tmp_path):
    voice = network(tmp_path / "v")
    step = Store(StoreParameters(int8="^/flow/", exact="^/dec/", least=16))
    small, notes = tiny.made(step, tiny.job(tmp_path / "s", voice))
    assert (notes["int8"], notes["half"], notes["float"]) == (1, 0, 2)
    assert np.abs(run(small) - run(voice)).max() < 0.1
    with pytest.raises(EngineError, match="fits '/nosuch/'"):
        tiny.made(Store(StoreParameters(int8="/nosuch/")), tiny.job(tmp_path / "n", voice))


def test_numbers_that_half_precision_cannot_hold(tmp_path):
    first = RNG.normal(0, 1, (16, 4, 5)).astype(np.float32)
    first[0, 0, 0] = 1e5
    voice = network(tmp_path / "v", first)
    with pytest.raises(EngineError, match=r"first has numbers beyond 65504.*`exact`"):
        tiny.made(Store(StoreParameters()), tiny.job(tmp_path / "s", voice))
    first[0, 0, 0] = np.inf
    with pytest.raises(EngineError, match=r"voice\.onnx: first has 1 of 320 numbers"):
        tiny.made(
            Store(StoreParameters()), tiny.job(tmp_path / "i", network(tmp_path / "w", first))
        )


def quantized(tmp_path):
    """A network whose activations are rounded, as Smart Turn comes."""
    voice = network(tmp_path / "v")
    from onnxruntime.quantization import QuantFormat, quantize_static

    class Reader:
        left = 8

        def get_next(self):
            self.left -= 1
            if self.left < 0:
                return None
            sound = np.random.default_rng(self.left).normal(0, 1, (1, 4, 50))
            return {"x": sound.astype(np.float32)}

        def set_range(self, start_index, end_index):
            pass

    (tmp_path / "q").mkdir()
    quantize_static(str(voice.file()), str(tmp_path / "q" / "m.onnx"), Reader(), QuantFormat.QDQ)
    return voice, Artefact(tmp_path / "q", {"model": "m.onnx"})


def test_roundings_are_taken_out(tmp_path):
    voice, rounded = quantized(tmp_path)
    plain, notes = tiny.made(Floats(FloatsParameters()), tiny.job(tmp_path / "f", rounded))
    kinds = {node.op_type for node in onnx.load(str(plain.file())).graph.node}
    assert kinds == {"Conv", "Tanh"}
    assert notes["activations"] >= 3
    truth = run(voice)
    assert np.abs(run(plain) - truth).mean() < np.abs(run(rounded) - truth).mean()
    with pytest.raises(UsageError, match="no roundings"):
        tiny.made(Floats(FloatsParameters()), tiny.job(tmp_path / "again", plain))


def test_what_is_neither_encoder_nor_voice_cannot_be_calibrated(tmp_path):
    voice = network(tmp_path / "v")
    step = Static(StaticParameters(operators=("Conv",)))
    with pytest.raises(EngineError, match="takes x: neither an encoder"):
        tiny.made(step, tiny.job(tmp_path / "s", voice, calibration=["hello there"]))
    broken = tmp_path / "b"
    broken.mkdir()
    (broken / "m.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelCorrupt, match="ONNX file"):
        tiny.made(
            Store(StoreParameters()),
            tiny.job(tmp_path / "t", Artefact(broken, {"model": "m.onnx"})),
        )
    with pytest.raises(ModelCorrupt, match="no voice that can be opened"):
        Speaker(Artefact(broken, {"model": "m.onnx", "config": "m.onnx"}))


# --- sounds


def tone(hertz, seconds=0.6, noise=0.01):
    time = np.arange(int(16000 * seconds)) / 16000
    sound = np.sin(2 * np.pi * hertz * time) + RNG.normal(0, noise, len(time))
    return sound.astype(np.float32)


def test_a_sound_is_nearest_to_itself():
    assert spectral_distance(tone(440, noise=0), tone(440, noise=0)) < 0.01
    near, far = spectral_distance(tone(440), tone(450)), spectral_distance(tone(440), tone(1800))
    assert 0 < near < far


def test_loudness_and_pace_do_not_count_much():
    slow = np.concatenate([tone(300, 0.8), tone(900, 0.8)])
    fast = np.concatenate([tone(300, 0.5), tone(900, 0.5)])
    other = np.concatenate([tone(900, 0.5), tone(300, 0.5)])
    assert spectral_distance(slow, 0.2 * slow) < 1.0
    assert spectral_distance(slow, fast) < 0.5 * spectral_distance(slow, other)


def test_the_cheapest_way():
    assert aligned_mean(np.zeros((3, 5))) == 0.0
    apart = np.ones((3, 3)) - np.eye(3)
    assert aligned_mean(apart) == 0.0
    assert aligned_mean(np.ones((4, 2))) == 1.0


@pytest.mark.parametrize(
    ("said", "heard", "count"),
    [("a b c", "a b c", 0), ("a b c", "", 3), ("", "a", 1), ("a b c d", "a x c", 2)],
)
def test_edits(said, heard, count):
    assert edits(said.split(), heard.split()) == count


def test_texts_of_every_kind(tmp_path):
    (tmp_path / "rows.jsonl").write_text(
        '{"text": "one"}\n\n{"question": "two"}\n{"text": 3}\n[]\n'
    )
    (tmp_path / "plain.txt").write_text("three\n\n one\nthree\n")
    files = sorted(tmp_path.iterdir())
    assert sentences(Texts({"t": files}), "t", 10) == ["three", "one", "two"]
    assert len(sentences(Texts({"t": files}), "t", 2)) == 2
    (tmp_path / "bad.jsonl").write_text("{no json")
    with pytest.raises(UsageError, match=r"bad\.jsonl: a line of it is no JSON"):
        sentences(Texts({"t": [tmp_path / "bad.jsonl"]}), "t", 2)
    with pytest.raises(AudioError, match="not a recording"):
        recordings([tmp_path / "plain.txt"], 1)
