"""The one place that names concrete engines: settings in, ports out.

Every engine is opened when first asked for and kept for the life of the assembly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

from edgebot.config.settings import Settings
from edgebot.core.embedding import Embedder
from edgebot.core.registry import Registry

STT = Registry("speech recogniser", {"vosk": "edgebot.stt.vosk:VoskRecognizer"})
TTS = Registry("voice", {"piper": "edgebot.tts.piper:PiperVoice"})
LLM = Registry("language model engine", {"llama": "edgebot.nlg.llama:LlamaEngine"})
EMBED = Registry("sentence encoder", {"minilm": "edgebot.embed.minilm:MiniLmEncoder"})

T = TypeVar("T")


class Assembly:
    """The engines one set of settings means, each opened when first asked for.

    Safe to use from several threads: two engines load side by side, one is never loaded twice.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open: dict[str, Any] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}

    def _once(self, key: str, opener: Callable[[], T]) -> T:
        """What ``opener`` made when first asked for ``key``; its ``close`` is called at the end."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.RLock())
        with lock:
            if key not in self._open:
                opened = opener()
                with self._lock:
                    self._open[key] = opened
                    if close := getattr(opened, "close", None):
                        self._stack.callback(close)
            engine: T = self._open[key]
            return engine

    def close(self) -> None:
        """Close what was opened, last first."""
        self._open.clear()
        self._stack.close()

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def embedder(self) -> Embedder:
        """The sentence encoder of the settings or the profile."""
        return self._once("embedder", self._open_embedder)

    def _open_embedder(self) -> Embedder:
        installed = self.model("embedder")
        engine = EMBED.load(installed.entry.engine)
        embedder: Embedder = engine(
            installed.files["model"],
            installed.files["tokenizer"],
            threads=self.settings.threads.embed,
            model_id=installed.id,
        )
        return embedder
