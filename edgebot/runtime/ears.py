"""The part of the wiring that hears and is heard: devices, wake words, voice activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from edgebot.core.audio import Samples, Sound
from edgebot.core.errors import ConfigError, ModelMissing
from edgebot.core.listening import TurnDetector, VoiceActivity, WakeWord
from edgebot.core.registry import Registry
from edgebot.models.plan import StageLeftOut
from edgebot.models.store import Installed
from edgebot.runtime.machine import Machine

VAD = Registry("voice activity detector", {"silero": "edgebot.vad.silero:SileroVad"})
TURN = Registry("turn detector", {"smart-turn": "edgebot.vad.smart_turn:SmartTurn"})
WAKE = Registry(
    "wake word engine",
    {
        "microwakeword": "edgebot.wake.micro:MicroWakeWords",
        "openwakeword": "edgebot.wake.openwakeword:OpenWakeWords",
    },
)
SOUND = Registry("sound device", {"card": "edgebot.audio.sound_card:SoundCard"})

T = TypeVar("T")


class Ears(Machine):
    """Engines of hearing, each opened when first asked for."""

    def _once(self, key: str, opener: Callable[[], T]) -> T:
        raise NotImplementedError

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

    def wake_ids(self) -> dict[str, str]:
        """Wake word → catalogue id, of the engine in the settings."""
        return {
            entry.id.removeprefix(f"{entry.engine}-").replace("-", " "): entry.id
            for entry in self.catalog
            if entry.stage == "wake" and entry.engine == self.settings.wake.engine
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
        words: WakeWord = engine(
            [one.files for one in installed], sensitivity=self.settings.wake.sensitivity
        )
        return words

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
