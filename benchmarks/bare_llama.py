"""llama.cpp's own interface without a line of ours: what the engine is measured against.

Written as the examples of llama.cpp do it (``examples/simple``): one decode for the whole prompt
with the library's own batch sizes, then sample, piece, decode.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # the same for both, or it measures only this

import llama_cpp as C

from edgebot.nlg.llama_native import has_tiles


@C.llama_log_callback
def _silent(level: int, text: bytes, data: object) -> None:
    pass


class Span(NamedTuple):
    """A stretch of time."""

    wall_s: float
    cpu_s: float
    """Of all threads of this process: what other programs do hardly shows in it."""

    def __sub__(self, other: Span) -> Span:
        return Span(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)


def now() -> Span:
    """Both clocks."""
    return Span(time.perf_counter(), time.process_time())


class BareLlama:
    """A model and a context, nothing kept between runs."""

    def __init__(self, path: Path, threads: int, context_tokens: int) -> None:
        C.llama_log_set(_silent, None)
        C.llama_backend_init()
        weights = C.llama_model_default_params()
        weights.use_extra_bufts = not has_tiles()  # the same weights in the same layout as ours
        self.model = C.llama_model_load_from_file(os.fsencode(path), weights)
        parameters = C.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = C.llama_init_from_model(self.model, parameters)
        self.vocab = C.llama_model_get_vocab(self.model)
        self.memory = C.llama_get_memory(self.context)

    def run(self, prompt: list[int], count: int) -> list[Span]:
        """What it took to read ``prompt`` (to its scores) and to write ``count`` tokens."""
        C.llama_memory_clear(self.memory, True)
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        C.llama_sampler_chain_add(chain, C.llama_sampler_init_top_k(40))
        C.llama_sampler_chain_add(
            chain,
            C.llama_sampler_init_penalties(C.llama_vocab_n_tokens(self.vocab), 64, 1.1, 0.0, 0.0),
        )
        C.llama_sampler_chain_add(chain, C.llama_sampler_init_top_p(0.9, 1))
        C.llama_sampler_chain_add(chain, C.llama_sampler_init_min_p(0.05, 1))
        C.llama_sampler_chain_add(chain, C.llama_sampler_init_temp(0.3))
        C.llama_sampler_chain_add(chain, C.llama_sampler_init_dist(1))
        buffer = ctypes.create_string_buffer(256)
        tokens = (C.llama_token * len(prompt))(*prompt)
        began = now()
        C.llama_decode(self.context, C.llama_batch_get_one(tokens, len(prompt)))
        C.llama_get_logits_ith(self.context, -1)
        read = now()
        one = (C.llama_token * 1)()
        for _ in range(count):
            one[0] = C.llama_sampler_sample(chain, self.context, -1)
            C.llama_token_to_piece(self.vocab, one[0], buffer, 256, 0, False)
            C.llama_decode(self.context, C.llama_batch_get_one(one, 1))
        C.llama_get_logits_ith(self.context, -1)
        written = now()
        C.llama_sampler_free(chain)
        return [read - began, written - read]

    def close(self) -> None:
        """Free both."""
        C.llama_free(self.context)
        C.llama_model_free(self.model)
