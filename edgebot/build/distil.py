"""The step ``distil-encoder``: a smaller BERT encoder taught by the one the recipe began with.

Begins with the weights of the step before (pruned, or with layers left out) and takes minutes on a
processor. A falling loss is no proof: a short distillation can raise the cosine to the teacher and
lower the accuracy of what is built on it, so gates look at the task.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from edgebot.build.distil_losses import LOSSES, losses
from edgebot.build.minilm_torch import (
    Batch,
    batch_of,
    hidden_states,
    parameters,
    prepare,
    tokenized,
    weights,
)
from edgebot.build.minilm_weights import Bert, read_bert, write_bert
from edgebot.build.onnx_quant_feeds import sentences
from edgebot.build.step import Cost, Job, Made, Seeded, Step
from edgebot.core.errors import EngineError, UsageError

_POINTS = 40
"""Points of each curve in the notes."""


class DistilParameters(Seeded):
    """What ``distil-encoder`` takes."""

    text: str = "calibration"
    """Sentences that student and teacher read; no labels are needed."""

    sentences: int = Field(default=8000, ge=4, le=500_000)
    """How many of them at most."""

    steps: int = Field(default=300, ge=1, le=100_000)
    """Batches."""

    batch: int = Field(default=32, ge=2, le=512)
    """Sentences a batch."""

    rate: float = Field(default=5e-5, gt=0, le=1)
    """Adam's step at its highest; it rises over the first tenth and falls to nothing."""

    losses: dict[str, float] = Field(default_factory=lambda: {"vectors": 1.0, "relations": 10.0})
    """Weights of ``vectors``, ``logits``, ``features``, ``relations``."""

    temperature: float = Field(default=0.05, gt=0, le=10)
    """Of ``logits``."""

    frozen_words: bool = True
    """Leave the table of words as it is: half of all weights, and few of them are seen."""

    @field_validator("losses")
    @classmethod
    def _known(cls, found: dict[str, float]) -> dict[str, float]:
        wrong = sorted(set(found) - set(LOSSES))
        if wrong or not any(weight > 0 for weight in found.values()):
            raise ValueError(
                f"unknown: {', '.join(wrong) or 'none, but no weight is above 0'}; "
                f"known are {', '.join(LOSSES)}"
            )
        return found


class DistilEncoder(Step[DistilParameters]):
    """Training of a student on what its teacher says."""

    name = "distil-encoder"
    takes = "safetensors"
    makes = "safetensors"
    libraries: ClassVar[tuple[str, ...]] = ("torch", "tokenizers")
    schema = DistilParameters

    def cost(self, artefact_bytes: int) -> Cost:
        """Grows with the number of steps."""
        seconds = self.parameters.steps * self.parameters.batch * artefact_bytes / 1.5e9
        return Cost(seconds=20 + seconds, memory_mb=900 + 12 * artefact_bytes / 1e6)

    def run(self, job: Job) -> Made:
        """The trained weights and the curves of all losses, of those not trained on too."""
        want = self.parameters
        student, teacher = read_bert(job.artefact), read_bert(job.source)
        if student.width != teacher.width:
            raise UsageError(
                f"distil-encoder: the student has {student.width} numbers a token and its teacher "
                f"{teacher.width}; both must have the same"
            )
        ids = tokenized(job.artefact, sentences(job.texts, want.text, want.sentences))
        trained, curves = train_student(student, teacher, ids, want, job)
        notes: dict[str, Any] = {
            "curves": curves,
            "sentences": len(ids),
            "parameters": trained.parameters,
        }
        return Made({**write_bert(trained, job.folder), **job.keep("tokenizer")}, notes)


def train_student(
    student: Bert, teacher: Bert, ids: Sequence[Sequence[int]], want: DistilParameters, job: Job
) -> tuple[Bert, dict[str, list[float]]]:
    """``student`` after ``want.steps`` batches, and the losses on the way.

    Raises ``EngineError`` when the loss is no number any more.
    """
    torch = prepare(want.seed)
    ours, theirs = parameters(student, trained=True), parameters(teacher, trained=False)
    if want.frozen_words:
        ours["embeddings.word_embeddings.weight"].requires_grad_(False)
    taught = [tensor for tensor in ours.values() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(taught, lr=want.rate, weight_decay=0.0)
    rng = np.random.default_rng(want.seed)
    told: list[dict[str, float]] = []
    job.progress.begin("distilling", want.steps)
    for step in range(want.steps):
        batch = _drawn(ids, want.batch, rng)
        with torch.no_grad():
            example = hidden_states(teacher, theirs, batch)
        found = losses(hidden_states(student, ours, batch), example, batch, want.temperature)
        total = sum(weight * found[name] for name, weight in want.losses.items())
        if not math.isfinite(total.item()):
            raise EngineError(
                f"distil-encoder: the loss is no number at step {step}; take a smaller `rate`"
            )
        for group in optimizer.param_groups:
            group["lr"] = want.rate * _share(step, want.steps)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        told.append({name: value.item() for name, value in found.items()})
        job.progress.advance(step + 1)
    job.progress.end()
    return student.with_tensors(weights(ours)), _curves(told)


def _drawn(ids: Sequence[Sequence[int]], count: int, rng: np.random.Generator) -> Batch:
    chosen = rng.choice(len(ids), size=min(count, len(ids)), replace=False)
    return batch_of([ids[int(at)] for at in chosen])


def _share(step: int, steps: int) -> float:
    """Share of the highest rate: up over the first tenth, then down to nothing."""
    rising = max(1, steps // 10)
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising))


def _curves(told: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """Each loss as the means of up to :data:`_POINTS` stretches."""
    stretches = np.array_split(np.arange(len(told)), min(_POINTS, len(told)))
    return {
        name: [round(float(np.mean([told[at][name] for at in each])), 6) for each in stretches]
        for name in LOSSES
    }
