"""The sound card, through PortAudio's blocking streams."""

from __future__ import annotations

from typing import Any

from edgebot.core.audio import AudioFrame
from edgebot.core.errors import AudioError


class Speaker:
    """The loudspeaker as an :class:`~edgebot.core.audio.AudioSink`.

    Raises :class:`AudioError` naming the next step when there is no PortAudio, no such device, or
    when the device fails.
    """

    def __init__(self, rate_hz: int, device: str | None = None) -> None:
        self._device = device
        self._portaudio = load_portaudio()
        try:
            self._stream = self._portaudio.RawOutputStream(
                samplerate=rate_hz, channels=1, dtype="int16", device=device
            )
            self._stream.start()
        except (self._portaudio.PortAudioError, ValueError) as error:
            raise AudioError(
                f"the speaker{f' {device!r}' if device else ''} cannot be opened ({error}); "
                "run `edgebot doctor`, or write a file with --out"
            ) from None

    def write(self, frame: AudioFrame) -> None:
        """Play ``frame``; blocks while the device's buffer is full."""
        try:
            self._stream.write(frame.samples.tobytes())
        except self._portaudio.PortAudioError as error:
            raise AudioError(f"the speaker failed ({error}); run `edgebot doctor`") from None

    def close(self) -> None:
        """Play what is buffered, then release the device."""
        try:
            self._stream.stop()
            self._stream.close()
        except self._portaudio.PortAudioError as error:
            raise AudioError(f"the speaker failed ({error}); run `edgebot doctor`") from None


def load_portaudio() -> Any:
    """The ``sounddevice`` module; raises :class:`AudioError` where PortAudio is missing."""
    try:
        import sounddevice
    except OSError:
        raise AudioError(
            "PortAudio is not installed; run: sudo apt-get install libportaudio2"
        ) from None
    return sounddevice
