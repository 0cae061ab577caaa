"""A faster graph for the int8 MiniLM file, with the same weights.

The published file keeps its weights as int8 and widens them to float32 when it is loaded: little
on the disk, but 90 MB of memory and the speed of float32. This builds the same network from the
operators ONNX Runtime has for transformers: the weights stay int8, matrices are multiplied in int8
(``DynamicQuantizeMatMul``: activations quantised as they come, one scale a call), attention is one
operator. Three times faster and a quarter of the memory; the vectors stay within a cosine of 0.99.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgebot.embed.onnx_wire import (
    Array,
    Node,
    WireError,
    read_graph,
    write_model,
    write_node,
    write_tensor,
)

_HEADS = 12
_EPSILON = 1e-12
_MICROSOFT = "com.microsoft"


def int8_graph(model: bytes) -> bytes | None:
    """The fast graph for ``model``, or None where it is built in another way than expected.

    Input ``input_ids`` (1, tokens) int64, without padding; output ``last_hidden_state``
    (1, tokens, 384) float32.
    """
    try:
        weights = _Weights(*read_graph(model))
        return _Builder(weights).build()
    except (WireError, KeyError, ValueError, IndexError):
        return None


class _Weights:
    """Finds the int8 matrices of a graph by the names of the biases added to their products."""

    def __init__(self, nodes: Sequence[Node], constants: dict[str, Array]) -> None:
        self._constants = constants
        self._made_by = {name: node for node in nodes for name in node.outputs}
        self._bias_of = {
            name: next((other for other in node.inputs if other != name), "")
            for node in nodes
            if node.op == "Add"
            for name in node.inputs
            if name.endswith(".bias")
        }
        root = next(
            (name for name in constants if name.endswith("embeddings.LayerNorm.weight")), None
        )
        if root is None:
            raise WireError("there is no BERT in it")
        self._prefix = root.removesuffix("embeddings.LayerNorm.weight")
        self.layers = sum(name.endswith("output.dense.bias") for name in constants) // 2

    def constant(self, name: str) -> Array:
        """The float constant called ``name`` (without the common prefix)."""
        return self._constants[self._prefix + name]

    def matrix(self, layer: str) -> tuple[Array, Array]:
        """Int8 matrix (inputs, outputs) and scale of each column of the dense layer ``layer``."""
        product = self._made_by[self._bias_of[self._prefix + layer + ".bias"]]
        if product.op != "MatMul":
            raise WireError(f"{layer} is no plain product")
        return self._int8(product.inputs[1])

    def table(self, name: str) -> tuple[Array, Array]:
        """Int8 embedding table (entries, width) and scale of each entry."""
        return self._int8(f"{self._prefix}embeddings.{name}.weight")

    def _int8(self, name: str) -> tuple[Array, Array]:
        scaled = self._made_by[name]
        cast = self._made_by[scaled.inputs[0]]
        if (scaled.op, cast.op) != ("Mul", "Cast"):
            raise WireError(f"{name} is not widened from int8")
        quantised, scale = self._constants[cast.inputs[0]], self._constants[scaled.inputs[1]]
        if quantised.dtype != np.int8:
            raise WireError(f"{name} is not int8")
        return quantised, scale


class _Builder:
    """Puts the graph together, operator by operator."""

    def __init__(self, weights: _Weights) -> None:
        self._weights = weights
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []

    def build(self) -> bytes:
        """The whole model."""
        hidden = self._embeddings()
        for index in range(self._weights.layers):
            hidden = self._layer(f"encoder.layer.{index}.", hidden)
        self._nodes.append(write_node("Identity", [hidden], ["last_hidden_state"]))
        return write_model(
            self._nodes,
            self._tensors,
            inputs={"input_ids": (np.int64, ["texts", "tokens"])},
            outputs={"last_hidden_state": (np.float32, ["texts", "tokens", 384])},
        )

    def _embeddings(self) -> str:
        words, scales = self._weights.table("word_embeddings")
        row = self._add("Gather", self._keep("words", words), "input_ids")
        scale = self._add("Gather", self._keep("word_scales", scales), "input_ids")
        word = self._add("Mul", self._add("Cast", row, to=1), scale)
        positions, scales = self._weights.table("position_embeddings")
        segment = self._weights.constant("embeddings.token_type_embeddings.weight")[0]
        table = (positions.astype(np.float32) * scales + segment).astype(np.float32)
        zero, one, two = (self._keep(f"index{i}", np.array([i], np.int64)) for i in range(3))
        length = self._add("Slice", self._add("Shape", "input_ids"), one, two)
        position = self._add("Slice", self._keep("positions", table), zero, length, zero)
        return self._normalised("embeddings.LayerNorm", self._add("Add", word, position))

    def _layer(self, layer: str, hidden: str) -> str:
        parts = [layer + f"attention.self.{part}" for part in ("query", "key", "value")]
        split = [f"{layer}{part}" for part in "qkv"]
        self._nodes.append(
            write_node("Split", [self._dense(parts, hidden)], split, attributes={"axis": 2})
        )
        attended = self._add("MultiHeadAttention", *split, domain=_MICROSOFT, num_heads=_HEADS)
        attended = self._dense([layer + "attention.output.dense"], attended)
        hidden = self._normalised(
            layer + "attention.output.LayerNorm", self._add("Add", attended, hidden)
        )
        inner = layer + "intermediate.dense"
        bias = self._keep(inner + ".bias", self._weights.constant(inner + ".bias"))
        raised = self._add(
            "BiasGelu", self._dense([inner], hidden, bias=False), bias, domain=_MICROSOFT
        )
        lowered = self._dense([layer + "output.dense"], raised)
        return self._normalised(layer + "output.LayerNorm", self._add("Add", lowered, hidden))

    def _dense(self, layers: list[str], hidden: str, bias: bool = True) -> str:
        """The product with the matrices of ``layers`` side by side."""
        matrices, scales = zip(*(self._weights.matrix(layer) for layer in layers), strict=True)
        name = layers[0]
        inputs = [
            hidden,
            self._keep(name + ".weight", np.concatenate(matrices, axis=1)),
            self._keep(name + ".scale", np.concatenate(scales, axis=None).astype(np.float32)),
        ]
        if bias:
            biases = [self._weights.constant(layer + ".bias") for layer in layers]
            inputs += ["", self._keep(name + ".bias", np.concatenate(biases))]
        return self._add("DynamicQuantizeMatMul", *inputs, domain=_MICROSOFT)

    def _normalised(self, name: str, hidden: str) -> str:
        parts = [
            self._keep(f"{name}.{part}", self._weights.constant(f"{name}.{part}"))
            for part in ("weight", "bias")
        ]
        return self._add("LayerNormalization", hidden, *parts, axis=-1, epsilon=_EPSILON)

    def _keep(self, name: str, array: Array) -> str:
        self._tensors.append(write_tensor(name, array))
        return name

    def _add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output = f"{op}_{len(self._nodes)}"
        self._nodes.append(write_node(op, inputs, [output], domain, attributes))
        return output
