"""Whether a model still gives its source's greedy answers, by the engine that the board uses."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.step import Parameters
from edgebot.config import paths
from edgebot.config.yaml_file import parse
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import UsageError
from edgebot.core.language import Generation, Message
from edgebot.models.digest import write_atomically, writing
from edgebot.models.progress import Progress

RULES = "You are a voice assistant. Answer in one short sentence."


class AnswersParameters(Parameters):
    """What ``answers`` takes."""

    text: str = "prompts"
    """Text of the recipe: a YAML list of what people say."""

    tokens: int = 24
    """Longest answer that is compared."""


class Answers(Evaluator[AnswersParameters]):
    """Greedy answers, word for word."""

    name = "answers"
    takes = "gguf"
    libraries = ("llama-cpp-python",)
    better = {"answers_same": "high"}  # noqa: RUF012
    schema = AnswersParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``answers_same`` of ``answers_asked``."""
        prompts = read_prompts(trial.texts.paths(self.parameters.text))
        ask = [(trial.source, f"answers of {SOURCE[:-1]}"), (trial.artefact, "answers")]
        theirs, ours = (
            answers(part, prompts, self.parameters.tokens, trial.threads, trial.progress, at)
            for part, at in ask
        )
        same = sum(a == b for a, b in zip(theirs, ours, strict=True))
        return {
            "answers_same": float(same),
            "answers_asked": float(len(prompts)),
            "answers_empty": float(sum(not text.strip() for text in ours)),
        }


def read_list(path: Path) -> Any:
    """The YAML in ``path``; raises ``UsageError`` when it is none."""
    document = parse(path.read_text(encoding="utf-8"), str(path))
    if document.mistakes:
        raise UsageError(str(document.mistakes[0]))
    return document.data


def read_prompts(paths: Sequence[Path]) -> list[str]:
    """The lists in ``paths`` one after the other; raises ``UsageError``."""
    prompts: list[str] = []
    for path in paths:
        found = read_list(path)
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise UsageError(f"{path}: must be a list of texts, one a line with '- ' before it")
        prompts += found
    return prompts


def answers(
    artefact: Artefact,
    prompts: Sequence[str],
    tokens: int,
    threads: int,
    progress: Progress,
    label: str,
) -> list[str]:
    """What the model answers greedily; known answers of the same file are not asked for again."""
    from edgebot.nlg.llama_native import library_version

    depends = [artefact.hashes["model"], list(prompts), tokens, library_version(), RULES, 1]
    key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]
    file = paths.cache_dir() / "steps" / "answers" / f"{key}.json"
    with contextlib.suppress(OSError, ValueError):
        known: list[str] = json.loads(file.read_text(encoding="utf-8"))
        return known
    found = _ask(artefact.file(), prompts, tokens, threads, progress, label)
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(found).encode())
    return found


def _ask(
    path: Path, prompts: Sequence[str], tokens: int, threads: int, progress: Progress, label: str
) -> list[str]:
    from edgebot.nlg.llama import LlamaEngine

    engine = LlamaEngine(path, model_id=path.stem, threads=threads, context_tokens=512)
    options = Generation(max_tokens=tokens, temperature=0.0, repeat_penalty=1.0)
    progress.begin(label, len(prompts))
    try:
        found = []
        for at, prompt in enumerate(prompts):
            asked = [Message("system", RULES), Message("user", prompt)]
            found.append("".join(engine.generate(asked, options, Cancellation())))
            progress.advance(at + 1)
        return found
    finally:
        engine.close()
