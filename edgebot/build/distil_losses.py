"""What a student encoder is asked to take over from its teacher.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015): logits; Jiao et
al., "TinyBERT" (2020): hidden states; Park et al., "Relational knowledge distillation" (2019):
similarities between examples.
"""

from __future__ import annotations

from edgebot.build.minilm_torch import Batch, Tensor, sentence_vectors

LOSSES = ("vectors", "logits", "features", "relations")


def losses(
    ours: list[Tensor], theirs: list[Tensor], batch: Batch, temperature: float
) -> dict[str, Tensor]:
    """Each loss by name, from the hidden states of student and teacher.

    ``vectors``: 1 − cosine of the sentence vectors. ``logits``: an encoder has none of its own, so
    they are the nearness of each sentence to the others of the batch, over ``temperature``; the
    loss is their Kullback-Leibler divergence. ``features``: squared difference of the hidden
    states, each of the student's layers with the teacher's at the same share of the depth.
    ``relations``: squared difference of the similarity matrices.
    """
    student, teacher = sentence_vectors(ours[-1], batch), sentence_vectors(theirs[-1], batch)
    near, wanted = student @ student.T, teacher @ teacher.T
    return {
        "vectors": (1.0 - (student * teacher).sum(1)).mean(),
        "logits": _divergence(near, wanted, temperature),
        "features": _features(ours, theirs, batch),
        "relations": ((near - wanted) ** 2).mean(),
    }


def _divergence(near: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    import torch
    from torch.nn import functional

    itself = torch.eye(len(near), dtype=torch.bool)
    ours, theirs = (
        functional.log_softmax((each / temperature).masked_fill(itself, -1e4), dim=1)
        for each in (near, wanted)
    )
    return (theirs.exp() * (theirs - ours)).sum(1).mean()


def _features(ours: list[Tensor], theirs: list[Tensor], batch: Batch) -> Tensor:
    mask = batch.mask[:, :, None]
    layers, total = len(ours) - 1, 0.0
    for layer in range(layers + 1):
        match = theirs[round(layer * (len(theirs) - 1) / max(1, layers))]
        total = total + (((ours[layer] - match) ** 2) * mask).sum() / mask.sum() / match.shape[2]
    return total / (layers + 1)
