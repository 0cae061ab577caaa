"""An evaluator: measures an artefact beside the source it was made from; the table of all.

Each runs in a process of its own, so that what it says about memory is true. It returns figures by
name, those of the source with ``source.`` before the name: gates and the report compare the two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic

from edgebot.build.artefact import Artefact
from edgebot.build.step import Cost, P, Parameters, Texts
from edgebot.core.registry import Registry
from edgebot.models.progress import Progress, Silent

SOURCE = "source."
"""Before the name of a figure of the source."""


@dataclass(frozen=True)
class Trial:
    """What an evaluator is given."""

    artefact: Artefact
    source: Artefact
    scratch: Path
    """Empty; removed afterwards."""

    texts: Texts = field(default_factory=Texts)
    threads: int = 1
    progress: Progress = field(default_factory=Silent)


class Evaluator(ABC, Generic[P]):
    """One kind of measurement with its parameters."""

    name: ClassVar[str]
    takes: ClassVar[str]
    """Kind of file it measures: ``gguf``, ``onnx``, ``any``."""

    revision: ClassVar[int] = 1
    """To be raised when the same artefact gives other figures than before."""

    repeatable: ClassVar[bool] = True
    """The same files always give the same figures, which may then come from the cache; False for
    whatever is measured with a clock."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose version decides about the figures."""

    better: ClassVar[Mapping[str, str]] = {}
    """Figure → ``low`` or ``high``: what is good, for charts and the Pareto front."""

    schema: ClassVar[type[Parameters]]

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    def cost(self, artefact_bytes: int) -> Cost:
        """About what it takes for a model of so many bytes."""
        return Cost(seconds=10 + artefact_bytes / 5e6, memory_mb=200 + 3 * artefact_bytes / 1e6)

    @abstractmethod
    def run(self, trial: Trial) -> dict[str, float]:
        """Measure; names of figures are lower case with their unit (``load_s``, ``size_mb``)."""


EVALUATORS = Registry(
    "evaluator",
    {
        "files": "edgebot.build.evaluate_files:Files",
        # GGUF language models
        "perplexity": "edgebot.build.evaluate_text:Perplexity",
        "answers": "edgebot.build.evaluate_answers:Answers",
        "questions": "edgebot.build.evaluate_questions:Questions",
        "tools": "edgebot.build.evaluate_tools:Tools",
        "speed": "edgebot.build.evaluate_speed:Speed",
        # Sentence encoders, voices, turn detectors: ONNX
        "encoder-cosine": "edgebot.build.minilm_evaluate:EncoderCosine",
        "intents": "edgebot.build.minilm_evaluate:Intents",
        "retrieval": "edgebot.build.minilm_evaluate:Retrieval",
        "voice-heard": "edgebot.build.voice_evaluate:VoiceHeard",
        "voice-spectrum": "edgebot.build.voice_evaluate:VoiceSpectrum",
        "turns": "edgebot.build.smart_turn_evaluate:Turns",
        "engine-speed": "edgebot.build.onnx_quant_speed:EngineSpeed",
    },
)
"""Name in a recipe → its class, imported when first asked for."""


def make_evaluator(name: str, parameters: Mapping[str, Any]) -> Evaluator[Any]:
    """The evaluator called ``name``; raises ``ConfigError``, ``ValueError``."""
    kind = EVALUATORS.load(name)
    evaluator: Evaluator[Any] = kind(kind.schema.model_validate(parameters))
    return evaluator
