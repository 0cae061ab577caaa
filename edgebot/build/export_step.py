"""``edgebot build onnx`` as a step of a recipe."""

from __future__ import annotations

from typing import Literal

from edgebot.build.artefact import MODEL
from edgebot.build.step import Job, Made, Parameters, Step


class ExportParameters(Parameters):
    """What ``export-onnx`` takes."""

    bits: Literal[4, 8, 32] = 4
    """Of the weights that bear it."""


class ExportOnnx(Step[ExportParameters]):
    """A language model for the onnx engine, with past key values."""

    name = "export-onnx"
    takes = "gguf"
    makes = "onnx-llm"
    libraries = ("onnx", "gguf", "tokenizers")
    schema = ExportParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        from edgebot.build.onnx_export import export
        from edgebot.nlg.onnx_export import DESCRIPTION

        made = export(
            job.artefact.file(),
            job.scratch / "export",
            self.parameters.bits,
            begin=job.progress.begin,
            advance=job.progress.advance,
        )
        roles = {}
        for name in (DESCRIPTION, *made.description.files):
            (made.folder / name).rename(job.folder / name)
            roles[MODEL if name == DESCRIPTION else name] = name
        return Made(roles, {"bits": self.parameters.bits})
