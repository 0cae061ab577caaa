"""The language model: speed beside the bare engine, first tokens, reuse, memory, cancellation."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import psutil

from benchmarks.bare_llama import BareLlama, Span, now
from benchmarks.common import say, summary, table
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ModelError
from edgebot.core.language import Generation, Message
from edgebot.core.turn import Turn
from edgebot.nlg.llama import LlamaEngine
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.prompt import static_part
from edgebot.nlg.talker import LanguageTalker
from edgebot.runtime.wiring import Assembly

THREADS = 2
CONTEXT = 2048
PERSONA = Path(__file__).resolve().parents[1] / "models" / "personas" / "default.yaml"
TALK = [
    ("what is the capital of italy", "The capital of Italy is Rome."),
    ("and how many people live there", "About two point eight million people live in Rome."),
    ("what should i see there first", "Most people begin with the Colosseum and the old forum."),
]
LONG_RULES = "The household has these rules, and they are to be kept in mind. " + " ".join(
    f"Rule {at}: in room {at} the light goes off at {at % 12 + 1} o'clock." for at in range(1, 9)
)


SPEED = ["model", "", "ours, tokens/s", "llama.cpp alone", "our share, %", "slower than alone, %"]
FIRST = [
    "model",
    "prompt tokens",
    "until",
    "cold, s",
    "saved state, s",
    "speculation, s",
    "of cold",
]
REST = ["model", "prompt / reused tokens, turns 1-3", "CPU seconds a turn", "cancel in prefill, ms"]
REST += ["cancel while writing, ms", "peak memory, MB"]


def run(quick: bool) -> dict[str, Any]:
    """Every GGUF model of the catalogue that is on this machine."""
    with Assembly(_settings()) as assembly:
        entries = [entry for entry in assembly.catalog if entry.engine == "llama"]
        found = {}
        for entry in entries:
            try:
                found[entry.id] = assembly.store.open(entry.id).files["model"]
            except ModelError as problem:
                say(f"{entry.id}: left out ({problem})")
    return {model: measure(path, quick) for model, path in found.items()}


def measure(path: Path, quick: bool) -> dict[str, Any]:
    """All figures of one model."""
    say(f"{path.parent.name}: beside the bare engine")
    figures: dict[str, Any] = {"speed": beside_bare(path, 3 if quick else 7)}
    say("first token")
    figures["first_token_s"] = first_token(path, 2 if quick else 5)
    engine = LlamaEngine(path, model_id="bench", threads=THREADS, context_tokens=CONTEXT)
    try:
        say("reuse")
        figures["turns"] = reuse(engine)
        say("cancellation")
        figures["cancel_ms"] = cancellation(engine, 5 if quick else 20)
    finally:
        engine.close()
    figures["peak_rss_mb"] = memory(path)
    return figures


# --- beside the bare engine


def beside_bare(path: Path, rounds: int) -> dict[str, Any]:
    """Prefill and decode of both, round by round in turns, so that load hits both alike.

    The difference of two runs is as noisy as the machine, so our share is measured from within as
    well: the part of our time that is not spent inside llama.cpp's own functions.
    """
    engine = LlamaEngine(path, model_id="bench", threads=THREADS, context_tokens=CONTEXT)
    bare = BareLlama(path, THREADS, CONTEXT)
    messages = [Message("system", LONG_RULES), Message("user", "Tell me a long story about rain.")]
    prompt = engine._encode(messages)
    count = 64
    ours: list[list[Span]] = []
    theirs: list[list[Span]] = []
    outside: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            theirs.append(bare.run(prompt, count))
        ours.append(_ours(engine, messages, count))
        if not number % 2:
            theirs.append(bare.run(prompt, count))
    for _ in range(rounds):
        outside.append(_outside(engine, messages, count))
    engine.close()
    bare.close()
    figures: dict[str, Any] = {"threads": THREADS, "rounds": rounds}
    for at, (name, tokens) in enumerate((("prefill", len(prompt)), ("writing", count))):
        mine, other = ([spans[at] for spans in runs[1:]] for runs in (ours, theirs))
        best, best_other = (min(span.wall_s for span in spans) for spans in (mine, other))
        figures[name] = {
            "tokens": tokens,
            "ours_tps": round(tokens / best, 1),
            "bare_tps": round(tokens / best_other, 1),
            "our_share_percent": round(statistics.median(o[at] for o in outside) * 100, 2),
            "slower_than_bare_percent": round((1 - best_other / best) * 100, 1),
        }
    return figures


def _ours(engine: LlamaEngine, messages: Sequence[Message], count: int) -> list[Span]:
    """Template, tokens, prefill, sampling, text: from the call to the last piece.

    The end of a reply is scaled to ``count`` tokens where the model ended sooner.
    """
    engine.state.forget()
    options = Generation(count, 0.3, seed=1)
    began = first = now()
    for piece in engine.generate(messages, options, Cancellation()):
        if first is began and piece:
            first = now()
    wall_s, cpu_s = now() - first
    scale = count / max(engine.stats.reply_tokens - 1, 1)
    return [first - began, Span(wall_s * scale, cpu_s * scale)]


INSIDE = ("llama_decode", "llama_sampler_sample", "llama_tokenize", "llama_token_to_piece")


def _outside(engine: LlamaEngine, messages: Sequence[Message], count: int) -> tuple[float, float]:
    """The share of our time outside llama.cpp's functions: until the first piece, and after it."""
    inside = 0.0
    real = {name: getattr(llama_cpp, name) for name in INSIDE}

    def watched(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            nonlocal inside
            began = time.perf_counter()
            result = function(*arguments)
            inside += time.perf_counter() - began
            return result

        return call

    for name, function in real.items():
        setattr(llama_cpp, name, watched(function))
    try:
        engine.state.forget()
        began = time.perf_counter()
        pieces = engine.generate(messages, Generation(count, 0.3, seed=1), Cancellation())
        next(pieces)
        first, inside_first = time.perf_counter(), inside
        for _ in pieces:
            pass
        end = time.perf_counter()
    finally:
        for name, function in real.items():
            setattr(llama_cpp, name, function)
    return (
        1 - inside_first / (first - began),
        1 - (inside - inside_first) / (end - first),
    )


# --- first token


class Watched:
    """An engine that notes when the first piece of a reply came."""

    def __init__(self, engine: LlamaEngine) -> None:
        self._engine = engine
        self.first_piece = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        self.first_piece = 0.0
        for piece in self._engine.generate(messages, options, cancellation):
            self.first_piece = self.first_piece or time.perf_counter()
            yield piece


def first_token(path: Path, runs: int) -> dict[str, Any]:
    """From the final text to the first token and the first sentence, as the talker gives them.

    Cold: nothing is there. Saved state: the static part comes from disk, as after a start.
    Speculation: a person says three words a second, pauses, and 0.3 s later it is certain that
    they are done; that is how partial texts arrive and how long an endpoint is waited for.
    """
    question = "what is the best way to learn a new language when i have little time"
    modes: dict[str, list[tuple[float, float]]] = {
        "cold": [],
        "prefix_state": [],
        "speculation": [],
    }
    drafted = 0
    with tempfile.TemporaryDirectory() as folder:
        states = Path(folder) / "states"
        engine = LlamaEngine(
            path, model_id="bench", threads=THREADS, context_tokens=CONTEXT, prefix_dir=states
        )
        persona = PersonaFile(_long_persona(Path(folder)))
        for mode, spans in modes.items():
            for _ in range(runs):
                if mode == "cold":
                    shutil.rmtree(states, ignore_errors=True)
                engine.state.unprepare()
                talker = LanguageTalker(
                    lambda: Watched(engine), persona, model_id="b", sampling={"temperature": 0.0}
                )
                turn = Turn()
                if mode == "speculation":
                    talker.model()
                    _speak(talker, turn, question)
                began = time.perf_counter()
                next(iter(talker.reply(turn, question)))
                sentence = time.perf_counter() - began
                watched = talker.model()
                assert isinstance(watched, Watched)
                spans.append((max(watched.first_piece - began, 0.0), sentence))
                drafted += talker.record.drafted
                turn.cancel()
                talker.close()
        tokens = len(engine._encode([*static_part(persona.current()), Message("user", question)]))
        engine.close()
    cold = statistics.median(token for token, _ in modes["cold"])
    ahead = statistics.median(token for token, _ in modes["speculation"])
    return {
        "prompt_tokens": tokens,
        **{mode: summary([token for token, _ in spans]) for mode, spans in modes.items()},
        "first_sentence": {
            mode: summary([sentence for _, sentence in spans]) for mode, spans in modes.items()
        },
        "speculation_of_cold": round(ahead / cold, 3),
        "drafted": drafted,
    }


def _speak(talker: LanguageTalker, turn: Turn, question: str) -> None:
    words = question.split()
    for count in range(3, len(words) + 1, 3):
        talker.prepare(turn, " ".join(words[:count]))
        time.sleep(1.0)
    talker.prepare(turn, question, draft=True)
    time.sleep(0.3)


def _long_persona(folder: Path) -> Path:
    """The shipped persona with rules of a household: a prompt of about 300 tokens."""
    text = PERSONA.read_text(encoding="utf-8").replace(
        "If you do not know, say so.", f"If you do not know, say so. {LONG_RULES}"
    )
    path = folder / "bench.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# --- reuse, cancellation, memory


def reuse(engine: LlamaEngine) -> list[dict[str, Any]]:
    """Tokens read anew and processor time of the turns of a conversation."""
    static = static_part(PersonaFile(PERSONA).current())
    engine.warm(static)
    history: list[Message] = []
    rows = []
    for question, answer in TALK:
        began = time.process_time()
        messages = [*static, *history, Message("user", question)]
        "".join(engine.generate(messages, Generation(32, 0.0), Cancellation()))
        stats = engine.stats
        rows.append(
            {
                "prompt_tokens": stats.prompt_tokens,
                "reused_tokens": stats.reused_tokens,
                "reply_tokens": stats.reply_tokens,
                "cpu_s": round(time.process_time() - began, 2),
            }
        )
        history += [Message("user", question), Message("assistant", answer)]
    return rows


def cancellation(engine: LlamaEngine, runs: int) -> dict[str, Any]:
    """Milliseconds from ``cancel()`` to the idle engine, at different points of a long prefill."""
    long = [Message("user", "one two three four five six seven eight nine ten " * 52)]
    engine.state.forget()
    began = time.perf_counter()
    engine.prefill(long, Cancellation())
    whole = time.perf_counter() - began
    spans: dict[str, list[float]] = {"prefill": [], "writing": []}
    for number in range(runs):
        engine.state.forget()
        delay = whole * (0.05 + 0.8 * number / runs)
        spans["prefill"].append(_cancelled(engine, long, delay))
        story = [Message("user", "Tell me a long story.")]
        spans["writing"].append(_cancelled(engine, story, 0.5 + 0.1 * number / runs))
    return {
        "prefill_tokens": len(engine._encode(long)),
        **{name: summary(values, 1) for name, values in spans.items()},
    }


def _cancelled(engine: LlamaEngine, messages: Sequence[Message], delay_s: float) -> float:
    cancelled = Cancellation()
    when: list[float] = []

    def cancel() -> None:
        when.append(time.perf_counter())
        cancelled.cancel()

    timer = threading.Timer(delay_s, cancel)
    timer.start()
    for _ in engine.generate(messages, Generation(400, 0.8, seed=3), cancelled):
        pass
    idle = time.perf_counter()
    timer.join()
    return max(idle - when[0], 0.0) * 1000.0


def memory(path: Path) -> float:
    """Growth of the resident memory, in MB, at its peak: load the model and answer once."""
    code = f"import benchmarks.llm as b; b.answer_once({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    figure: float = json.loads(done.stdout.strip().splitlines()[-1])
    return figure


def answer_once(path: str) -> None:
    """Load, answer, print how much the memory grew: the other side of :func:`memory`."""
    before = psutil.Process().memory_info().rss / 1e6
    engine = LlamaEngine(Path(path), model_id="b", threads=THREADS, context_tokens=CONTEXT)
    "".join(engine.generate([Message("user", "hello " * 300)], Generation(16), Cancellation()))
    high = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )  # the peak of ru_maxrss would be that of the process which started this one
    print(round(int(high.split()[1]) * 1024 / 1e6 - before))


def _settings() -> Any:
    from edgebot.config.loader import load_settings

    return load_settings(None, {"EDGEBOT_STATE_DIR": tempfile.mkdtemp()})


# --- report


def report(figures: dict[str, Any]) -> str:
    """Tables for RESULTS.md."""
    speed, first, rest = [], [], []
    for model, f in figures.items():
        t, c = f["first_token_s"], f["cancel_ms"]
        for name in ("prefill", "writing"):
            s = f["speed"][name]
            row = [model, f"{name}, {s['tokens']} tokens", s["ours_tps"], s["bare_tps"]]
            speed.append([*row, s["our_share_percent"], s.get("slower_than_bare_percent", "–")])
        for what, group in (("first token", t), ("first sentence", t["first_sentence"])):
            medians = [group[mode]["median"] for mode in ("cold", "prefix_state", "speculation")]
            share = f"{medians[2] / medians[0]:.2f}"
            first.append([model, t["prompt_tokens"], what, *(f"{m:.2f}" for m in medians), share])
        turns = "; ".join(f"{row['prompt_tokens']} / {row['reused_tokens']}" for row in f["turns"])
        cpu = ", ".join(str(row["cpu_s"]) for row in f["turns"])
        spans = [
            f"{c[name]['median']:.0f} / {c[name]['p95']:.0f}" for name in ("prefill", "writing")
        ]
        rest.append([model, turns, cpu, *spans, f["peak_rss_mb"]])
    return "\n\n".join(
        [
            table(SPEED, speed),
            table(FIRST, first),
            table(REST, rest),
        ]
    )
