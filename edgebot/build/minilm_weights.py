"""The weights of a BERT encoder (MiniLM), as they lie in a safetensors file with its config.json.

Heads and neurons may have been taken out layer by layer: how many are left is told by the shapes
of the matrices, so that such a file needs nothing said besides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.build.artefact import Artefact
from edgebot.build.linear import require_finite
from edgebot.core.errors import EngineError
from edgebot.embed.safetensors_file import read_safetensors, write_safetensors

Weights = npt.NDArray[np.float32]

CONFIG = "config"
QUERY, KEY, VALUE = (f"attention.self.{part}" for part in ("query", "key", "value"))
AFTER, INNER, OUTER = "attention.output.dense", "intermediate.dense", "output.dense"
DENSE = (QUERY, KEY, VALUE, AFTER, INNER, OUTER)
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


@dataclass(frozen=True)
class Bert:
    """An encoder of ``layers`` layers."""

    tensors: Mapping[str, Weights]
    """Without a common prefix: ``embeddings.word_embeddings.weight`` …"""

    config: Mapping[str, Any]

    @property
    def width(self) -> int:
        """Numbers a token."""
        return int(self.config["hidden_size"])

    @property
    def layers(self) -> int:
        """Layers."""
        return int(self.config["num_hidden_layers"])

    @property
    def head_width(self) -> int:
        """Numbers a head; taking heads out does not change it."""
        return self.width // int(self.config["num_attention_heads"])

    @property
    def epsilon(self) -> float:
        """Of the layer norms."""
        return float(self.config["layer_norm_eps"])

    def heads(self, layer: int) -> int:
        """Attention heads that are left in ``layer``."""
        return len(self.dense(layer, QUERY)[0]) // self.head_width

    def neurons(self, layer: int) -> int:
        """Neurons that are left in the feed-forward part of ``layer``."""
        return len(self.dense(layer, INNER)[0])

    def dense(self, layer: int, part: str) -> tuple[Weights, Weights]:
        """Matrix (outputs, inputs) and bias of ``part`` in ``layer``."""
        name = layer_name(layer, part)
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]

    def with_tensors(self, changed: Mapping[str, Weights]) -> Bert:
        """The same with some tensors replaced."""
        return replace(self, tensors={**self.tensors, **changed})

    @property
    def parameters(self) -> int:
        """Numbers in all tensors together."""
        return sum(tensor.size for tensor in self.tensors.values())


def layer_name(layer: int, part: str) -> str:
    """The name of ``part`` in ``layer``, without ``.weight``."""
    return f"encoder.layer.{layer}.{part}"


def read_bert(artefact: Artefact) -> Bert:
    """Read and check the encoder in ``artefact``.

    Raises ``ModelCorrupt`` for a damaged file, ``EngineError`` for one that is no BERT encoder or
    holds numbers that are none.
    """
    config = read_config(artefact.file(CONFIG))
    found, _ = read_safetensors(artefact.file())
    path = artefact.file().name
    root = next((name for name in found if name.endswith("embeddings.LayerNorm.weight")), None)
    if root is None:
        raise EngineError(f"{path} holds no BERT encoder; name an encoder such as minilm-l6-v2")
    prefix = root.removesuffix("embeddings.LayerNorm.weight")
    tensors = {}
    for name in _names(config):
        if prefix + name not in found:
            raise EngineError(f"{path} has no {name}: it is not the BERT that its config.json says")
        tensor = found[prefix + name]
        if tensor.dtype.kind != "f":
            raise EngineError(f"{path}: {name} is {tensor.dtype}; the source must be in floats")
        tensors[name] = np.asarray(tensor, np.float32)
        require_finite(tensors[name], f"{path}: {name}")
    bert = Bert(tensors, config)
    _check_shapes(bert, path)
    return bert


def write_bert(bert: Bert, folder: Path) -> dict[str, str]:
    """Write model and config into ``folder``; returns their roles."""
    write_safetensors(folder / "model.safetensors", bert.tensors)
    text = json.dumps(dict(bert.config), indent=2, sort_keys=True) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
    return {"model": "model.safetensors", CONFIG: "config.json"}


def read_config(path: Path) -> dict[str, Any]:
    """config.json of an encoder; raises ``EngineError`` for another architecture."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        kind = config["model_type"]
        for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "layer_norm_eps"):
            float(config[key])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{path.name}: no config of an encoder ({error!r})") from None
    if kind != "bert" or config.get("hidden_act", "gelu") != "gelu":
        raise EngineError(
            f"{path.name}: the architecture is {kind!r} with {config.get('hidden_act')!r}; this "
            "step knows BERT encoders with GELU (MiniLM)"
        )
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise EngineError(f"{path.name}: positions are not absolute; this step knows no others")
    return dict(config)


def _names(config: Mapping[str, Any]) -> list[str]:
    tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    names = [f"embeddings.{table}.weight" for table in tables]
    names += [f"embeddings.LayerNorm.{kind}" for kind in ("weight", "bias")]
    for layer in range(int(config["num_hidden_layers"])):
        for part in (*DENSE, *_NORMS):
            names += [f"{layer_name(layer, part)}.{kind}" for kind in ("weight", "bias")]
    return names


def _check_shapes(bert: Bert, path: str) -> None:
    for layer in range(bert.layers):
        inner, neurons = bert.heads(layer) * bert.head_width, bert.neurons(layer)
        wanted = {
            **dict.fromkeys((QUERY, KEY, VALUE), (inner, bert.width)),
            AFTER: (bert.width, inner),
            INNER: (neurons, bert.width),
            OUTER: (bert.width, neurons),
        }
        for part, shape in wanted.items():
            matrix, bias = bert.dense(layer, part)
            if matrix.shape != shape or bias.shape != shape[:1]:
                raise EngineError(
                    f"{path}: {layer_name(layer, part)} is {matrix.shape}, {shape} was expected; "
                    "its config.json belongs to another model"
                )
