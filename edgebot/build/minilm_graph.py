"""A BERT encoder as an ONNX graph in float32, of the operators ONNX Runtime has for transformers.

Plain ``MatMul`` and ``Gather`` hold all the weights, so that every quantizer finds them; attention
and GELU with its bias are one operator each (``MultiHeadAttention``, ``BiasGelu``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgebot.build.minilm_weights import AFTER, INNER, KEY, OUTER, QUERY, VALUE, Bert, layer_name

_OPSET, _IR = 17, 8
_MICROSOFT = "com.microsoft"
IDS, HIDDEN = "input_ids", "last_hidden_state"


def bert_model(bert: Bert, positions: int = 512) -> Any:
    """The model: ``input_ids`` (texts, tokens) without padding → ``last_hidden_state``.

    ``positions``: longest text it can read, in tokens.
    """
    return _Builder(bert, positions).build()


class _Builder:
    def __init__(self, bert: Bert, positions: int) -> None:
        self._bert, self._longest = bert, positions
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []

    def build(self) -> Any:
        hidden = self._embeddings()
        for layer in range(self._bert.layers):
            hidden = self._layer(layer, hidden)
        self._nodes.append(helper.make_node("Identity", [hidden], [HIDDEN], name="out"))
        port = helper.make_tensor_value_info
        width = self._bert.width
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [port(IDS, TensorProto.INT64, ["texts", "tokens"])],
            [port(HIDDEN, TensorProto.FLOAT, ["texts", "tokens", width])],
            self._tensors,
        )
        domains = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(
            graph, opset_imports=domains, ir_version=_IR, producer_name="edgebot"
        )

    def _embeddings(self) -> str:
        tensors = self._bert.tensors
        words = self._keep("words", tensors["embeddings.word_embeddings.weight"])
        word = self._node("Gather", [words, IDS], "embeddings.word", axis=0)
        # Every text is of the first segment: its vector goes into the positions.
        segment = tensors["embeddings.token_type_embeddings.weight"][0]
        table = tensors["embeddings.position_embeddings.weight"][: self._longest] + segment
        positions = self._keep("positions", table)
        zero, one, two = (self._keep(f"at{n}", np.array([n], np.int64)) for n in range(3))
        shape = self._node("Shape", [IDS], "embeddings.shape")
        length = self._node("Slice", [shape, one, two], "embeddings.length")
        position = self._node("Slice", [positions, zero, length, zero], "embeddings.position")
        total = self._node("Add", [word, position], "embeddings.sum")
        return self._norm("embeddings.LayerNorm", total)

    def _layer(self, layer: int, hidden: str) -> str:
        name = f"layer.{layer}"
        parts = [self._bert.dense(layer, part) for part in (QUERY, KEY, VALUE)]
        after, after_bias = self._bert.dense(layer, AFTER)
        if self._bert.heads(layer):
            together = self._dense(
                f"{name}.qkv", hidden, np.concatenate([w for w, _ in parts]),
                np.concatenate([b for _, b in parts]),
            )  # fmt: skip
            split = [f"{name}.{part}" for part in "qkv"]
            self._nodes.append(
                helper.make_node("Split", [together], split, name=f"{name}.split", axis=2)
            )
            heads = self._node(
                "MultiHeadAttention",
                split,
                f"{name}.attention",
                domain=_MICROSOFT,
                num_heads=self._bert.heads(layer),
            )
            attended = self._dense(f"{name}.after", heads, after, after_bias)
        else:
            attended = self._keep(f"{name}.after.bias", after_bias)
        total = self._node("Add", [attended, hidden], f"{name}.attended")
        hidden = self._norm(layer_name(layer, "attention.output.LayerNorm"), total)
        inner, inner_bias = self._bert.dense(layer, INNER)
        outer, outer_bias = self._bert.dense(layer, OUTER)
        raised = self._product(f"{name}.inner", hidden, inner)
        bias = self._keep(f"{name}.inner.bias", inner_bias)
        active = self._node("BiasGelu", [raised, bias], f"{name}.gelu", domain=_MICROSOFT)
        lowered = self._dense(f"{name}.outer", active, outer, outer_bias)
        total = self._node("Add", [lowered, hidden], f"{name}.sum")
        return self._norm(layer_name(layer, "output.LayerNorm"), total)

    def _dense(self, name: str, value: str, weights: Any, bias: Any) -> str:
        product = self._product(name, value, weights)
        return self._node("Add", [product, self._keep(f"{name}.bias", bias)], f"{name}.out")

    def _product(self, name: str, value: str, weights: Any) -> str:
        kept = self._keep(f"{name}.weight", np.ascontiguousarray(weights.T))
        return self._node("MatMul", [value, kept], f"{name}.product")

    def _norm(self, name: str, value: str) -> str:
        parts = [
            self._keep(f"{name}.{kind}", self._bert.tensors[f"{name}.{kind}"])
            for kind in ("weight", "bias")
        ]
        return self._node(
            "LayerNormalization",
            [value, *parts],
            f"{name}.out",
            axis=-1,
            epsilon=self._bert.epsilon,
        )

    def _keep(self, name: str, array: Any) -> str:
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], out: str, domain: str = "", **what: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **what))
        return out
