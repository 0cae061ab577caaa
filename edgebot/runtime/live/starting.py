"""Puts a daemon together from the settings and wakes its engines up."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from edgebot.config.sections.wake import VadSettings
from edgebot.config.settings import Settings
from edgebot.core.audio import Sound
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EdgebotError
from edgebot.core.speech import SpeechStream
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.turnlog import turns_file
from edgebot.runtime.endings import Endings
from edgebot.runtime.endpointing import EndpointLimits
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.live.daemon import Daemon, Parts, Patience
from edgebot.runtime.live.jobs import Outcome
from edgebot.runtime.live.ledger import Ledger
from edgebot.runtime.live.manners import Ears, Hooks, Manners
from edgebot.runtime.live.phrases import KeptPhrases
from edgebot.runtime.loading import load_side_by_side
from edgebot.runtime.wiring import Assembly

_LOG = logging.getLogger(__name__)

_PHRASE_CHARACTERS = 60
_NICE = 10

_STATES = 4
"""Phrases of so many states of the dialogue are kept."""


def open_daemon(
    assembly: Assembly,
    sound: Sound,
    *,
    hooks: Hooks | None = None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> Daemon:
    """The daemon that ``assembly`` means, in ``sound``'s room; all it needs to hear is loaded.

    The language model is not: see :func:`warm_up`.
    """
    settings = assembly.settings
    stt, tts, dialogue, understander, ears = load_side_by_side(
        assembly.stt,
        assembly.tts,
        assembly.dialogue,
        assembly.understander,
        lambda: ears_of(assembly),
    )
    household = assembly.household()

    def stream_for(session: str) -> SpeechStream:
        return open_stream(stt, understander, dialogue.context(session))

    stream_for("local")  # the phrases are compiled once, before anybody waits for it
    phrases = KeptPhrases(tts)

    def apology() -> str:
        now = household.clock.utc().astimezone(household.clock.zone)
        return " ".join(household.replies.word("repair.failed", {}, now))

    stops = settings.listening.stop_words
    parts = Parts(
        sound=sound,
        ears=ears,
        tts=phrases,
        dialogue=dialogue,
        volume=household.volume,
        open_stream=stream_for,
        apology=apology,
        stop_stream=(lambda: stt.stream(stops)) if stops else None,
        model_acts=lambda: assembly.talker().can_call,
        ledger=Ledger(ledger_file(settings), max(1, settings.listening.keep_records)),
        tones=assembly.tones(tts.rate_hz),
        hooks=hooks or Hooks(followed=assembly.wake_followed),
        on_outcome=on_outcome,
        who=voices.who if (voices := assembly.voices()) is not None else None,
    )
    listening = settings.listening
    patience = Patience(listening.stall_s, listening.answer_stall_s)
    return Daemon(parts, manners_of(settings), patience, listening.ring_s)


def ears_of(assembly: Assembly) -> Ears:
    """Voice activity, wake words and turn detector of the settings."""
    endings = functools.lru_cache(maxsize=_STATES)(Endings)

    def begins(session: str, words: str) -> bool:
        context = assembly.dialogue().context(session)
        return endings(tuple(assembly.understander().grammar(context))).begins(words)

    return Ears(
        assembly.voice_activity(), assembly.wake_word(), assembly.turn_detector(), begins=begins
    )


def manners_of(settings: Settings) -> Manners:
    """How the settings mean the listener to behave."""
    wanted = settings.listening
    return Manners(
        endpoint=limits_of(settings.vad),
        question_s=wanted.question_s,
        follow_up_s=wanted.follow_up_s,
        pre_roll_s=wanted.pre_roll_ms / 1000.0,
        barge_in=wanted.barge_in != "off",
        stop_words=wanted.stop_words,
        only_stop_words=wanted.barge_in == "stop_word",
        doubt_s=wanted.doubt_s,
        go_on_s=wanted.go_on_s,
        work_ahead=wanted.work_ahead,
        language=settings.language,
    )


def limits_of(vad: VadSettings) -> EndpointLimits:
    """The endpoint limits of the settings."""
    return EndpointLimits(
        start_probability=vad.start_probability,
        hold_probability=0.7 * vad.start_probability,
        stop_probability=min(0.95, 1.3 * vad.start_probability),
        propose_ms=min(vad.propose_ms, vad.pause_ms),
        pause_ms=vad.pause_ms,
        unfinished_ms=max(vad.unfinished_ms, vad.pause_ms),
        no_speech_ms=vad.no_speech_ms,
        longest_ms=vad.longest_ms,
        finished_probability=vad.finished_probability,
        certain_probability=vad.certain_probability,
    )


def ledger_file(settings: Settings) -> Path | None:
    """Where the times of turns are kept; None when they are not to be."""
    if not settings.listening.keep_records:
        return None
    turns = turns_file(settings.state_dir)
    return turns.with_name(turns.name.replace("turns", "ledger", 1))


def warm_up(assembly: Assembly, daemon: Daemon, cancellation: Cancellation) -> threading.Thread:
    """Load the language model and speak the fixed phrases to nobody, in the background.

    What fails here fails again, audibly, when it is needed.
    """

    def work() -> None:
        _be_nice()
        try:
            if isinstance(voice := daemon.parts.tts, KeptPhrases):
                voice.prepare(fixed_phrases(assembly.household().replies), cancellation)
            if not cancellation.is_set and assembly.plan.has("llm"):
                assembly.warm_language_model()
        except EdgebotError as problem:
            _LOG.warning("not warmed up: %s", problem)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread


def fixed_phrases(replies: Replies) -> Iterable[str]:
    """Short replies that hold no value: what is said again and again."""
    for key in replies.keys:
        for text in replies.variants(key):
            if "{" not in text and len(text) <= _PHRASE_CHARACTERS:
                yield text


def _be_nice() -> None:
    with contextlib.suppress(OSError, AttributeError):  # on Linux a thread has its own priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
