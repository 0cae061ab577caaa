"""What a failing device has in common with every other: told once, tried again ever more slowly."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edgebot.core.audio import DeviceTrouble

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 1.5
"""Together with the time that opening takes, a device is used within 2 s of its coming back."""

_LOG = logging.getLogger(__name__)


class Outage:
    """Whether a device works, from its first failure to its recovery."""

    def __init__(self, device: str, tell: Callable[[DeviceTrouble], None]) -> None:
        self._device = device
        self._tell = tell
        self._delay_s = FIRST_DELAY_S
        self.lasts = False
        """Whether the device is out of order."""
        self.attempts = 0
        """Failures since the process began."""

    def failed(self, reason: str) -> float:
        """Note a failure; returns the seconds to wait before the next attempt."""
        self.attempts += 1
        if not self.lasts:
            self.lasts = True
            _LOG.warning("%s: %s", self._device, reason)
            self._tell(DeviceTrouble(self._device, reason))
        delay_s, self._delay_s = self._delay_s, min(2.0 * self._delay_s, LONGEST_DELAY_S)
        return delay_s

    def over(self) -> None:
        """Note that the device works; costs nothing while it always did."""
        if self.lasts:
            self.lasts = False
            self._delay_s = FIRST_DELAY_S
            _LOG.info("%s: works again", self._device)
            self._tell(DeviceTrouble(self._device, ""))
