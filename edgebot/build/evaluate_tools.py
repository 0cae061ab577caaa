"""Whether a model chooses tools and fills in their arguments rightly, as `edgebot probe` asks."""

from __future__ import annotations

from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.step import Parameters


class Tools(Evaluator[Parameters]):
    """The requests of :mod:`edgebot.nlg.probe`."""

    name = "tools"
    takes = "gguf"
    libraries = ("llama-cpp-python",)
    better = {"tools_right": "high", "tools_false": "low"}  # noqa: RUF012
    schema = Parameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``tools_right`` (tool and arguments), ``tools_false`` (a call where none was wanted)."""
        from edgebot.nlg.llama import LlamaEngine
        from edgebot.nlg.probe import probe

        figures = {}
        for prefix, part in ((SOURCE, trial.source), ("", trial.artefact)):
            trial.progress.begin(f"tools{' of source' if prefix else ''}", None)
            engine = LlamaEngine(
                part.file(), model_id="tools", threads=trial.threads, context_tokens=2048
            )
            try:
                result = probe(engine)
            finally:
                engine.close()
            figures[f"{prefix}tools_right"] = result.right_arguments
            figures[f"{prefix}tools_false"] = result.false_calls
            figures[f"{prefix}tools_able"] = float(result.able)
        return figures
