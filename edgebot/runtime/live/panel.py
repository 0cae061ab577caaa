"""The keys, buttons and lights of the settings, joined to a daemon."""

from __future__ import annotations

from edgebot.config.key_names import code_of
from edgebot.config.settings import Settings
from edgebot.panel.gpio import Light, PinButton, opened
from edgebot.panel.keys import Key
from edgebot.panel.patterns import COLOURS, RHYTHMS
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.daemon import Daemon
from edgebot.runtime.live.holding import TalkKey
from edgebot.runtime.live.lights import Lights


class Panel:
    """What a person can press and see. What does not work is named once and left out."""

    def __init__(self, settings: Settings, daemon: Daemon, bus: Bus) -> None:
        self._watched: list[Key | Lights] = []
        self._button: PinButton | None = None
        button, lights, talk = settings.button, settings.lights, TalkKey(daemon)
        if button.key is not None:
            code = code_of(button.key)
            self._watched.append(Key(code, talk.down, talk.up, button.device))
        if button.pin is not None:
            pin = button.pin
            self._button = opened(
                "button.pin",
                lambda: PinButton(pin, talk.down, talk.up, to_ground=button.to_ground),
            )
        if pins := lights.rgb_pins or ((lights.pin,) if lights.pin is not None else ()):
            light = opened(
                "lights",
                lambda: Light(pins, active_high=lights.active_high, brightness=lights.brightness),
            )
            if light is not None:
                patterns = COLOURS if lights.rgb_pins else RHYTHMS
                muted = daemon.microphone_muted
                self._watched.append(Lights(bus, light, patterns, muted=muted))

    def start(self) -> None:
        """Begin to watch and to shine."""
        for one in self._watched:
            one.start()

    def close(self) -> None:
        """Stop watching, go dark."""
        for one in self._watched:
            one.close()
        if self._button is not None:
            self._button.close()
