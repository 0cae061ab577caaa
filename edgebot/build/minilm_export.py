"""The step ``export-encoder``: a BERT encoder (MiniLM) from safetensors to ONNX in float32."""

from __future__ import annotations

from typing import ClassVar

import onnx
from pydantic import Field

from edgebot.build.minilm_graph import bert_model
from edgebot.build.minilm_weights import read_bert
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.embed.minilm import MAX_TOKENS


class ExportEncoderParameters(Parameters):
    """What ``export-encoder`` takes."""

    positions: int = Field(default=MAX_TOKENS, ge=8, le=8192)
    """Longest text in tokens; the engine never hands it more than the default."""


class ExportEncoder(Step[ExportEncoderParameters]):
    """Write the encoder as a graph that onnxruntime opens without anything else."""

    name = "export-encoder"
    takes = "safetensors"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    schema = ExportEncoderParameters

    def run(self, job: Job) -> Made:
        """The graph; the tokenizer is taken over."""
        bert = read_bert(job.artefact)
        onnx.save_model(bert_model(bert, self.parameters.positions), str(job.folder / "model.onnx"))
        kept = job.keep("tokenizer")
        heads = [bert.heads(layer) for layer in range(bert.layers)]
        neurons = [bert.neurons(layer) for layer in range(bert.layers)]
        return Made(
            {"model": "model.onnx", **kept},
            {"parameters": bert.parameters, "heads": heads, "neurons": neurons},
        )
