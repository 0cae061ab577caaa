import numpy as np
import pytest

from edgebot.core.errors import ModelCorrupt
from edgebot.embed.bert_graph import int8_graph
from edgebot.embed.minilm import MiniLmEncoder
from edgebot.embed.onnx_wire import WireError, read_graph, write_model, write_node, write_tensor

SHAPE = {"x": (np.float32, ["n", 2])}


def _doubling():
    nodes = [write_node("Mul", ["x", "two"], ["y"])]
    tensors = [write_tensor("two", np.array([[2.0, 2.0]], np.float32))]
    return write_model(nodes, tensors, SHAPE, {"y": (np.float32, ["n", 2])})


def test_a_written_model_runs():
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(_doubling(), providers=["CPUExecutionProvider"])
    result = session.run(None, {"x": np.array([[1, 2], [3, 4]], np.float32)})[0]
    assert result.tolist() == [[2, 4], [6, 8]]


def test_what_is_written_can_be_read():
    nodes, constants = read_graph(_doubling())
    assert [(node.op, node.inputs, node.outputs) for node in nodes] == [
        ("Mul", ("x", "two"), ("y",))
    ]
    assert constants["two"].tolist() == [[2.0, 2.0]]
    tensor = np.arange(300, dtype=np.int64).reshape(3, 100)
    model = write_model([], [write_tensor("t", tensor)], {}, {})
    assert (read_graph(model)[1]["t"] == tensor).all()


def test_attributes_survive_with_their_sign():
    onnxruntime = pytest.importorskip("onnxruntime")
    nodes = [write_node("Softmax", ["x"], ["y"], attributes={"axis": -1})]
    model = write_model(nodes, [], SHAPE, {"y": (np.float32, ["n", 2])})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    result = session.run(None, {"x": np.array([[0, 0], [5, 5]], np.float32)})[0]
    assert result.tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize("damaged", [b"\xff" * 40, _doubling()[:-9], b"\x3a\xff\xff\xff\x7f"])
def test_damaged_bytes_are_said_to_be(damaged):
    with pytest.raises(WireError):
        read_graph(damaged)


def test_other_networks_are_left_as_they_are():
    assert int8_graph(_doubling()) is None
    assert int8_graph(b"") is None
    assert int8_graph(b"no model") is None


def test_a_damaged_model_file_names_the_next_step(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="edgebot models verify"):
        MiniLmEncoder(tmp_path / "model.onnx", tmp_path / "tokenizer.json")
