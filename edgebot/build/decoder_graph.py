"""A decoder with past key values as an ONNX graph: Llama and Qwen2, weights in 4, 8 or 32 bits.

The operators are those that onnxruntime-genai's builder chooses for the processor
(GroupQueryAttention, SkipSimplifiedLayerNormalization, MatMulNBits, GatherBlockQuantized of the
domain com.microsoft): one node for what plain ONNX says in twenty, and a key-value state that is
appended to in place. Weights lie in a file of their own, which ONNX Runtime maps into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgebot.build.gguf_weights import GgufWeights, Weights
from edgebot.build.quantize import BLOCK, Quantized, quantize
from edgebot.build.weights_file import WeightsFile
from edgebot.nlg.onnx_export import GRAPH, WEIGHTS
from edgebot.nlg.onnx_native import IDS, LAST, LOGITS, TOTAL, past_names

_OPSET, _IR = 21, 10
_INT8_ACTIVATIONS = 4
"""MatMulNBits' accuracy level at which products are made of 8-bit numbers, as llama.cpp does."""


class DecoderGraph:
    """Builds the graph of one model layer by layer."""

    def __init__(
        self, source: GgufWeights, bits: int, weights: WeightsFile, advance: Callable[[int], None]
    ) -> None:
        """``bits``: of the weights that bear it; ``advance``: told how many are done."""
        self._source, self._bits, self._file = source, bits, weights
        self._geometry = source.geometry
        self._nodes: list[Any] = []
        self._advance, self._done = advance, 0

    def build(self) -> Any:
        """The model, to be saved beside its weights."""
        g = self._geometry
        self._rotary()
        hidden = self._embedding()
        normed = self._node(
            "SimplifiedLayerNormalization",
            [hidden, self._vector("blk.0.attn_norm.weight", g.width)],
            "blk.0.in",
            domain="",
            **self._norm,
        )
        for layer in range(g.layers):
            hidden, normed = self._layer(layer, hidden, normed)
        self._scores(normed)
        graph = helper.make_graph(self._nodes, "decoder", *self._ports(), self._file.tensors)
        domains = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(
            graph, opset_imports=domains, ir_version=_IR, producer_name="edgebot"
        )

    # --- parts of the model

    def _layer(self, layer: int, hidden: str, normed: str) -> tuple[str, str]:
        """One layer; returns the residual stream behind it and the next norm of that."""
        g, name = self._geometry, f"blk.{layer}"
        inner, side = g.heads * g.head_width, g.kv_heads * g.head_width
        qkv = self._linear(
            normed,
            f"{name}.attn_qkv",
            [(f"{name}.attn_{part}", inner if part == "q" else side) for part in "qkv"],
            g.width,
        )
        attention = self._attention(layer, qkv)
        out = self._linear(
            attention, f"{name}.attn_output", [(f"{name}.attn_output", g.width)], inner
        )
        hidden, normed = self._add_and_norm(hidden, out, f"{name}.ffn_norm")
        gate, up = (
            self._linear(
                normed, f"{name}.ffn_{part}", [(f"{name}.ffn_{part}", g.feed_forward)], g.width
            )
            for part in ("gate", "up")
        )
        swish = self._node("QuickGelu", [gate], f"{name}.swish", alpha=1.0)  # x · sigmoid(x)
        product = self._node("Mul", [swish, up], f"{name}.product", domain="")
        down = self._linear(
            product, f"{name}.ffn_down", [(f"{name}.ffn_down", g.width)], g.feed_forward
        )
        last = layer + 1 == g.layers
        return self._add_and_norm(
            hidden, down, "output_norm" if last else f"blk.{layer + 1}.attn_norm"
        )

    def _attention(self, layer: int, qkv: str) -> str:
        g = self._geometry
        key, value = (name for name in past_names(g.layers) if name[2] == layer)
        out = f"blk.{layer}.attention"
        self._nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [qkv, "", "", key[0], value[0], LAST, TOTAL, "rotary.cos", "rotary.sin"],
                [out, key[1], value[1]],
                name=out,
                domain="com.microsoft",
                num_heads=g.heads,
                kv_num_heads=g.kv_heads,
                do_rotary=1,
                rotary_interleaved=int(g.rope_interleaved),
            )
        )
        return out

    def _rotary(self) -> None:
        g = self._geometry
        half = g.head_width // 2
        speed = g.rope_base ** (-np.arange(half) / half)
        angles = np.arange(g.context_tokens)[:, None] * speed
        self._file.add("rotary.cos", np.cos(angles).astype(np.float32))
        self._file.add("rotary.sin", np.sin(angles).astype(np.float32))

    def _embedding(self) -> str:
        g, name = self._geometry, "token_embd.weight"
        weights = self._source.numbers(name, (g.vocabulary, g.width))
        if self._bits == 32:
            self._file.add(name, weights)
            hidden = self._node("Gather", [name, IDS], "embedded", domain="", axis=0)
        else:
            # Rows are looked up, not multiplied: eight bits cost disk and hardly any memory.
            table = quantize(weights, 8)
            self._file.add(name, table.packed.reshape(g.vocabulary, g.width))
            self._file.add("token_embd.scales", table.scales)
            hidden = self._node(
                "GatherBlockQuantized",
                [name, IDS, "token_embd.scales"],
                "embedded",
                bits=8,
                block_size=BLOCK,
                gather_axis=0,
                quantize_axis=1,
            )
        self._progress(weights)
        return hidden

    def _scores(self, normed: str) -> None:
        """Scores of the token after the last one only: the others are nobody's business."""
        g = self._geometry
        self._file.add("last", np.array(-1, np.int64))
        last = self._node("Gather", [normed, "last"], "last_hidden", domain="", axis=1)
        if not self._source.tied:
            weights = self._source.numbers("output.weight", (g.vocabulary, g.width))
            if self._bits == 32:
                self._file.add("output.weight", weights)
            else:
                self._quantized("output", quantize(weights, 8))
            self._progress(weights)
        elif self._bits < 32:
            blocks = (g.vocabulary, g.width // BLOCK)
            self._file.alias("output.weight", "token_embd.weight", (*blocks, BLOCK))
            self._file.alias("output.scales", "token_embd.scales", blocks)
        if self._bits == 32:
            name = "token_embd.weight" if self._source.tied else "output.weight"
            self._node("Gemm", [last, name], LOGITS, domain="", transB=1)
        else:
            self._n_bits(last, "output", LOGITS, g.vocabulary, g.width, 8)

    # --- pieces of a graph

    @property
    def _norm(self) -> dict[str, Any]:
        return {"epsilon": self._geometry.norm_epsilon}

    def _add_and_norm(self, hidden: str, more: str, norm: str) -> tuple[str, str]:
        normed, total = f"{norm}.out", f"{norm}.sum"
        gamma = self._vector(f"{norm}.weight", self._geometry.width)
        self._nodes.append(
            helper.make_node(
                "SkipSimplifiedLayerNormalization",
                [hidden, more, gamma],
                [normed, "", "", total],
                name=normed,
                domain="com.microsoft",
                **self._norm,
            )
        )
        return total, normed

    def _linear(self, value: str, name: str, parts: Sequence[tuple[str, int]], inputs: int) -> str:
        """``value`` times the weights called ``parts`` (name, outputs), one under the other."""
        tensors = [self._source.numbers(f"{part}.weight", (rows, inputs)) for part, rows in parts]
        weights = np.concatenate(tensors) if len(tensors) > 1 else tensors[0]
        self._progress(weights)
        bias = self._bias(name, parts)
        outputs, out = len(weights), f"{name}.out"
        if self._bits == 32:
            self._file.add(f"{name}.weight", weights.T)
            if not bias:
                return self._node("MatMul", [value, f"{name}.weight"], out, domain="")
            product = self._node("MatMul", [value, f"{name}.weight"], f"{out}.plain", domain="")
            return self._node("Add", [product, bias], out, domain="")
        bits = self._bits if self._may_be_coarse(parts) else 8
        self._quantized(name, quantize(weights, bits))
        return self._n_bits(value, name, out, outputs, inputs, bits, bias)

    def _may_be_coarse(self, parts: Sequence[tuple[str, int]]) -> bool:
        """The two large matrices of a layer bear few bits; attention and the way back do not.

        With all of them in four bits the distributions of a 135-million model were 0.31 nats from
        the GGUF file's, with this 0.06, for a quarter more bytes. What the maker of the GGUF file
        kept fine stays fine.
        """
        coarse = ("ffn_gate", "ffn_up")
        return all(
            part.endswith(coarse) and not self._source.is_fine(f"{part}.weight")
            for part, _ in parts
        )

    def _bias(self, name: str, parts: Sequence[tuple[str, int]]) -> str:
        if not any(self._source.has(f"{part}.bias") for part, _ in parts):
            return ""
        values = [self._source.numbers(f"{part}.bias", (rows,)) for part, rows in parts]
        return self._file.add(f"{name}.bias", np.concatenate(values))

    def _quantized(self, name: str, weights: Quantized) -> None:
        self._file.add(f"{name}.weight", weights.packed)
        self._file.add(f"{name}.scales", weights.scales)
        if weights.zero_points is not None:
            self._file.add(f"{name}.zero_points", weights.zero_points)

    def _n_bits(
        self, value: str, name: str, out: str, outputs: int, inputs: int, bits: int, bias: str = ""
    ) -> str:
        zero_points = f"{name}.zero_points" if bits == 4 else ""
        ports = [value, f"{name}.weight", f"{name}.scales", zero_points, "", bias]
        while not ports[-1]:
            ports.pop()
        return self._node(
            "MatMulNBits",
            ports,
            out,
            K=inputs,
            N=outputs,
            bits=bits,
            block_size=BLOCK,
            accuracy_level=_INT8_ACTIVATIONS,
        )

    def _vector(self, name: str, width: int) -> str:
        return self._file.add(name, self._source.numbers(name, (width,)))

    def _node(
        self, kind: str, inputs: list[str], out: str, *, domain: str = "com.microsoft", **what: Any
    ) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [out], name=out, domain=domain, **what))
        return out

    def _ports(self) -> tuple[list[Any], list[Any]]:
        g, make = self._geometry, helper.make_tensor_value_info
        state = [1, g.kv_heads, "positions", g.head_width]
        names = past_names(g.layers)
        inputs = [
            make(IDS, TensorProto.INT64, [1, "tokens"]),
            make(LAST, TensorProto.INT32, [1]),
            make(TOTAL, TensorProto.INT32, []),
            *(make(before, TensorProto.FLOAT, state) for before, _, _, _ in names),
        ]
        outputs = [
            make(LOGITS, TensorProto.FLOAT, [1, g.vocabulary]),
            *(make(after, TensorProto.FLOAT, state) for _, after, _, _ in names),
        ]
        return inputs, outputs

    def _progress(self, weights: Weights) -> None:
        self._done += weights.size
        self._advance(self._done)


def write_decoder(
    source: GgufWeights, bits: int, folder: Path, advance: Callable[[int], None]
) -> str:
    """Write graph and weights into ``folder``; returns the SHA-256 of the weights."""
    with (folder / WEIGHTS).open("wb") as file:
        weights = WeightsFile(file)
        model = DecoderGraph(source, bits, weights, advance).build()
    onnx.save_model(model, str(folder / GRAPH))
    return weights.sha256
