"""A whole assistant without model files behind a real HTTP door."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from edgebot.config import paths
from edgebot.config.loader import load_settings
from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.core.language import Generation, GenerationStats, Message
from edgebot.core.speech import Transcript
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.understander import TemplateUnderstander
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.http.service import HttpService
from edgebot.server.rim import Rim

HEARD = "what is two plus three"


class Ears:
    """A recogniser that hears the same in everything."""

    model_id = "ears"

    def stream(self, grammar: Sequence[str] | None = None) -> Ears:
        return Ears()

    def accept(self, frame: AudioFrame) -> str:
        return ""

    def finish(self) -> Transcript:
        return Transcript(HEARD, engine=self.model_id, audio_s=1.0)

    def close(self) -> None: ...


class Voice:
    """A voice that hums for a tenth of a second."""

    model_id = "voice"
    rate_hz = 16_000

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        yield AudioFrame(np.full(1600, 1000, np.int16))

    def close(self) -> None: ...


class Encoder:
    """Vectors from the letters of a text."""

    model_id = "encoder"
    dimensions = 16

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = [np.frombuffer(hashlib.sha256(t.encode()).digest()[:16], np.uint8) for t in texts]
        vectors = np.array(rows, np.float32).reshape(-1, 16) + 1.0
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def tokens(self, text: str) -> TokenVectors:
        return TokenVectors(self.embed([text]), ((0, len(text)),))

    def close(self) -> None: ...


class Writer:
    """A language model that says the same; slowly enough to be interrupted where it is told to."""

    model_id = "writer"
    context_tokens = 2048

    def __init__(self) -> None:
        self.stats = GenerationStats()
        self.hold: Callable[[int], None] = lambda number: None
        self.asked: list[list[Message]] = []

    def generate(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        self.asked.append(list(messages))
        words = ["One ", "two ", "three."]
        if options.grammar is not None:
            words = ['{"name": "look", ', '"arguments": {"where": "here"}}']
        if messages[-1].role == "assistant":
            words = [w for w in words if w not in messages[-1].content]
        for number, word in enumerate(words[: options.max_tokens]):
            self.hold(number)
            if cancellation.is_set:
                return
            yield word
        self.stats = GenerationStats(finish="stop")

    def prefill(self, *_: Any, **__: Any) -> GenerationStats:
        return self.stats

    warm = prefill

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...


class Models(Assembly):
    """The real skills, store and templates; engines that need no files."""

    def stt(self) -> Any:
        return self._once("stt", Ears)

    def tts(self) -> Any:
        return self._once("tts", Voice)

    def embedder(self) -> Any:
        return self._once("embedder", Encoder)

    def language_model(self) -> Any:
        return self._once("language_model", Writer)

    def _open_knowledge(self) -> SqliteKnowledgeBase:
        return SqliteKnowledgeBase(self.knowledge_store(), self.embedder(), 0.5)

    def _open_understander(self, intents_file: Path | None) -> TemplateUnderstander:
        sentences = own_sentences(self.settings.language)
        return TemplateUnderstander(sentences, lambda: None, paths.cache_dir() / "grammar")

    def _port(self, name: str) -> Any:
        return self.understander() if name == "understander" else None


class Board:
    """An assistant with its HTTP door open."""

    def __init__(self, folder: Path, **server: Any) -> None:
        environ = {
            "EDGEBOT_STATE_DIR": str(folder / "state"),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_SERVER__PORT": "0",
            "EDGEBOT_SERVER__REQUESTS_A_MINUTE": "100000",
            **{f"EDGEBOT_SERVER__{name.upper()}": str(value) for name, value in server.items()},
        }
        config = folder / "edgebot.yaml"
        config.touch()
        self.config = config
        self.assembly = Models(load_settings(config, environ))
        self.bus = Bus()
        self.house = House(self.assembly, self.bus, config_file=config)
        self.service = HttpService(self.assembly.settings)
        self.rim = Rim(self.house, [self.service])

    def __enter__(self) -> Board:
        self.assembly.dialogue()
        self.rim.start()
        end = time.monotonic() + 60
        while self.service.address is None and time.monotonic() < end:
            time.sleep(0.01)
        assert self.service.address is not None, "the door did not open"
        return self

    def __exit__(self, *_: object) -> None:
        self.rim.close()
        self.assembly.close()

    @property
    def url(self) -> str:
        return self.service.url.rstrip("/")

    @property
    def events(self) -> str:
        return self.url.replace("http", "ws", 1) + "/api/events"

    def client(self, **facts: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, **facts)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with Board(tmp_path_factory.mktemp("board")) as opened:
        yield opened


@pytest.fixture
def http(board: Board) -> Iterator[httpx.Client]:
    with board.client() as client:
        yield client


@pytest.fixture
def open_board(tmp_path: Path) -> Iterator[Callable[..., Board]]:
    """Boards with settings of their own."""
    opened: list[Board] = []

    def make(**server: Any) -> Board:
        board = Board(tmp_path, **server)
        board.__enter__()
        opened.append(board)
        return board

    yield make
    for board in opened:
        board.__exit__()
