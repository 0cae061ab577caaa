"""The one place that names concrete engines: settings in, ports out.

Every engine is opened when first asked for and kept for the life of the assembly.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from edgebot.config import paths
from edgebot.config.settings import Settings
from edgebot.core.dialogue import Dialogue
from edgebot.core.embedding import TokenEmbedder
from edgebot.core.errors import ModelMissing
from edgebot.core.knowledge import PassageReader
from edgebot.core.language import Guard, LanguageModel, Talker
from edgebot.core.registry import Registry
from edgebot.core.speech import SpeechToText, TextToSpeech
from edgebot.dialogue.build import Limits, Parts, Ports, open_dialogue
from edgebot.dialogue.turnlog import turns_file
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from edgebot.models.plan import StageLeftOut
from edgebot.models.store import Installed
from edgebot.nlu.classifier.intents import IntentClassifier
from edgebot.nlu.classifier.own import own_model
from edgebot.nlu.sentence_files import load_intents, own_sentences
from edgebot.nlu.understander import TemplateUnderstander
from edgebot.runtime import documents, language
from edgebot.runtime.ears import Ears
from edgebot.runtime.skills import Household, has_plugins, open_household
from edgebot.stt.compose import compose

STT = Registry(
    "speech recogniser",
    {
        "vosk": "edgebot.stt.vosk:VoskRecognizer",
        "moonshine": "edgebot.stt.moonshine:MoonshineRecognizer",
    },
)
TTS = Registry("voice", {"piper": "edgebot.tts.piper:PiperVoice"})
LLM = Registry(
    "language model engine",
    {"llama": "edgebot.nlg.llama:LlamaEngine", "onnx": "edgebot.nlg.onnx:OnnxEngine"},
)
EMBED = Registry(
    "sentence encoder",
    {
        "minilm": "edgebot.embed.minilm:MiniLmEncoder",
        "static": "edgebot.embed.static:StaticEncoder",
    },
)

_ROOMY_MB = 1200
"""Memory ceiling from which a recogniser may be kept for the next utterance."""

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Assembly(Ears):
    """The engines one set of settings means, each opened when first asked for.

    Safe to use from several threads: two engines load side by side, one is never loaded twice.
    """

    def __init__(self, settings: Settings, intents_file: Path | None = None) -> None:
        """``intents_file``: a person's own sentence templates instead of the built-in ones."""
        self.settings = settings
        self.intents_file = intents_file
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

    def opened(self, key: str) -> bool:
        """Whether the engine of the method called ``key`` is there already."""
        return key in self._open

    def close(self) -> None:
        """Close what was opened, last first."""
        self._open.clear()
        self._stack.close()

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stt(self) -> SpeechToText:
        """The recogniser of the settings or the profile, with its way out and second opinion."""
        return self._once("stt", self._open_stt)

    def _open_stt(self) -> SpeechToText:
        when = self.settings.stt.second_opinion
        second = self._second_recognizer() if when != "never" else None
        return compose(self.recognizer(), second, when)

    def recognizer(self) -> SpeechToText:
        """The recogniser alone."""
        return self._once("recognizer", self._open_recognizer)

    def _open_recognizer(self) -> SpeechToText:
        recognizer: SpeechToText = self._recognizer(self.model("stt"))
        return recognizer

    def _second_recognizer(self) -> SpeechToText | None:
        """The recogniser for second readings; None where the profile has none or it is absent."""
        try:
            second: SpeechToText = self._recognizer(self.model("stt_second"))
        except (ModelMissing, StageLeftOut) as missing:
            _LOG.info("no second reading of dictation: %s", missing)
            return None
        return second

    def _recognizer(self, installed: Installed) -> Any:
        options: dict[str, Any] = {}
        if installed.entry.engine == "moonshine":
            options["threads"] = self.settings.threads.tts
            options["language"] = installed.entry.language or self.settings.language
        elif self.profile.memory_ceiling_mb < _ROOMY_MB:
            options["reuse_s"] = 0.0  # a recogniser that is kept grows by some 100 MB
        engine = STT.load(installed.entry.engine)
        return engine(**installed.files, model_id=installed.id, **options)

    def tts(self) -> TextToSpeech:
        """The voice of the settings or the profile, warm."""
        return self._once("tts", self._open_tts)

    def _open_tts(self) -> TextToSpeech:
        installed = self.model("tts")
        engine = TTS.load(installed.entry.engine)
        voice: TextToSpeech = engine(
            installed.files["voice"],
            installed.files["config"],
            model_id=installed.id,
            language=installed.entry.language or self.settings.language,
            threads=self.settings.threads.tts,
            speed=self.settings.tts.speed,
            volume=self.settings.tts.volume,
        )
        return voice

    def embedder(self) -> TokenEmbedder:
        """The sentence encoder of the settings or the profile."""
        return self._once("embedder", lambda: self._open_embedder(self.settings.threads.embed))

    def _open_embedder(self, threads: int) -> TokenEmbedder:
        installed = self.model("embedder")
        engine = EMBED.load(installed.entry.engine)
        embedder: TokenEmbedder = engine(
            installed.files["model"],
            installed.files["tokenizer"],
            threads=threads,
            model_id=installed.id,
        )
        return embedder

    def knowledge_store(self) -> KnowledgeStore:
        """The file of the knowledge base, open; no model is loaded for it."""
        return self._once(
            "knowledge_store", lambda: KnowledgeStore(documents.file_of(self.settings))
        )

    def knowledge(self) -> SqliteKnowledgeBase:
        """The knowledge base, with the documents that edgebot ships in it."""
        return self._once("knowledge", self._open_knowledge)

    def _open_knowledge(self) -> SqliteKnowledgeBase:
        store, embedder = self.knowledge_store(), self.embedder()
        documents.keep_shipped(store, embedder, self.settings)
        return SqliteKnowledgeBase(store, embedder, self.settings.knowledge.threshold)

    def importer(self, store: KnowledgeStore | None = None) -> Importer:
        """What brings documents into the knowledge base (or ``store``), on all cores."""
        embedder = self._once("importing", lambda: self._open_embedder(os.cpu_count() or 1))
        store = store or self.knowledge_store()
        return Importer(store, embedder, documents.max_bytes(self.settings))

    def language_model(self) -> LanguageModel:
        """The language model of the settings or the profile, loaded."""
        return self._once("language_model", self._open_language_model)

    def _open_language_model(self) -> LanguageModel:
        installed = self.model("llm")
        language.set_waiting(self.settings)
        return language.open_engine(LLM.load(installed.entry.engine), installed, self.settings)

    def warm_language_model(self) -> None:
        """Load the language model and read the prompt that never changes."""
        talker: Any = self.talker()
        talker.model()

    def passage_reader(self) -> PassageReader | None:
        """What words answers from passages; None where the model is too small to read."""
        return self._once("passage_reader", self._open_passage_reader)

    def _open_passage_reader(self) -> PassageReader | None:
        if not self.plan.has("llm"):
            return None
        persona = language.open_persona(self.settings)
        return language.open_reader(
            self.plan.model("llm"), self.language_model, persona, self.settings
        )

    def guard(self) -> Guard:
        """The safety topics."""
        return self._once("guard", lambda: language.open_guard(self.settings))

    def talker(self) -> Talker:
        """What answers with the language model; loads it when first asked."""
        return self._once("talker", self._open_talker)

    def _open_talker(self) -> Talker:
        return language.open_talker(
            self.plan.model("llm"),
            self.language_model,
            language.open_guard(self.settings),
            language.open_persona(self.settings),
            self.settings,
        )

    def understander(self, intents_file: Path | None = None) -> TemplateUnderstander:
        """Understanding of the assistant's own sentences, or of those in ``intents_file``."""
        intents_file = intents_file or self.intents_file
        if intents_file is None:
            return self._once("understander", lambda: self._open_understander(None))
        path = intents_file.resolve()
        return self._once(f"understander {path}", lambda: self._open_understander(intents_file))

    def _open_understander(self, intents_file: Path | None) -> TemplateUnderstander:
        if intents_file is None and has_plugins():
            sentences = self.household().sentences()
        elif intents_file is None:
            sentences = own_sentences(self.settings.language)
        else:
            sentences = load_intents(intents_file)

        def classifier() -> IntentClassifier | None:
            own = intents_file is None
            model = own_model(
                sentences, self.embedder(), paths.cache_dir(), own, prepared=paths.prepared_dir()
            )
            threshold = self.settings.nlu.classifier_threshold
            return IntentClassifier(model, self.embedder(), threshold) if model else None

        places = (folder / "grammar" for folder in (paths.cache_dir(), paths.prepared_dir()))
        return TemplateUnderstander(sentences, classifier, *places)

    def household(self) -> Household:
        """Promises, lists, memories and the skills that keep them."""
        return self._once("household", lambda: open_household(self.settings))

    def dialogue(self) -> Dialogue:
        """The dialogue over whatever engines there are."""
        return self._once("dialogue", self._open_dialogue)

    def _open_dialogue(self) -> Dialogue:
        settings, wanted, household = self.settings, self.settings.dialogue, self.household()
        parts = Parts(
            store=household.store,
            clock=household.clock,
            skills=household.skills,
            replies=household.replies,
            ports=Ports(
                understander=self._port("understander"),
                knowledge=self._port("knowledge"),
                talker=self._port("talker"),
                guard=self._port("guard"),
                volume=household.volume,
                reader=household.reader,
            ),
            limits=Limits(
                classifier_threshold=settings.nlu.classifier_threshold,
                knowledge_threshold=settings.knowledge.threshold,
                hint_threshold=wanted.hint_threshold,
                open_question_s=wanted.open_question_s,
                topic_s=wanted.topic_s,
                history_turns=wanted.history_turns,
                skill_deadline_s=wanted.skill_deadline_s,
                keep_turns=wanted.keep_turns,
                keep_words=wanted.keep_words,
                keep_words_days=wanted.keep_words_days,
            ),
            turns_file=turns_file(settings.state_dir),
            home=household.home,
        )
        return open_dialogue(parts)

    def _port(self, name: str) -> Any:
        """The engine of the method called ``name``; None where the plan goes without it."""
        opener = getattr(self, name, None)
        try:
            return opener() if opener else None
        except StageLeftOut as reason:
            _LOG.info("no %s: %s", name, reason)
            return None
