"""A missing device must not fill the log with what ALSA and JACK have to say about it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOOK = """
from edgebot.audio.portaudio import load_portaudio
from edgebot.core.errors import AudioError
try:
    door = load_portaudio()
except AudioError:
    raise SystemExit(9)
for _ in range(2):
    door._lib.Pa_Terminate()
    door._lib.Pa_Initialize()
try:
    door.RawInputStream(samplerate=16000, device="no such device")
except ValueError:
    print("refused")
"""


def test_looking_for_devices_prints_nothing() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=False, timeout=60
    )
    if told.returncode == 9:
        pytest.skip("PortAudio is not installed")
    assert told.stdout == "refused\n"
    assert "ALSA" not in told.stderr
    assert "jack" not in told.stderr.casefold()
