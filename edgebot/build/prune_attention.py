"""Attention taken out of layers whose MLP stays.

llama.cpp's architecture ``deci`` (Bercovich et al., "Puzzle: distillation-based NAS for
inference-optimized LLMs", 2024) is Llama with layers that differ: no attention at all, or a linear
map in its place. Such layers keep no keys and values either, so the context costs less memory.
"""

from __future__ import annotations

import re

import numpy as np
from pydantic import Field, model_validator

from edgebot.build.activity import ACTIVITY, left_over, load_activity
from edgebot.build.artefact import MODEL
from edgebot.build.folding import Fold, folded
from edgebot.build.gguf_file import GgufFile, Tensor, of_floats
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.core.errors import EngineError, UsageError

_ATTENTION = re.compile(r"^blk\.(\d+)\.attn_")


class AttentionParameters(Parameters):
    """What ``prune-attention`` takes."""

    count: int = Field(default=0, ge=0)
    """How many layers lose it, those whose attention turns the hidden state least."""

    layers: tuple[int, ...] = ()
    """Or these."""

    fold: bool = False
    """Put a linear map in its place, fitted to ``text``."""

    text: str | None = None
    tokens: int = Field(default=4096, ge=64)

    @model_validator(mode="after")
    def _text_to_fold(self) -> AttentionParameters:
        if self.fold and self.text is None:
            raise ValueError("folding needs 'text', the text it is fitted to")
        return self


class PruneAttention(Step[AttentionParameters]):
    """Layers without attention; linear maps in its place are 16-bit floats, so quantize after."""

    name = "prune-attention"
    takes = makes = "gguf"
    libraries = ("gguf", "llama-cpp-python", "numpy")
    schema = AttentionParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        if source.architecture != "llama" or any(name.endswith(".bias") for name in source.tensors):
            raise EngineError(
                f"{source.path}: layers without attention are there for models of architecture "
                f"'llama' without biases, and this is {source.architecture!r}; leave this step out"
            )
        gone = self._gone(source, job)
        tensors: dict[str, Tensor | None] = {
            name: None
            for name in source.tensors
            if (found := _ATTENTION.match(name)) and int(found[1]) in gone
        }
        if self.parameters.fold:
            tensors |= self._folded(source, gone, job)
        source.rewrite(
            job.folder / "model.gguf",
            architecture="deci",
            fields=self._heads(source, gone),
            tensors=tensors,
        )
        roles = {**job.keep(*left_over(job.artefact.roles)), MODEL: "model.gguf"}
        return Made(roles, {"without_attention": sorted(gone), "layers": source.layers})

    def _heads(self, source: GgufFile, gone: set[int]) -> dict[str, int | list[int]]:
        heads = source.header.number("attention.head_count")
        groups = source.header.number("attention.head_count_kv", heads)
        width = source.header.number("embedding_length") // heads
        none = heads if self.parameters.fold else 0
        layers = range(source.layers)
        width = source.header.number("attention.key_length", width)
        return {
            "llama.attention.head_count": [none if at in gone else heads for at in layers],
            "llama.attention.head_count_kv": [0 if at in gone else groups for at in layers],
            "llama.attention.key_length": width,
            "llama.attention.value_length": width,
            "llama.rope.dimension_count": width,
        }

    def _folded(self, source: GgufFile, gone: set[int], job: Job) -> dict[str, Tensor | None]:
        asked = self.parameters
        assert asked.text is not None
        folds = {
            at: Fold(f"attn_norm-{at}", f"l_out-{at - 1}" if at else "inp_embd", f"ffn_inp-{at}")
            for at in gone
        }
        made = folded(source.path, job.texts.read(asked.text), asked.tokens, folds, job)
        tensors: dict[str, Tensor | None] = {}
        for at, weights in made.items():
            tensors[f"blk.{at}.attn_output.weight"] = of_floats(weights)
            name = f"blk.{at}.attn_norm.weight"
            tensors[name] = source.tensor(name)
        return tensors

    def _gone(self, source: GgufFile, job: Job) -> set[int]:
        asked = self.parameters
        gone = set(asked.layers)
        if asked.count:
            found = load_activity(job.artefact.file(ACTIVITY)) if job.artefact.has(ACTIVITY) else {}
            influence = found.get("attention_influence")
            if influence is None or len(influence) != source.layers:
                raise UsageError("'count' needs the step activity right before this one")
            order = [int(at) for at in np.argsort(influence, kind="stable") if at]
            gone |= set(order[: asked.count])
        if not gone or not gone < set(range(source.layers)) or 0 in gone:
            raise UsageError(
                f"prune-attention: of {source.layers} layers at least one must lose its attention, "
                "and the first must keep it"
            )
        return gone
