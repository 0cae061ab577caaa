"""How well a language model predicts held text, and how near it is to its source in that.

Perplexity is per token of the model's own vocabulary; bits per byte can be compared between
vocabularies. The divergence is that of Kullback and Leibler, in nats, over what comes next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.passages import LEAD, cut, spread
from edgebot.build.step import Parameters
from edgebot.core.errors import EngineError, UsageError

_LEAST_TOKENS = 64


class PerplexityParameters(Parameters):
    """What ``perplexity`` takes."""

    text: str = "held"
    """Text of the recipe that nothing was calibrated on."""

    tokens: int = 2048
    """About how many tokens of it are read."""

    window_tokens: int = 256
    """Longest passage read in one go."""

    prefix: str = ""
    """Before the names of the figures, where several texts are measured."""


@dataclass(slots=True)
class _Sums:
    nll: float = 0.0
    source_nll: float = 0.0
    tokens: int = 0
    source_tokens: int = 0
    bytes: int = 0
    divergences: list[float] = field(default_factory=list)
    same: int = 0
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage as one model reads it; the first token is the lead and not counted."""

    tokens: Sequence[int]
    pieces: Sequence[bytes]
    logs: npt.NDArray[np.float32]

    @property
    def size(self) -> int:
        return sum(len(self.pieces[token]) for token in self.tokens[1:])

    def nll(self) -> float:
        """Of every token after the first, together, in nats."""
        after = np.array(self.tokens[1:], np.intp)
        return -float(self.logs[np.arange(len(after)), after].sum(dtype=np.float64))

    def ends(self) -> dict[int, int]:
        """Bytes read → tokens read."""
        length, found = 0, {}
        for at, token in enumerate(self.tokens):
            length += len(self.pieces[token])
            found[length] = at + 1
        return found

    def first(self, count: int) -> _Read:
        return _Read(self.tokens[:count], self.pieces, self.logs[:count])


class Perplexity(Evaluator[PerplexityParameters]):
    """Perplexity, bits per byte, divergence from the source, same likeliest token."""

    name = "perplexity"
    takes = "gguf"
    libraries = ("llama-cpp-python",)
    better = {"kl": "low", "bits_per_byte": "low", "ppl": "low", "top1": "high"}  # noqa: RUF012
    schema = PerplexityParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``ppl``, ``bits_per_byte``, ``kl`` (and its 95th percentile), ``top1`` (a share).

        Where the artefact has fewer tokens than its source, the divergence is over the tokens both
        have, wherever both have read the same text; ``lost_share`` is what the source gave to the
        others.
        """
        from edgebot.build.native import open_model
        from edgebot.build.reference import log_shares, reference

        asked = self.parameters
        texts = _chosen(trial.texts.read(asked.text), asked.tokens, asked.window_tokens)
        known = reference(
            trial.source.file(),
            trial.source.hashes["model"],
            texts,
            asked.window_tokens,
            trial.threads,
            trial.progress,
            LEAD,
        )
        sums, at = _Sums(), 0
        with open_model(
            trial.artefact.file(), trial.threads, context_tokens=asked.window_tokens
        ) as model:
            pieces = [model.piece(token) for token in range(model.vocabulary_size)]
            shared = _shared(pieces, known.pieces)
            trial.progress.begin("perplexity", len(texts))
            for number, (text, window) in enumerate(zip(texts, known.windows, strict=True)):
                tokens = (model.tokenize(LEAD) + model.tokenize(text))[: asked.window_tokens]
                ours = _Read(tokens, pieces, log_shares(model.read(tokens)))
                logs = np.asarray(known.logs[at : at + len(window)], np.float32)
                _add(sums, ours, _Read(window, known.pieces, logs), shared)
                at += len(window)
                trial.progress.advance(number + 1)
        figures = _figures(sums)
        source = {name: value for name, value in figures.items() if name.startswith(SOURCE)}
        own = {name: value for name, value in figures.items() if name not in source}
        return {f"{asked.prefix}{name}": value for name, value in own.items()} | {
            f"{SOURCE}{asked.prefix}{name.removeprefix(SOURCE)}": value
            for name, value in source.items()
        }


def _chosen(text: str, tokens: int, window: int) -> list[str]:
    """Passages of about ``tokens`` tokens altogether (three and a half characters each)."""
    parts = spread(cut(text, int(2.5 * window)))
    chosen: list[str] = []
    length = 0
    for part in parts:
        if length >= 3.5 * tokens:
            break
        chosen.append(part)
        length += len(part)
    if length < 3.5 * _LEAST_TOKENS:
        raise UsageError("the held text is too short to measure anything; name more text")
    return chosen


def _shared(ours: Sequence[bytes], theirs: Sequence[bytes]) -> npt.NDArray[np.intp] | None:
    """For each of our tokens the source's token of the same bytes; None when they are the same."""
    if list(ours) == list(theirs):
        return None
    places: dict[bytes, int] = {}
    for token, piece in enumerate(theirs):
        places.setdefault(piece, token)
    found = np.array([places.get(piece, -1) for piece in ours], np.intp)
    if (found < 0).any():
        raise EngineError("the artefact has tokens that its source does not have")
    return found


def _add(sums: _Sums, ours: _Read, theirs: _Read, shared: npt.NDArray[np.intp] | None) -> None:
    if ours.size != theirs.size:  # a window was cut inside: compare what both have read
        ours, theirs = _common(ours, theirs)
    sums.nll += ours.nll()
    sums.source_nll += theirs.nll()
    sums.tokens += len(ours.tokens) - 1
    sums.source_tokens += len(theirs.tokens) - 1
    sums.bytes += ours.size
    mine, other = _aligned(ours, theirs)
    p, q = theirs.logs[other], ours.logs[mine]
    if shared is not None:
        p = p[:, shared]
        left = np.exp(p).sum(axis=1, keepdims=True)
        sums.lost += float((1 - left).clip(0).sum())
        p = p - np.log(left)
    sums.divergences += (np.exp(p) * (p - q)).sum(axis=1).tolist()
    sums.same += int((p.argmax(axis=1) == q.argmax(axis=1)).sum())


def _aligned(ours: _Read, theirs: _Read) -> tuple[list[int], list[int]]:
    """Positions of both at which the same bytes were read: what comes next can be compared."""
    first, second = ours.ends(), theirs.ends()
    both = sorted(set(first) & set(second))
    return [first[end] - 1 for end in both], [second[end] - 1 for end in both]


def _common(ours: _Read, theirs: _Read) -> tuple[_Read, _Read]:
    """The longest beginnings of both that stand for the same bytes."""
    first, second = ours.ends(), theirs.ends()
    last = max(set(first) & set(second))
    return ours.first(first[last]), theirs.first(second[last])


def _figures(sums: _Sums) -> dict[str, float]:
    figures = {
        "ppl": math.exp(sums.nll / max(1, sums.tokens)),
        f"{SOURCE}ppl": math.exp(sums.source_nll / max(1, sums.source_tokens)),
        "bits_per_byte": sums.nll / math.log(2) / max(1, sums.bytes),
        f"{SOURCE}bits_per_byte": sums.source_nll / math.log(2) / max(1, sums.bytes),
        "text_tokens": float(sums.tokens),
        f"{SOURCE}text_tokens": float(sums.source_tokens),
    }
    if sums.divergences:
        found = np.array(sums.divergences)
        figures["kl"] = max(0.0, float(found.mean()))
        figures["kl_p95"] = float(np.percentile(found, 95))
        figures["top1"] = sums.same / len(found)
        figures["lost_share"] = sums.lost / len(found)
    return figures
