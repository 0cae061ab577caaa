"""What the language models know, read and reckon: small public question sets, each model alike."""

from __future__ import annotations

import collections
import contextlib
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import SHARED_DATA, say, table
from benchmarks.knowledge_data import Asked, questions, read_lines, write_passages
from edgebot.config.loader import load_settings
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError, ModelError
from edgebot.core.knowledge import KnowledgeBase
from edgebot.core.language import Generation, Message
from edgebot.core.turn import Turn
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from edgebot.nlg.engine import ChatEngine
from edgebot.nlg.pace import Limits
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.talker import LanguageTalker
from edgebot.runtime import language
from edgebot.runtime.wiring import LLM, Assembly

SETS = SHARED_DATA / "llm"
NO_LIMITS = Limits(max_tokens=96, deadline_s=3600, filler_after_s=3600, reading_s=3600)
HEAD = ["question set", "what is counted"]
ROWS = {
    "nq_open": ("Natural Questions", "right answer named, %"),
    "squad_alone": ("SQuAD 2, no passages", "right answer named, %"),
    "squad_read": ("SQuAD 2, retrieved passages read", "right answer named, %"),
    "squad_turn": ("SQuAD 2, as in a turn (the extract stands by)", "right answer named, %"),
    "squad_invented": ("SQuAD 2, unanswerable, passages read", "answered all the same, %"),
    "truthfulqa": ("TruthfulQA, two answers", "true one likelier, % (chance 50)"),
    "gsm8k": ("GSM8K, thinking aloud", "last number right, %"),
    "clean": ("Vicuna questions", "raw replies that could be spoken as they are, %"),
    "sentences": ("Vicuna questions", "sentences spoken, mean"),
    "spoken": ("Vicuna questions", "turns with something to say, %"),
}


def run(quick: bool) -> dict[str, Any]:
    """Every language model of the catalogue that is on this machine, one after the other."""
    share = 3 if quick else 1
    with tempfile.TemporaryDirectory() as name:
        settings = load_settings(None, {"EDGEBOT_STATE_DIR": name})
        with Assembly(settings) as assembly:
            knowledge = passages(assembly, Path(name))
            models: dict[str, Any] = {}
            for entry in assembly.catalog:
                if entry.stage != "llm":
                    continue
                try:
                    installed = assembly.store.open(entry.id)
                except ModelError as problem:
                    say(f"{entry.id}: left out ({problem})")
                    continue
                engine: ChatEngine = LLM.load(entry.engine)(
                    installed.files["model"], model_id=entry.id, context_tokens=2048
                )
                talker = LanguageTalker(
                    lambda engine=engine: engine,  # type: ignore[misc]
                    language.open_persona(settings),
                    model_id=entry.id,
                    sampling={**language.sampling(entry, settings), "seed": 1},
                    limits=NO_LIMITS,
                    examples=not entry.options.get("reads_passages"),
                    reading_score=float("-inf"),
                )
                models[entry.id] = measure(engine, talker, knowledge, share)
                talker.close()
                engine.close()
    return models


def passages(assembly: Assembly, folder: Path) -> KnowledgeBase:
    """A knowledge base that holds the passages of SQuAD 2 and nothing else."""
    say("importing the passages")
    write_passages("squad2", folder / "squad2")
    store = KnowledgeStore(folder / "squad2.db")
    embedder = assembly.embedder()
    Importer(store, embedder, 1 << 30).run([folder / "squad2"])
    return SqliteKnowledgeBase(store, embedder, assembly.settings.knowledge.threshold)


def measure(
    engine: ChatEngine, talker: LanguageTalker, knowledge: KnowledgeBase, share: int
) -> dict[str, Any]:
    """All sets with one model."""
    began = time.perf_counter()
    squad = questions("squad2")
    answerable = sample([one for one in squad if one.kind == "answerable"], 36 // share)
    tricky = sample([one for one in squad if one.kind == "tricky"], 18 // share)
    say(f"{engine.model_id}: questions from memory")
    figures: dict[str, Any] = {
        "nq_open": nq_open(talker, 36 // share),
        "squad_alone": percent(named(alone(talker, one.text), one.answers) for one in answerable),
    }
    say(f"{engine.model_id}: questions with passages")
    figures |= with_passages(talker, knowledge, answerable, tricky)
    say(f"{engine.model_id}: truth, sums, style")
    figures["truthfulqa"] = truthful(engine, 48 // share)
    figures["gsm8k"] = sums(engine, 12 // share)
    figures |= style(engine, talker, 16 // share)
    figures["counts"] = {
        "nq_open": 36 // share,
        "squad": len(answerable),
        "squad_unanswerable": len(tricky),
        "truthfulqa": 48 // share,
        "gsm8k": 12 // share,
        "vicuna": 16 // share,
    }
    figures["minutes"] = round((time.perf_counter() - began) / 60, 1)
    return figures


def sample(entries: Sequence[Any], count: int) -> list[Any]:
    return random.Random(7).sample(list(entries), count)


def percent(hits: Iterator[bool]) -> float:
    counted = collections.Counter(hits)
    return round(100 * counted[True] / max(counted.total(), 1), 1)


# --- answers


def nq_open(talker: LanguageTalker, count: int) -> float:
    asked = sample(read_lines(SHARED_DATA / "qa" / "nq_open" / "dev.jsonl"), count)
    return percent(named(alone(talker, one["question"]), one["answer"]) for one in asked)


def alone(talker: LanguageTalker, text: str) -> str:
    return spoken(lambda: talker.reply(Turn(), text))


def spoken(reply: Callable[[], Iterator[str]]) -> str:
    """The sentences of a reply; empty for an apology or a refusal."""
    try:
        return " ".join(reply())
    except EngineError:
        return ""


def with_passages(
    talker: LanguageTalker,
    knowledge: KnowledgeBase,
    answerable: Sequence[Asked],
    tricky: Sequence[Asked],
) -> dict[str, float]:
    """Read from what the knowledge base finds; a refused sentence gives way to the extract."""
    read, turn, invented = [], [], []
    for one in [*answerable, *tricky]:
        found = knowledge.search(one.text, 3)
        text = spoken(lambda one=one, found=found: talker.reply(Turn(), one.text, (), found))  # type: ignore[misc]
        if one.kind == "tricky":
            invented.append(bool(text))
            continue
        read.append(named(text, one.answers))
        turn.append(named(text or knowledge.answer(one.text, found).text, one.answers))
    return {
        "squad_read": percent(iter(read)),
        "squad_turn": percent(iter(turn)),
        "squad_invented": percent(iter(invented)),
    }


def named(text: str, answers: Sequence[str]) -> bool:
    """Whether one of ``answers`` stands in ``text``, word for word (SQuAD's normalisation)."""
    said = f" {_normal(text)} "
    return any(f" {_normal(answer)} " in said for answer in answers if _normal(answer))


def _normal(text: str) -> str:
    words = re.sub(r"[^\w\s]", " ", text.lower()).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))


# --- truth, sums, style


def truthful(engine: ChatEngine, count: int) -> float:
    """How often the true answer is likelier, a token, than the best false one."""
    asked = sample(read_lines(SETS / "truthfulqa" / "questions.jsonl"), count)
    return percent(
        likelihood(engine, one["Question"], one["Best Answer"])
        > likelihood(engine, one["Question"], one["Best Incorrect Answer"])
        for one in asked
    )


def likelihood(engine: ChatEngine, question: str, answer: str) -> float:
    """Mean log probability of the tokens of ``answer`` as the reply to ``question``."""
    native = engine._native
    prompt = engine._encode([Message("user", question)])
    engine.prefill([Message("user", question)], Cancellation())
    tokens = native.tokenize(answer, special=False)
    total = 0.0
    if engine.state.tokens != prompt:  # the last token gives the scores: read it again
        engine.state.forget(len(prompt) - 1)
        engine.state.append(prompt[-1:])
    for token in tokens:
        scores = native.logits().astype(np.float64)
        top = scores.max()
        total += scores[token] - top - np.log(np.exp(scores - top).sum())
        engine.state.append([token])
    return total / max(len(tokens), 1)


def sums(engine: ChatEngine, count: int) -> float:
    asked = sample(read_lines(SETS / "gsm8k" / "train_sample_1000.jsonl"), count)
    return percent(
        _last_number(_think(engine, one["question"])) == _last_number(one["answer"])
        for one in asked
    )


def _think(engine: ChatEngine, question: str) -> str:
    rules = Message("system", "Think step by step. End with the result as a number.")
    options = Generation(200, temperature=0.0, repeat_penalty=1.0)
    return "".join(engine.generate([rules, Message("user", question)], options, Cancellation()))


def _last_number(text: str) -> float | None:
    found = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return float(found[-1]) if found else None


def style(engine: ChatEngine, talker: LanguageTalker, count: int) -> dict[str, float]:
    """How fit for speech the model's own text is, and what is left of it for the voice."""
    asked = sample(read_lines(SETS / "vicuna_bench" / "question.jsonl"), count)
    clean, spoken_counts = [], []
    for one in asked:
        question = one["turns"][0]
        sentences: list[str] = []
        with contextlib.suppress(EngineError):
            sentences = list(talker.reply(Turn(), question))
        spoken_counts.append(len(sentences))
        rules = Message("system", PersonaFile(_persona()).current().system)
        raw = "".join(
            engine.generate(
                [rules, Message("user", question)], Generation(96, seed=1), Cancellation()
            )
        )
        clean.append(not re.search(r"[*#`|<>{}\[\]]|https?:|^\s*(?:[-•]|\d+\.)\s", raw, re.M))
    return {
        "clean": percent(iter(clean)),
        "sentences": round(sum(spoken_counts) / len(spoken_counts), 1),
        "spoken": percent(count > 0 for count in spoken_counts),
    }


def _persona() -> Path:
    return Path(__file__).resolve().parents[1] / "models" / "personas" / "default.yaml"


def report(figures: dict[str, Any]) -> str:
    """One table for RESULTS.md."""
    models = list(figures)
    rows = [[*texts, *(figures[model][key] for model in models)] for key, texts in ROWS.items()]
    counts = next(iter(figures.values()))["counts"] if figures else {}
    note = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{table([*HEAD, *models], rows)}\n\nQuestions asked: {note}."
