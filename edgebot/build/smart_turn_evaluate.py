"""The evaluator ``turns``: does a turn detector still judge recordings as its source does?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.onnx_quant_feeds import recordings
from edgebot.build.step import Parameters
from edgebot.core.audio import Samples
from edgebot.vad.smart_turn import SmartTurn

_CUTS = (0.45, 0.7, 1.0)
"""Shares of a recording after which it is judged: in mid-sentence, and at its end."""


class TurnParameters(Parameters):
    """What ``turns`` takes."""

    text: str = "clips"
    """Recordings of speech."""

    clips: int = Field(default=20, ge=2, le=1000)
    """How many of them; each is judged at three places."""


class Turns(Evaluator[TurnParameters]):
    """Chances that a speaker is done, beside those of the source."""

    name = "turns"
    takes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    better: ClassVar[dict[str, str]] = {
        "same_decision": "high",
        "chance_off": "low",
        "right": "high",
    }
    schema = TurnParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``same_decision`` (share, at one half), ``chance_off`` and ``chance_most_off``.

        ``right`` of both: recordings taken for finished at their end and for not finished before.
        """
        found = recordings(trial.texts.paths(self.parameters.text), self.parameters.clips)
        pieces = [piece for samples in found for piece in _pieces(samples)]
        chances = []
        for artefact in (trial.artefact, trial.source):
            detector = SmartTurn(artefact.file(), threads=trial.threads)
            chances.append(np.array([detector.finished(piece) for piece in pieces]))
        ours, theirs = chances
        off = np.abs(ours - theirs)
        ended = np.tile(np.array(_CUTS) == 1.0, len(found))
        return {
            "same_decision": float(np.mean((ours >= 0.5) == (theirs >= 0.5))),
            "chance_off": float(off.mean()),
            "chance_most_off": float(off.max()),
            "right": float(np.mean((ours >= 0.5) == ended)),
            f"{SOURCE}right": float(np.mean((theirs >= 0.5) == ended)),
        }


def _pieces(samples: Samples) -> list[Samples]:
    return [samples[: max(1, int(share * len(samples)))] for share in _CUTS]
