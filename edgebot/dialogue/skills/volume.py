"""Louder, quieter, silent."""

from __future__ import annotations

from edgebot.core.dialogue import VolumeControl
from edgebot.dialogue.skill import Intent, Outcome, Request, Slot, ask

STEP = 10
QUIETEST = 10
"""Per cent: as far as "quieter" goes."""

PERCENT = Slot("percent", "percent", "per cent", prompt="volume.how_loud")
LEVEL = Slot("level", "number", "from 0 to 10")
BY = Slot("by", "percent", "by how many per cent")

INTENTS = (
    Intent("volume_set", "Set the volume.", (PERCENT, LEVEL), correctable=True),
    Intent("volume_up", "Make it louder.", (BY,), tool=False),
    Intent("volume_down", "Make it quieter.", (BY,), tool=False),
    Intent("volume_mute", "Turn the sound off.", tool=False),
    Intent("volume_unmute", "Turn the sound on again.", tool=False),
    Intent("volume_get", "Tell how loud it is.", tool=False),
)


class Volume:
    """Turns the volume."""

    name = "volume"
    intents = INTENTS

    def __init__(self, control: VolumeControl) -> None:
        self._control = control

    def handle(self, request: Request) -> Outcome:
        """Turn it and say where it is now."""
        if request.intent == "volume_set":
            return self._set(request)
        if request.intent in ("volume_up", "volume_down"):
            sign = 1 if request.intent == "volume_up" else -1
            return self._turn(sign * abs(request.slots.get("by") or STEP))
        if request.intent in ("volume_mute", "volume_unmute"):
            self._control.mute(request.intent == "volume_mute")
            return Outcome(f"volume.{request.intent.removeprefix('volume_')}d")
        reply = "volume.is_muted" if self._control.muted() else "volume.is"
        return Outcome(reply, {"volume": self._control.volume()})

    def _set(self, request: Request) -> Outcome:
        wanted = request.slots.get("percent")
        level = request.slots.get("level")
        if wanted is None and level is not None:
            wanted = level * 10 if level <= 10 else level
        if wanted is None:
            return Outcome(question=ask(PERCENT, request.intent, {}))
        if not 0 <= wanted <= 100:
            return Outcome("volume.out_of_range")
        self._control.set_volume(round(wanted))
        return Outcome("volume.set", {"volume": self._control.volume()})

    def _turn(self, by: float) -> Outcome:
        before = self._control.volume()
        # Nobody means to lose our answers by "quieter"; silence is what "mute" is for.
        least = min(before, QUIETEST)
        self._control.set_volume(max(least, round(before + by)))
        now = self._control.volume()
        if now == before:
            return Outcome("volume.loudest" if by > 0 else "volume.quietest")
        return Outcome("volume.louder" if by > 0 else "volume.quieter", {"volume": now})
