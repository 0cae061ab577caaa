"""The part of the wiring that hears and is heard: devices, wake words, voice activity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from edgebot.audio.card import Speaker
from edgebot.audio.files import AudioFile, WavFile
from edgebot.core.audio import Samples, Sound
from edgebot.core.errors import ConfigError, ModelMissing
from edgebot.core.listening import (
    TunableWakeWord,
    TurnDetector,
    VoiceActivity,
    VoicePrint,
    WakeWord,
)
from edgebot.core.registry import Registry
from edgebot.core.speech import SpeechToText
from edgebot.models.plan import StageLeftOut
from edgebot.models.store import Installed
from edgebot.runtime.machine import Machine
from edgebot.runtime.voice_store import VoiceStore, voices_file
from edgebot.runtime.voices import Voices
from edgebot.runtime.wake_observing import ObservedWakeWord
from edgebot.runtime.wake_scores import ScoreFile, scores_file

VAD = Registry("voice activity detector", {"silero": "edgebot.vad.silero:SileroVad"})
TURN = Registry("turn detector", {"smart-turn": "edgebot.vad.smart_turn:SmartTurn"})
WAKE = Registry(
    "wake word engine",
    {
        "microwakeword": "edgebot.wake.micro:MicroWakeWords",
        "openwakeword": "edgebot.wake.openwakeword:OpenWakeWords",
    },
)
SPEAKER = Registry("voice print", {"vosk": "edgebot.stt.voiceprint:VoskVoicePrint"})
SOUND = Registry("sound device", {"card": "edgebot.audio.sound_card:SoundCard"})

T = TypeVar("T")


class Ears(Machine, ABC):
    """Engines of hearing, each opened when first asked for."""

    @abstractmethod
    def _once(self, key: str, opener: Callable[[], T]) -> T:
        """What ``opener`` made when first asked for ``key``."""

    @abstractmethod
    def recognizer(self) -> SpeechToText:
        """The first recogniser by itself, without its way out and second opinion."""

    def audio_file(self, path: Path) -> AudioFile:
        """The recording at ``path``; raises ``AudioError`` when there is none."""
        return AudioFile(path, self.settings.stt.max_utterance_s)

    def audio_sink(self, path: Path, rate_hz: int) -> WavFile:
        """A recording to be written to ``path``; it appears when it is closed."""
        return WavFile(path, rate_hz)

    def speaker(self, rate_hz: int) -> Speaker:
        """The loudspeaker; raises ``AudioError`` when there is none."""
        return Speaker(rate_hz, self.settings.audio.speaker)

    def voice_activity(self) -> VoiceActivity:
        """A voice activity detector of one's own: it keeps state between chunks."""
        installed = self.model("vad")
        engine = VAD.load(installed.entry.engine)
        detector: VoiceActivity = engine(
            installed.files["model"], threads=self.settings.threads.vad
        )
        return detector

    def turn_detector(self) -> TurnDetector | None:
        """What tells whether a speaker is done; None where the profile goes without."""
        try:
            return self._once("turn_detector", self._open_turn_detector)
        except StageLeftOut:
            return None

    def _open_turn_detector(self) -> TurnDetector:
        installed = self.model("turn")
        engine = TURN.load(installed.entry.engine)
        detector: TurnDetector = engine(installed.files["model"], threads=self.settings.threads.vad)
        return detector

    def needed_models(self) -> list[str]:
        """Ids of the models that these settings need: the profile's, wake words, who speaks.

        Raises ``ConfigError`` for a wake word that there is no model for.
        """
        ids = [*self.plan.needed(), *self.wake_models()]
        if self.settings.voices.enabled and self.plan.has("speaker"):
            ids.append(self.plan.model("speaker").id)
        return ids

    def wake_ids(self, engine: str | None = None) -> dict[str, str]:
        """Wake word → catalogue id, of ``engine`` or the one in the settings."""
        engine = engine or self.settings.wake.engine
        return {
            entry.id.removeprefix(f"{entry.engine}-").replace("-", " "): entry.id
            for entry in self.catalog
            if entry.stage == "wake" and entry.engine == engine
        }

    def wake_models(self) -> list[str]:
        """Catalogue ids of the wake words in the settings.

        Raises ``ConfigError`` for a word that there is no model for.
        """
        wanted = self.settings.wake
        if not wanted.enabled:
            return []
        known = self.wake_ids()
        words = [word.casefold().strip() for word in wanted.words]
        if unknown := [word for word in words if word not in known]:
            raise ConfigError(
                f"wake.words: {wanted.engine} has no model for {', '.join(map(repr, unknown))}; "
                f"it knows {', '.join(sorted(known))}"
            )
        return [known[word] for word in words]

    def wake_word(self) -> WakeWord | None:
        """The wake words of the settings; None where they are off or the memory is short."""
        return self._once("wake_word", self._open_wake_word)

    def _open_wake_word(self) -> WakeWord | None:
        words = self.open_wake_words()
        if words is None or not self.settings.wake.keep_scores:
            return words
        file = scores_file(self.settings.state_dir)
        return ObservedWakeWord(words, ScoreFile(file, self.settings.wake.keep_scores))

    def wake_followed(self, spoke: bool) -> None:
        """After the wake word: whether anybody said something; noted for the tuning."""
        words = self.wake_word()
        if isinstance(words, ObservedWakeWord):
            words.followed(spoke)

    def open_wake_words(self) -> TunableWakeWord | None:
        """The wake words of the settings, nothing noted; None where they are off."""
        ids = self.wake_models()
        if not ids:
            return None
        installed: list[Installed] = []
        for model_id in ids:
            try:
                installed.append(self.store.open(model_id))
            except ModelMissing:
                raise ModelMissing(
                    f"the wake word model {model_id} is not here; run "
                    f"`edgebot models pull {model_id}`"
                ) from None
        engine = WAKE.load(installed[0].entry.engine)
        words: TunableWakeWord = engine(
            [one.files for one in installed], sensitivity=self.settings.wake.sensitivity
        )
        return words

    def voices(self) -> Voices | None:
        """What tells voices apart; None where that is off."""
        return self.all_voices() if self.settings.voices.enabled else None

    def voice_store(self) -> VoiceStore:
        """The enrolled voices; no model is loaded for it."""
        model_id = self.plan.model("speaker").id
        file = voices_file(self.settings.state_dir)
        return self._once("voice_store", lambda: VoiceStore(file, model_id))

    def all_voices(self) -> Voices:
        """What tells voices apart, whatever the settings say.

        Raises ``ConfigError`` when the recogniser is of another engine than the speaker model.
        """
        return self._once("voices", self._open_voices)

    def _open_voices(self) -> Voices:
        store, recognizer = self.voice_store(), self.plan.model("stt")
        try:
            installed = self.model("speaker")
        except ModelMissing:
            wanted = self.plan.model("speaker").id
            raise ModelMissing(
                f"the speaker model {wanted} is not here; run `edgebot models pull {wanted}`"
            ) from None
        if recognizer.engine != installed.entry.engine:
            raise ConfigError(
                f"voices are told apart by {installed.entry.engine} and stt.model is "
                f"{recognizer.id}; choose a recogniser of {installed.entry.engine}"
            )
        engine = SPEAKER.load(installed.entry.engine)
        voice_print: VoicePrint = self._once(
            "voice_print",
            lambda: engine(self.recognizer(), installed.files["model"], model_id=installed.id),
        )
        return Voices(store, voice_print, self.settings.voices.threshold)

    def sound(self) -> Sound:
        """Microphone and loudspeaker of this machine; what fails is reopened, not raised."""
        card: Any = SOUND.load("card")
        sound: Sound = card(self.settings.audio)
        return sound

    def tones(self, rate_hz: int) -> dict[str, Samples]:
        """Short sounds by name, at ``rate_hz``: ``ring`` always, the others where they are on."""
        from edgebot.audio.tones import tones

        made = tones(rate_hz)
        return made if self.settings.audio.tones else {"ring": made["ring"]}
