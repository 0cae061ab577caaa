"""The loudspeaker of `edgebot say`, over a card that is not there or goes away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgebot.audio.card import MARGIN_S, Speaker
from edgebot.audio.portaudio import PortAudio
from edgebot.core.audio import AudioFrame
from edgebot.core.errors import AudioError
from tests.unit.audio.fake_sounddevice import Clock, FakeSoundDevice


class Blocking(FakeSoundDevice):
    """A card that makes a writer wait instead of having it ask how much fits."""

    def __init__(self, rate_hz: int) -> None:
        super().__init__(lambda: 0.0, rate_hz)

    def RawOutputStream(self, **options: Any) -> Any:
        """A loudspeaker."""
        return _BlockingStream(self, **options)


class _BlockingStream:
    def __init__(self, card: Blocking, samplerate: int, **_: Any) -> None:
        self.samplerate = float(samplerate)
        self._card = card

    def start(self) -> None:
        self._card.open.append(self)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        if not self._card.plugged_in:
            raise self._card.PortAudioError("Unanticipated host error")
        self._card.played.append(np.frombuffer(data, np.int16))

    def stop(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None:
        self._card.open.remove(self)  # type: ignore[arg-type]


def opened(card: FakeSoundDevice, rate_hz: int = 22_050) -> Speaker:
    return Speaker(rate_hz, None, PortAudio(card, clock=Clock(), seen=lambda: ()))


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 48_000])
def test_all_of_it_is_played_at_the_rate_of_the_device(rate_hz: int) -> None:
    card = Blocking(rate_hz)
    speaker = opened(card)
    for _ in range(22):
        speaker.write(AudioFrame(np.full(1000, 5000, np.int16), 22_050))
    speaker.close()
    margin = round(MARGIN_S * rate_hz)
    begin, sound, end = np.split(card.sound(), [margin, -margin])
    assert len(sound) == pytest.approx(22_000 / 22_050 * rate_hz, abs=3)
    assert np.median(sound) == pytest.approx(5000, abs=2)
    assert not begin.any()  # what a device loses of a stream's two ends is silence
    assert not end.any()
    assert not card.open


def test_no_device_is_an_error_with_the_next_step() -> None:
    card = Blocking(48_000)
    card.plugged_in = card.listed = False
    with pytest.raises(AudioError, match="edgebot doctor"):
        opened(card)


def test_a_device_that_goes_away_is_an_error_and_released() -> None:
    card = Blocking(48_000)
    speaker = opened(card)
    speaker.write(AudioFrame(np.zeros(1000, np.int16), 22_050))
    card.plugged_in = False
    with pytest.raises(AudioError, match="the speaker failed"):
        speaker.write(AudioFrame(np.full(1000, 9, np.int16), 22_050))
    with pytest.raises(AudioError, match="the speaker failed"):
        speaker.close()
    assert not card.open
