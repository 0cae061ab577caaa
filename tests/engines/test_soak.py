"""A few simulated minutes of a day: nothing grows, nothing is left open."""

from __future__ import annotations

import pytest

from benchmarks.soak import soak
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines


def test_minutes_of_mixed_audio_leave_nothing_behind(assembly: Assembly) -> None:
    figures = soak(assembly, 200.0, asleep_s=20.0)
    assert figures["simulated_h"] * 3600 >= 200
    assert sum(figures["turns"].values()) >= figures["turns_asked"] - 1
    assert figures["threads"]["end"] <= figures["threads"]["tenth"] + 2
    assert figures["descriptors"]["end"] <= figures["descriptors"]["tenth"] + 4
    assert figures["rss_mb"]["end"] - figures["rss_mb"]["tenth"] < 150
