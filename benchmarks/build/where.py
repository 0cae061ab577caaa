"""Where the time of reading a prompt goes: llama.cpp's graph, node by node, with one thread.

llama.cpp's evaluation callback stops before and after each node; what passes in between is the time
of that node.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp

from edgebot.build.native import GgmlTensor, open_model

TOKENS, ROUNDS = 128, 3
TEXT = "The kettle in the kitchen is on, and somebody has left the window of the hall open. "
LAYERS, SCORES, ATTENTION, REST = KINDS = (
    "products of the layers",
    "scores of the next token",
    "attention",
    "the rest",
)
"""Scores are made of the last token of a prompt alone, so they hardly count in a turn."""


def milliseconds(path: Path) -> dict[str, float]:
    """Kind of node → processor time a token, of the best of several rounds."""
    spent = dict.fromkeys(KINDS, 0.0)
    rounds = []
    with open_model(path, 1, context_tokens=2 * TOKENS, watch=_watch(spent)) as model:
        tokens = (model.tokenize(TEXT) * TOKENS)[:TOKENS]
        for _ in range(ROUNDS + 1):  # the first one warms caches up
            spent.update(dict.fromkeys(KINDS, 0.0))
            model.read(tokens)
            rounds.append(dict(spent))
    best = min(rounds[1:], key=lambda found: sum(found.values()))
    return {kind: 1000 * best[kind] / TOKENS for kind in KINDS}


def _watch(spent: dict[str, float], clock: Callable[[], float] = time.thread_time) -> Any:
    began = [0.0]

    @llama_cpp.ggml_backend_sched_eval_callback
    def look(address: int, ask: bool, _: Any) -> bool:
        if ask:
            began[0] = clock()
        else:
            spent[_kind(GgmlTensor.from_address(address))] += clock() - began[0]
        return True

    return look


def _kind(node: Any) -> str:
    first = node.src[0].contents.name if node.src[0] else b""
    if first in (b"token_embd.weight", b"output.weight") and node.src[1].contents.type == 0:
        return SCORES
    if first.startswith(b"blk.") and first.endswith(b".weight"):
        return LAYERS
    if first.startswith(b"Qcur") and first.endswith(b"(permuted)"):
        return ATTENTION
    return REST
