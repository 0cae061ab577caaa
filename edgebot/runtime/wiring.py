"""The one place that names concrete engines: settings in, ports out.

Every engine is opened when first asked for and kept for the life of the assembly.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, TypeVar

from edgebot.config.settings import Settings
from edgebot.core.registry import Registry

STT = Registry("speech recogniser", {"vosk": "edgebot.stt.vosk:VoskRecognizer"})
TTS = Registry("voice", {"piper": "edgebot.tts.piper:PiperVoice"})
LLM = Registry("language model engine", {"llama": "edgebot.nlg.llama:LlamaEngine"})
EMBED = Registry("sentence encoder", {"minilm": "edgebot.embed.minilm:MiniLmEncoder"})

T = TypeVar("T")


class Assembly:
    """The engines one set of settings means. Not thread-safe while opening."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open: dict[str, Any] = {}
        self._stack = ExitStack()

    def close(self) -> None:
        """Close what was opened, last first."""
        self._open.clear()
        self._stack.close()

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
