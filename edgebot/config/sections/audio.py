"""Settings of microphone and loudspeaker."""

from __future__ import annotations

from typing import Literal

from edgebot.config.sections.base import Section


class AudioSettings(Section):
    """Which devices are used, and what happens between them."""

    microphone: str | None = None
    """Name of the microphone, or a part of it; the system's default when absent."""

    speaker: str | None = None
    """Name of the loudspeaker, or a part of it; the system's default when absent."""

    echo: Literal["auto", "platform", "software", "none"] = "auto"
    """What removes the assistant's voice from the microphone: `platform` the devices called
    `echo-cancel` of PipeWire or PulseAudio, `software` a stage of edgebot; `auto` the first of
    them that is there; `none` for headphones."""

    tones: bool = True
    """Short tones for heard, thinking, error and listening; timers ring in any case."""

    zeros_are_a_fault: bool = True
    """Open a microphone anew that delivers nothing but zeros for 5 s; off for one with a noise
    gate, which is silent on purpose."""
