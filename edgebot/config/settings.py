"""All settings, frozen and typed."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from edgebot.config import paths
from edgebot.config.sections.audio import AudioSettings
from edgebot.config.sections.base import Section
from edgebot.config.sections.dialogue import DialogueSettings, NluSettings
from edgebot.config.sections.home import HomeSettings
from edgebot.config.sections.knowledge import KnowledgeSettings
from edgebot.config.sections.language import LlmSettings
from edgebot.config.sections.listening import ListeningSettings
from edgebot.config.sections.mqtt import MqttSettings
from edgebot.config.sections.panel import ButtonSettings, LightSettings
from edgebot.config.sections.server import ServerSettings
from edgebot.config.sections.speech import SttSettings, TtsSettings
from edgebot.config.sections.telling import MetricsSettings, Webhook
from edgebot.config.sections.threads import ThreadSettings
from edgebot.config.sections.voices import VoiceSettings
from edgebot.config.sections.wake import VadSettings, WakeSettings
from edgebot.config.sections.wyoming import WyomingSettings


class Settings(Section):
    """The whole of ``edgebot.yaml``."""

    profile: str = "auto"
    """Device profile; ``auto`` follows the hardware found."""

    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Language of templates and replies."""

    time_zone: str | None = None
    """IANA name such as ``Europe/Berlin``; the system's when absent."""

    units: Literal["metric", "imperial"] = "metric"
    """Units replies prefer."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    """Least severity that is logged."""

    state_dir: Path = Field(default_factory=paths.state_dir)
    """Where databases live."""

    models_dir: Path = Field(default_factory=paths.models_dir)
    """Where model files lie."""

    audio: AudioSettings = AudioSettings()
    """Which microphone and loudspeaker are used."""

    stt: SttSettings = SttSettings()
    """How speech is recognised."""

    tts: TtsSettings = TtsSettings()
    """How replies are spoken."""

    llm: LlmSettings = LlmSettings()
    """How the language model answers."""

    nlu: NluSettings = NluSettings()
    """How utterances are understood."""

    dialogue: DialogueSettings = DialogueSettings()
    """How the dialogue behaves."""

    knowledge: KnowledgeSettings = KnowledgeSettings()
    """How the knowledge base answers."""

    listening: ListeningSettings = ListeningSettings()
    """How the daemon listens and takes turns."""

    wake: WakeSettings = WakeSettings()
    """What wakes the assistant up."""

    vad: VadSettings = VadSettings()
    """When a person speaks and when they are done."""

    button: ButtonSettings = ButtonSettings()
    """A key or button for push to talk."""

    lights: LightSettings = LightSettings()
    """A light that shows what the assistant does."""

    voices: VoiceSettings = VoiceSettings()
    """Who speaks."""

    server: ServerSettings = ServerSettings()
    """The HTTP door: API, web page, OpenAI-compatible API."""

    wyoming: WyomingSettings = WyomingSettings()
    """The Wyoming door: speech services, satellites in other rooms."""

    mqtt: MqttSettings = MqttSettings()
    """The MQTT door."""

    home: HomeSettings = HomeSettings()
    """The Home Assistant whose devices are switched."""

    metrics: MetricsSettings = MetricsSettings()
    """Figures for Prometheus."""

    webhooks: tuple[Webhook, ...] = ()
    """Addresses that are told what happens: ``url``, ``events``, ``secret_file`` and ``words`` of
    each; events are ``state woken turn barge_in trouble muted changed``."""

    threads: ThreadSettings = ThreadSettings()
    """Native threads each engine may use."""

    @field_validator("state_dir", "models_dir")
    @classmethod
    def _at_home(cls, value: Path) -> Path:
        if not value.parts:
            raise ValueError("must name a directory")
        return value.expanduser()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in zoneinfo.available_timezones():
            raise ValueError("not an IANA time zone name (for example Europe/Berlin)")
        return value
