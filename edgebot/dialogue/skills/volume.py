"""Louder, quieter, silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from edgebot.core.dialogue import VolumeControl
from edgebot.dialogue.skill import NOTHING, Intent, Outcome, Request, Slot, Topic, ask

LONGEST_MUTE_S = 86_400.0
"""Whoever wants silence for longer says "mute", and "unmute" when it is over."""

STEP = 10
QUIETEST = 10
"""Per cent: as far as "quieter" goes."""

PERCENT = Slot("percent", "percent", "per cent", prompt="volume.how_loud")
LEVEL = Slot("level", "number", "from 0 to 10")
BY = Slot("by", "percent", "by how many per cent")
DURATION = Slot("duration", "duration", "for how long, when it is to end by itself")
UNTIL = Slot("until", "moment", "until when, when it is to end by itself")

INTENTS = (
    Intent("volume_set", "Set the volume.", (PERCENT, LEVEL), correctable=True),
    Intent("volume_up", "Make it louder.", (BY,), tool=False),
    Intent("volume_down", "Make it quieter.", (BY,), tool=False),
    Intent("volume_mute", "Turn the sound off.", (DURATION, UNTIL), correctable=True, tool=False),
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
        if request.intent == "volume_mute":
            return self._mute(request)
        if request.intent == "volume_unmute":
            self._control.mute(False)
            return Outcome("volume.unmuted", topic=NOTHING)
        reply = "volume.is_muted" if self._control.muted() else "volume.is"
        left = self._control.mute_left_s()
        if left is not None:
            reply = "volume.is_muted_for"
        return Outcome(reply, {"volume": self._control.volume(), "left": left})

    def _mute(self, request: Request) -> Outcome:
        """Silence at once; the length, or the time it ends at, was said, or neither."""
        length, until = request.slots.get("duration"), request.slots.get("until")
        if length is None and until is not None:
            end = datetime.fromisoformat(until["at"])
            # "until seven" is the next seven o'clock there is.
            if until.get("past") and not until.get("has_date"):
                end += timedelta(days=1)
            length = (end - request.now).total_seconds()
        if length is not None and not 1 <= length <= LONGEST_MUTE_S:
            return Outcome("volume.mute_too_long" if length >= 1 else "volume.mute_too_short")
        self._control.mute(True, length)
        topic = Topic("mute", verbs={"cancel": "volume_unmute", "undo": "volume_unmute"})
        if length is None:
            return Outcome("volume.muted", topic=topic)
        if until is not None:
            args = {"until": request.now + timedelta(seconds=length)}
            return Outcome("volume.muted_until", args, topic=topic)
        return Outcome("volume.muted_for", {"left": length}, topic=topic)

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
