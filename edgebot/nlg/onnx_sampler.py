"""Chooses the next token from the scores of an ONNX model, by the same chain as llama.cpp's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError
from edgebot.core.language import Generation
from edgebot.nlg.native import PENALTY_WINDOW, TOP_K

Scores = npt.NDArray[np.float32]


class OnnxSampler:
    """The likeliest 40, repetition penalty, top-p, min-p, temperature, chance; greedy at 0."""

    def __init__(self, logits: Callable[[], Scores], options: Generation) -> None:
        """``logits``: gives the scores of the next token, shape (vocabulary_size,).

        Raises ``EngineError`` for a grammar: ONNX Runtime has none.
        """
        if options.grammar is not None:
            raise EngineError(
                "the onnx engine knows no grammars, so its models call no tools; choose a model "
                "of the llama engine for them"
            )
        self._logits = logits
        self._options = options
        self._recent: deque[int] = deque(maxlen=PENALTY_WINDOW)
        self._random = np.random.default_rng(options.seed)

    def sample(self) -> int:
        """The next token; raises ``EngineError`` when the scores are no numbers."""
        scores = self._logits()
        if not np.isfinite(scores.max()):  # NaN wins every max, so one pass finds it
            raise EngineError(
                "the model computes no numbers (NaN); run `edgebot models verify`, or make it "
                "anew with `edgebot build onnx`"
            )
        count = min(TOP_K, len(scores))
        tokens = np.argpartition(scores, len(scores) - count)[-count:]
        token = self._choose(tokens, scores[tokens].astype(np.float64))
        self._recent.append(token)
        return token

    def _choose(self, tokens: npt.NDArray[np.intp], scores: npt.NDArray[np.float64]) -> int:
        wanted = self._options
        if wanted.repeat_penalty != 1.0 and self._recent:
            again = np.isin(tokens, list(self._recent))
            penalized = np.where(
                scores > 0, scores / wanted.repeat_penalty, scores * wanted.repeat_penalty
            )
            scores = np.where(again, penalized, scores)
        order = np.argsort(-scores, kind="stable")
        tokens, scores = tokens[order], scores[order]
        if wanted.temperature <= 0:
            return int(tokens[0])
        shares = _shares(scores)
        # The token that reaches top_p is still among the chosen, so at least one always is.
        kept = int(np.searchsorted(np.cumsum(shares), wanted.top_p)) + 1
        kept = min(kept, int(np.count_nonzero(shares >= wanted.min_p * shares[0])))
        shares = _shares(scores[:kept] / wanted.temperature)
        return int(tokens[self._random.choice(len(shares), p=shares)])

    def close(self) -> None:
        """Nothing is held."""


def _shares(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares = np.exp(scores - scores.max())
    result: npt.NDArray[np.float64] = shares / shares.sum()
    return result
