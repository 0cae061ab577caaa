"""What a model does inside while it reads calibration text: the ground for pruning.

Seen through llama.cpp's evaluation callback, without any other framework: how much each layer turns
the hidden state (block influence, 1 - cos(in, out)), and its attention alone; how strongly each MLP
neuron and each part of an attention head is active, how they move together (for refitting what
stays), and where each head looks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.build.attention_maps import attention_maps
from edgebot.build.folding import BEGINNING, HIDDEN
from edgebot.build.passages import passages
from edgebot.build.step import Cost, Job, Made, Parameters, Step

ACTIVITY = "activity"
"""Role of the file with the figures."""

FILE = "activity.npz"
_WINDOW = 512
_LEAST_TOKENS = 64
_AFTER_ATTENTION = re.compile(r"^ffn_inp-(\d+)$")
_INPUT = re.compile(r"^blk\.(\d+)\.(ffn_down|attn_output)\.weight$")


class ActivityParameters(Parameters):
    """What ``activity`` takes."""

    text: str = "calibration"
    tokens: int = 4096
    together: bool = False
    """Also how neurons move together (a matrix a layer), which refitting needs."""

    maps: bool = False
    """Also where each attention head looks (attention_maps.py)."""


class Activity(Step[ActivityParameters]):
    """Adds figures of a model's activity; the model itself stays as it is."""

    name = "activity"
    takes = makes = "gguf"
    revision = 2
    libraries = ("llama-cpp-python",)
    schema = ActivityParameters

    def cost(self, artefact_bytes: int) -> Cost:
        """Reading, and a square matrix of all neurons a layer."""
        seconds = self.parameters.tokens / 120 * artefact_bytes / 1e8
        return Cost(seconds, 400 + artefact_bytes / (8e4 if self.parameters.together else 5e5))

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        text = job.texts.read(self.parameters.text)
        found = observe(job.artefact.file(), text, self.parameters, job)
        notes = {
            name: [round(float(value), 4) for value in found[name]]
            for name in ("influence", "attention_influence")
        }
        if self.parameters.maps:
            maps = attention_maps(job.artefact.file(), text, job)
            found |= maps
            notes["attention_first"] = np.round(maps["attention.first"], 3).tolist()
        np.savez(job.folder / FILE, **found)
        return Made({**job.keep(*job.artefact.roles), ACTIVITY: FILE}, notes)


class _Observed:
    """Sums over tokens."""

    def __init__(self, together: bool) -> None:
        self._together = together
        self._before: npt.NDArray[np.float32] | None = None
        self.turned: dict[int, float] = {}
        self.attended: dict[int, float] = {}
        self.squares: dict[str, npt.NDArray[np.float64]] = {}
        self.moments: dict[str, npt.NDArray[np.float32]] = {}
        self.tokens: dict[str, int] = {}

    def wanted(self, name: str, source: str) -> bool:
        hidden = HIDDEN.match(name) or _AFTER_ATTENTION.match(name)
        return name in BEGINNING or bool(hidden) or bool(_INPUT.match(source))

    def seen(self, name: str, source: str, values: npt.NDArray[np.float32]) -> None:
        if name in BEGINNING:
            self._before = values.copy()
        elif layer := _AFTER_ATTENTION.match(name):
            self._turn(self.attended, int(layer[1]), values)
        elif layer := HIDDEN.match(name):
            self._turn(self.turned, int(layer[1]), values)
            self._before = values.copy()
        elif part := _INPUT.match(source):
            self._sum(f"{part[2]}.{part[1]}", values)

    def _turn(self, sums: dict[int, float], layer: int, values: npt.NDArray[np.float32]) -> None:
        before = self._before
        if before is not None and before.shape == values.shape:
            along = np.einsum("ij,ij->i", before, values)
            size = np.linalg.norm(before, axis=1) * np.linalg.norm(values, axis=1)
            cosine = float(np.mean(along / np.maximum(size, 1e-12)))
            sums[layer] = sums.get(layer, 0.0) + (1 - cosine) * len(values)

    def _sum(self, key: str, values: npt.NDArray[np.float32]) -> None:
        squares = np.einsum("ij,ij->j", values, values, dtype=np.float64)
        self.squares[key] = self.squares.get(key, np.zeros(values.shape[1])) + squares
        self.tokens[key] = self.tokens.get(key, 0) + len(values)
        if self._together:
            moment = self.moments.get(key)
            fresh = values.T @ values
            self.moments[key] = fresh if moment is None else moment + fresh


def observe(path: Path, text: str, asked: ActivityParameters, job: Job) -> dict[str, Any]:
    """``influence`` and ``attention_influence`` (layers,), ``energy.PART.LAYER`` (width,),
    ``moment.PART.LAYER``."""
    from edgebot.build.native import open_model

    observed = _Observed(asked.together)
    read = 0
    with open_model(
        path, job.threads, context_tokens=_WINDOW, wanted=observed.wanted, seen=observed.seen
    ) as model:
        chosen = passages(model, text, asked.tokens, _WINDOW, least_tokens=_LEAST_TOKENS)
        job.progress.begin(f"activity: {path.name}", sum(map(len, chosen)))
        for window in chosen:
            model.read(window)
            read += len(window)
            job.progress.advance(read)
    found: dict[str, Any] = {
        name: np.array([sums[at] / read for at in sorted(sums)], np.float32)
        for name, sums in (
            ("influence", observed.turned),
            ("attention_influence", observed.attended),
        )
    }
    for key in sorted(observed.squares):
        count = observed.tokens[key]
        found[f"energy.{key}"] = (observed.squares[key] / count).astype(np.float32)
        if key in observed.moments:
            found[f"moment.{key}"] = (observed.moments[key] / count).astype(np.float32)
    return found


def load_activity(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """The figures in ``path``."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def left_over(artefact_roles: Any) -> list[str]:
    """Roles that stay true when structures are taken out of the model: neither matrix does."""
    return sorted(set(artefact_roles) - {"model", ACTIVITY, "importance"})
