"""Questions whose right answers are known: whether a model lost what its source knew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgebot.build.evaluate_answers import answers, read_list
from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.step import Parameters
from edgebot.core.errors import UsageError


class QuestionsParameters(Parameters):
    """What ``questions`` takes."""

    text: str = "questions"
    """Text of the recipe: a YAML list of ``{q: …, a: [words, one of which must be said]}``."""

    tokens: int = 32


class Questions(Evaluator[QuestionsParameters]):
    """Share of the questions that are answered right."""

    name = "questions"
    takes = "gguf"
    libraries = ("llama-cpp-python",)
    better = {"questions_right": "high"}  # noqa: RUF012
    schema = QuestionsParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``questions_right`` (a share) of both, ``questions_asked``."""
        asked = read_questions(trial.texts.paths(self.parameters.text))
        prompts = [text for text, _ in asked]
        figures = {"questions_asked": float(len(asked))}
        for prefix, part in ((SOURCE, trial.source), ("", trial.artefact)):
            said = answers(
                part,
                prompts,
                self.parameters.tokens,
                trial.threads,
                trial.progress,
                f"questions{' of source' if prefix else ''}",
            )
            right = sum(
                any(word.lower() in text.lower() for word in words)
                for text, (_, words) in zip(said, asked, strict=True)
            )
            figures[f"{prefix}questions_right"] = right / len(asked)
        return figures


def read_questions(paths: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """Questions and the words that answer them; raises ``UsageError``."""
    found: list[tuple[str, list[str]]] = []
    for path in paths:
        entries = read_list(path)
        for entry in entries if isinstance(entries, list) else [None]:
            if not isinstance(entry, Mapping) or not {"q", "a"} <= set(entry):
                raise UsageError(f"{path}: must be a list of entries with 'q' and 'a'")
            words = entry["a"] if isinstance(entry["a"], list) else [entry["a"]]
            found.append((str(entry["q"]), [str(word) for word in words]))
    return found
