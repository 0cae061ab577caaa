"""How much memory each model takes (``memory_mb`` in the catalogue), and the whole daemon.

Every model is loaded and used once by its real engine in a process of its own, after all libraries
are in; what the resident memory has grown by then is its need. Models without an engine yet run as
bare ONNX sessions on silence. What is not on this machine is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import memory_daemon
from benchmarks.common import say, table, write_result

LIBRARIES = ("llama_cpp", "vosk", "piper", "onnxruntime", "tokenizers", "soxr", "soundfile")
QUESTION = Path(__file__).resolve().parents[1] / "docs" / "demo" / "question.wav"
SENTENCE = "The heating turns off at ten in the evening and comes on again at six in the morning."
LONG = " ".join(f"Sentence number {n} tells of bread, cheese and the weather." for n in range(60))


def rss_mb() -> float:
    """Resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def run(quick: bool) -> dict[str, Any]:
    """Measure the program alone, every model, and the daemon of each profile."""
    from edgebot.config import paths

    figures: dict[str, Any] = {"program": _child("program", 2048)}
    for name in list(USES):
        if not (paths.models_dir() / name).is_dir():
            say(f"{name} is not here")
            continue
        for context in _contexts(name, quick):
            label = f"{name} ({context} tokens of context)" if name in CONTEXTS else name
            figures[label] = _child(name, context)
            say(f"{label}: {figures[label]} MiB")
    return {"mib": figures, "daemon": memory_daemon.run(quick)}


def report(figures: dict[str, Any]) -> str:
    """Tables of the figures."""
    rows = [[name, mib] for name, mib in figures["mib"].items()]
    models = table(["model", "resident memory, MiB"], rows)
    if not figures.get("daemon"):
        return models
    head = (
        "The whole daemon, with the models and limits of each board's profile but on this "
        "processor, in a simulated room, its HTTP door open. Pages of files are what the kernel "
        "can drop and read again."
    )
    daemon = table(memory_daemon.HEADERS, memory_daemon.rows(figures["daemon"]))
    return f"{head}\n\n{daemon}\n\n{models}"


def _contexts(name: str, quick: bool) -> tuple[int, ...]:
    return (2048,) if quick or name not in CONTEXTS else (512, 1024, 2048, 4096)


def _child(name: str, context: int) -> int:
    command = [sys.executable, "-m", "benchmarks.memory", "--one", name, "--context", str(context)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figure: int = json.loads(done.stdout.splitlines()[-1])["mib"]
    return figure


def measure_one(name: str, context: int) -> int:
    """Growth of this process by ``name``; the whole of it for ``program``."""
    import importlib

    for library in LIBRARIES:
        importlib.import_module(library)
    from edgebot.config.loader import load_settings
    from edgebot.runtime.wiring import Assembly

    assembly = Assembly(load_settings(None, {}))
    assembly.store.state("silero-vad")
    if name == "program":
        return round(rss_mb())
    before = rss_mb()
    kept = USES[name](assembly.store.open(name), context)
    grown = rss_mb() - before
    del kept
    return round(grown)


def _vosk(installed: Any, context: int) -> Any:
    import soundfile
    import soxr

    from edgebot.core.audio import AudioFrame
    from edgebot.stt.vosk import VoskRecognizer

    samples, rate = soundfile.read(QUESTION, dtype="int16")
    samples = soxr.resample(samples, rate, 16_000)
    recognizer = VoskRecognizer(installed.files["model"])
    for _ in range(3):
        stream = recognizer.stream()
        stream.accept(AudioFrame(samples))
        stream.finish()
    return recognizer


def _piper(installed: Any, context: int) -> Any:
    from edgebot.core.cancel import Cancellation
    from edgebot.tts.piper import PiperVoice

    voice = PiperVoice(installed.files["voice"], installed.files["config"])
    for _ in range(3):
        list(voice.synthesize(SENTENCE, Cancellation()))
    return voice


def _llama(installed: Any, context: int) -> Any:
    from edgebot.core.cancel import Cancellation
    from edgebot.core.language import Generation, Message
    from edgebot.nlg.llama import LlamaEngine

    engine = LlamaEngine(installed.files["model"], model_id="", context_tokens=context)
    text = LONG[: (context - 150) * 3]
    list(engine.generate([Message("user", text)], Generation(max_tokens=32), Cancellation()))
    return engine


def _minilm(installed: Any, context: int) -> Any:
    from edgebot.embed.minilm import MiniLmEncoder

    encoder = MiniLmEncoder(installed.files["model"], installed.files["tokenizer"], threads=1)
    encoder.embed([SENTENCE] * 8)
    encoder.embed([LONG])
    return encoder


def _speaker(installed: Any, context: int) -> Any:
    import vosk

    return vosk.SpkModel(str(installed.files["model"]))


def _sessions(installed: Any, context: int) -> Any:
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    kept = []
    for path in installed.files.values():
        if path.suffix != ".onnx":
            continue
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        kept.append(session)
        shapes = SILENCE.get(path.name)
        if shapes:
            feed = {
                name: np.array(fill, kind) if shape == () else np.full(shape, fill, kind)
                for name, (shape, fill, kind) in shapes.items()
            }
            session.run(None, feed)
    return kept


SILENCE: dict[str, dict[str, tuple[tuple[int, ...], int, str]]] = {
    "silero_vad.onnx": {
        "input": ((1, 576), 0, "float32"),
        "state": ((2, 1, 128), 0, "float32"),
        "sr": ((), 16_000, "int64"),
    },
    "smart-turn-v3.2-cpu.onnx": {"input_features": ((1, 80, 800), 0, "float32")},
    "encoder_model.onnx": {"input_values": ((1, 16_000 * 8), 0, "float32")},
}
"""Input that the bare networks get: shape, value and type."""

USES: dict[str, Callable[[Any, int], Any]] = {
    "vosk-en-zamia": _vosk,
    "vosk-small-ko": _vosk,
    "piper-en-us-joe-medium": _piper,
    "smollm2-135m-instruct-q4_1": _llama,
    "qwen2.5-coder-0.5b-instruct-q4_k_m": _llama,
    "minilm-l6-v2-int8": _minilm,
    "silero-vad": _sessions,
    "smart-turn-v3.2": _sessions,
    "moonshine-tiny-en": _sessions,
    "vosk-spk-0.4": _speaker,
}
CONTEXTS = [name for name, use in USES.items() if use is _llama]


def main() -> None:
    """Measure all and save it, or one for the process above."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--context", type=int, default=2048, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one context length only")
    options = parser.parse_args()
    if options.one:
        print(json.dumps({"mib": measure_one(options.one, options.context)}))
        return
    figures = run(options.quick)
    write_result("memory", figures, "python -m benchmarks.memory")
    print(report(figures))


if __name__ == "__main__":
    main()
