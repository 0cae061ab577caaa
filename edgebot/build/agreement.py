"""How far two engines agree on what comes next: whether an export is the model it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.core.language import Message
from edgebot.nlg.engine import ChatEngine

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The distributions of the first token of a reply, over some prompts."""

    prompts: int
    same_first: float
    """Share of the prompts for which both find the same token likeliest."""

    mean_divergence: float
    """Kullback-Leibler divergence of the second from the first, in nats."""

    most_divergence: float
    most_difference: float
    """Largest difference of the probability of any one token."""


def agreement(
    reference: ChatEngine, other: ChatEngine, prompts: Iterable[Sequence[Message]]
) -> Agreement:
    """Compare ``other`` with ``reference`` over ``prompts`` (conversations that end with a user).

    Both must have the same vocabulary: the divergence is over all of its tokens.
    """
    pairs = [(_shares(reference, prompt), _shares(other, prompt)) for prompt in prompts]
    divergences = [_divergence(first, second) for first, second in pairs]
    return Agreement(
        prompts=len(pairs),
        same_first=float(np.mean([a.argmax() == b.argmax() for a, b in pairs])),
        mean_divergence=float(np.mean(divergences)),
        most_divergence=float(np.max(divergences)),
        most_difference=float(max(np.abs(first - second).max() for first, second in pairs)),
    )


def _shares(engine: ChatEngine, prompt: Sequence[Message]) -> Shares:
    scores = engine.scores(prompt).astype(np.float64)
    shares = np.exp(scores - scores.max())
    result: Shares = shares / shares.sum()
    return result


def _divergence(first: Shares, second: Shares) -> float:
    tiny = np.finfo(np.float64).tiny
    return float(np.sum(first * np.log(np.maximum(first, tiny) / np.maximum(second, tiny))))
