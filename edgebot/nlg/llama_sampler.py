"""Chooses the next token with llama.cpp's own samplers."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp as C
import numpy as np

from edgebot.core.errors import EngineError
from edgebot.core.language import Generation
from edgebot.nlg.llama_native import NativeModel
from edgebot.nlg.native import PENALTY_WINDOW, TOP_K

_CANDIDATE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
_RANDOM_SEED = 0xFFFFFFFF


class LlamaSampler:
    """A chain of samplers for one reply, and the grammar it is held to."""

    def __init__(self, model: NativeModel, options: Generation) -> None:
        self._model = model
        self._context, self._vocab = model.handles
        self._grammar = self._make_grammar(options.grammar)
        self._chain = self._make_chain(options)

    def _make_grammar(self, text: str | None) -> Any:
        if text is None:
            return None
        grammar = C.llama_sampler_init_grammar(self._vocab, text.encode(), b"root")
        if not grammar:
            raise EngineError("llama.cpp does not accept the grammar of the reply")
        return grammar

    def _make_chain(self, options: Generation) -> Any:
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        add = C.llama_sampler_chain_add
        add(chain, C.llama_sampler_init_top_k(TOP_K))
        if options.repeat_penalty != 1.0:
            penalty = C.llama_sampler_init_penalties(
                self._model.vocabulary_size, PENALTY_WINDOW, options.repeat_penalty, 0.0, 0.0
            )
            add(chain, penalty)
        if options.temperature <= 0:
            add(chain, C.llama_sampler_init_greedy())
            return chain
        add(chain, C.llama_sampler_init_top_p(options.top_p, 1))
        add(chain, C.llama_sampler_init_min_p(options.min_p, 1))
        add(chain, C.llama_sampler_init_temp(options.temperature))
        seed = _RANDOM_SEED if options.seed is None else options.seed & 0x7FFFFFFF
        add(chain, C.llama_sampler_init_dist(seed))
        return chain

    def sample(self) -> int:
        """The next token.

        Raises ``EngineError`` when the model's scores are no numbers (damaged weights).
        """
        scores = self._model.logits()
        if not np.isfinite(scores.max()):  # NaN wins every max, so one pass finds it
            raise EngineError(
                "the model computes no numbers (NaN); run `edgebot models verify`, then pull"
            )
        if self._grammar is None:
            return int(C.llama_sampler_sample(self._chain, self._context, -1))
        return self._constrained()

    def _constrained(self) -> int:
        """Sample freely first and ask the grammar about that one token only.

        Most tokens pass; checking the whole vocabulary against the grammar is a hundred times
        dearer (the way of llama.cpp's own ``common_sampler_sample``).
        """
        token = self._pick(self._candidates())
        single = np.zeros(1, _CANDIDATE)
        single["id"], single["logit"] = token, 1.0
        self._apply(self._grammar, single)
        if np.isneginf(single["logit"][0]):
            candidates = self._candidates()
            self._apply(self._grammar, candidates)
            candidates = candidates[np.isfinite(candidates["logit"])]
            if not len(candidates):
                raise EngineError("the grammar leaves the model no way to go on")
            token = self._pick(candidates)
        C.llama_sampler_accept(self._grammar, token)
        C.llama_sampler_accept(self._chain, token)
        return token

    def _candidates(self) -> Any:
        candidates = np.zeros(self._model.vocabulary_size, _CANDIDATE)
        candidates["id"] = np.arange(self._model.vocabulary_size)
        candidates["logit"] = self._model.logits()
        return candidates

    def _pick(self, candidates: Any) -> int:
        chosen = self._apply(self._chain, candidates)
        return int(candidates["id"][chosen])

    @staticmethod
    def _apply(sampler: Any, candidates: Any) -> int:
        data = candidates.ctypes.data_as(ctypes.POINTER(C.llama_token_data))
        array = C.llama_token_data_array(data=data, size=len(candidates), selected=-1, sorted=False)
        C.llama_sampler_apply(sampler, ctypes.byref(array))
        return int(array.selected)

    def close(self) -> None:
        """Free the samplers."""
        C.llama_sampler_free(self._chain)
        if self._grammar is not None:
            C.llama_sampler_free(self._grammar)
