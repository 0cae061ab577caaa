"""Puts the parts of the language model together: engine, persona, guard, talker."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgebot.config import paths
from edgebot.config.settings import Settings
from edgebot.core.language import LanguageModel, Message, Tool
from edgebot.models.entry import Entry
from edgebot.models.store import Installed
from edgebot.nlg.fallback import PreferRemote
from edgebot.nlg.guard import SafetyTopics, read_topics
from edgebot.nlg.pace import Limits, Pace
from edgebot.nlg.persona import PersonaFile, find_persona
from edgebot.nlg.reader import ModelReader
from edgebot.nlg.remote import RemoteEndpoint
from edgebot.nlg.talker import LanguageTalker
from edgebot.nlg.tools import is_call, read_call, tool_grammar, tool_rules
from edgebot.runtime.probes import may_call

__all__ = [
    "is_call",
    "open_engine",
    "open_guard",
    "open_persona",
    "open_reader",
    "open_talker",
    "read_call",
    "sampling",
    "set_waiting",
    "with_endpoint",
    "with_tools",
]


def set_waiting(settings: Settings) -> None:
    """Tell OpenMP how its threads shall wait. It asks once, when an engine's library is loaded."""
    os.environ.setdefault("OMP_WAIT_POLICY", settings.threads.waiting.upper())


def open_engine(engine: Any, installed: Installed, settings: Settings) -> LanguageModel:
    """``engine`` with the weights of ``installed``."""
    file = next(spec for spec in installed.entry.files if spec.role == "model")
    model: LanguageModel = engine(
        installed.files["model"],
        model_id=installed.id,
        threads=settings.threads.llm,
        context_tokens=settings.llm.context_tokens,
        prefix_dir=_cache() / "prompts",
        prefix_prepared=paths.prepared_dir() / "prompts",
        fingerprint=file.sha256,
    )
    return model


def with_endpoint(local: LanguageModel, settings: Settings) -> LanguageModel:
    """``local``, or the endpoint of the settings with ``local`` to fall back to."""
    wanted = settings.llm.endpoint
    if wanted.url is None:
        return local
    endpoint = RemoteEndpoint(
        wanted.url,
        wanted.model,
        api_key=os.environ.get(wanted.api_key_env, "") if wanted.api_key_env else "",
        beyond_home=wanted.beyond_home,
    )
    return PreferRemote(local, endpoint, first_token_s=wanted.first_token_s)


def open_guard(settings: Settings) -> SafetyTopics:
    """The safety topics of the household's own files, its language, and English."""
    shipped = paths.share_dir("models") / "safety"
    own = sorted((settings.state_dir / "safety").glob("*.yaml"))
    files = [*own, shipped / f"{settings.language}.yaml", shipped / "en.yaml"]
    unique = [file for file in dict.fromkeys(files) if file.is_file()]
    return SafetyTopics([topic for file in unique for topic in read_topics(file)])


def open_persona(settings: Settings) -> PersonaFile:
    """The persona of the settings; the household's own files come before the shipped ones."""
    places = [settings.state_dir / "personas", paths.share_dir("models") / "personas"]
    return PersonaFile(find_persona(settings.llm.persona, places, settings.language))


def open_talker(
    entry: Entry,
    open_local: Callable[[], LanguageModel],
    guard: SafetyTopics,
    persona: PersonaFile,
    settings: Settings,
) -> LanguageTalker:
    """A talker over the model of ``entry``, which is loaded when first needed."""
    wanted = settings.llm
    opened: list[LanguageModel] = []

    def open_model() -> LanguageModel:
        opened.append(with_endpoint(open_local(), settings))
        return opened[0]

    return LanguageTalker(
        open_model,
        persona,
        model_id=entry.id,
        sampling=sampling(entry, settings),
        limits=Limits(
            max_tokens=wanted.max_reply_tokens,
            deadline_s=wanted.deadline_s,
            filler_after_s=wanted.filler_after_s,
            reading_s=wanted.reading_s,
        ),
        pace=_pace(entry, settings),
        guard=guard,
        can_read=bool(entry.options.get("reads_passages")),
        can_call=may_call(entry, settings.models_dir),
        tool_tokens=settings.llm.context_tokens // 2,
        examples=not entry.options.get("reads_passages"),
        reading_score=settings.knowledge.threshold,
        asks_network=lambda: any(getattr(model, "expects_remote", False) for model in opened),
    )


def open_reader(
    entry: Entry, open_model: Callable[[], LanguageModel], persona: PersonaFile, settings: Settings
) -> ModelReader | None:
    """A reader of passages over the model of ``entry``; None where it is too small to read."""
    if not entry.options.get("reads_passages"):
        return None
    limits = Limits(reading_s=settings.llm.reading_s)
    return ModelReader(open_model, persona, limits, _pace(entry, settings))


def with_tools(
    messages: Sequence[Message], tools: Sequence[Tool], *, forced: bool
) -> tuple[list[Message], str]:
    """``messages`` that tell of ``tools``, and the grammar of the reply.

    ``forced``: the reply is a call; otherwise words will do as well.
    """
    rules = tool_rules(tools)
    told = list(messages)
    if told and told[0].role == "system":
        told[0] = Message("system", f"{told[0].content}\n\n{rules}")
    else:
        told.insert(0, Message("system", rules))
    grammar = tool_grammar(tools)
    return told, grammar.replace("call | text", "call", 1) if forced else grammar


def sampling(entry: Entry, settings: Settings) -> dict[str, Any]:
    """How the model of ``entry`` samples: the catalogue's settings under the household's."""
    chosen = dict(entry.options.get("sampling", {}))
    if settings.llm.temperature is not None:
        chosen["temperature"] = settings.llm.temperature
    if settings.llm.seed is not None:
        chosen["seed"] = settings.llm.seed
    return chosen


def _pace(entry: Entry, settings: Settings) -> Pace:
    return Pace(_cache() / "pace" / f"{entry.id}-{settings.threads.llm}.json")


def _cache() -> Path:
    return paths.cache_dir()
