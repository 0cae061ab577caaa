"""What this board offers, as the answer to ``describe``."""

from __future__ import annotations

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    IntentModel,
    IntentProgram,
    TtsProgram,
    TtsVoice,
    WakeModel,
    WakeProgram,
)

from edgebot import __version__
from edgebot.models.entry import Entry
from edgebot.runtime.wiring import Assembly

STT = "edgebot"
DICTATION = "dictation"
"""Model of the recogniser that expects nothing in particular."""

TTS = "edgebot"
WAKE = "edgebot"
INTENT = "edgebot-intent"
HANDLE = "edgebot"

_OURS = Attribution("edgebot", "")


def offer(assembly: Assembly) -> Info:
    """Everything the settings and the profile have a model for; loads none of them."""
    settings, plan = assembly.settings, assembly.plan
    languages = [settings.language]
    info = Info(
        intent=[
            IntentProgram(
                INTENT, _OURS, True, "What edgebot understands", __version__,
                [IntentModel("sentences", _OURS, True, "Sentence templates", None, languages)],
            )
        ],
        handle=[
            HandleProgram(
                HANDLE, _OURS, True, "edgebot answers", __version__,
                [HandleModel("dialogue", _OURS, True, "Skills, knowledge, model", None, languages)],
                supports_home_control=True,
            )
        ],
    )  # fmt: skip
    if plan.has("stt"):
        info.asr = [_recognizer(plan.model("stt"), languages)]
    if plan.has("tts"):
        info.tts = [_voice(plan.model("tts"), settings.language)]
    if ids := assembly.wake_models():
        info.wake = [_wake(ids, assembly, languages)]
    return info


def wake_name(word: str) -> str:
    """A wake word as the name of a model."""
    return word.replace(" ", "_")


def _recognizer(entry: Entry, languages: list[str]) -> AsrProgram:
    made = _attribution(entry)
    return AsrProgram(
        STT, _OURS, True, "Speech to text on this board", __version__,
        [
            AsrModel(
                entry.id, made, True, "Hears what edgebot understands first", None, languages
            ),
            AsrModel(DICTATION, made, True, "Free dictation alone", None, languages),
        ],
        prefers_auto_gain_enabled=False,
        prefers_noise_reduction_enabled=False,
    )  # fmt: skip


def _voice(entry: Entry, language: str) -> TtsProgram:
    spoken = [entry.language or language]
    return TtsProgram(
        TTS, _OURS, True, "Text to speech on this board", __version__,
        [TtsVoice(entry.id, _attribution(entry), True, entry.id, None, spoken)],
        supports_synthesize_streaming=True,
    )  # fmt: skip


def _wake(ids: list[str], assembly: Assembly, languages: list[str]) -> WakeProgram:
    words = {model_id: word for word, model_id in assembly.wake_ids().items()}
    return WakeProgram(
        WAKE, _OURS, True, "Wake words on this board", __version__,
        [
            WakeModel(
                wake_name(words[model_id]), _attribution(assembly.catalog[model_id]), True,
                words[model_id], None, languages, words[model_id],
            )
            for model_id in ids
        ],
    )  # fmt: skip


def _attribution(entry: Entry) -> Attribution:
    return Attribution(entry.homepage, entry.homepage)
