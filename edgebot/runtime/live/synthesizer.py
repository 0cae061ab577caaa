"""The synthesizer stage: sentences become sound while the rest is still being written."""

from __future__ import annotations

import logging

import numpy as np

from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.errors import Cancelled
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.live.health import StageHealth
from edgebot.runtime.live.reply import Clip, Reply, Utter

_LOG = logging.getLogger(__name__)

_SILENCE = np.zeros(0, np.int16)


class Synthesizer:
    """Takes replies and fills their ``clips``, sentence by sentence."""

    def __init__(self, tts: TextToSpeech, health: StageHealth) -> None:
        self._tts = tts
        self._health = health
        self._replies: Channel[Reply] = Channel(capacity=4)

    @property
    def waiting(self) -> int:
        """Replies that wait."""
        return len(self._replies)

    def begin(self, reply: Reply) -> None:
        """Speak ``reply`` next."""
        self._replies.put(reply)

    def close(self) -> None:
        """End the stage after what it is at."""
        self._replies.close(discard=True)

    def run(self) -> None:
        """The stage's thread."""
        for reply in self._replies:
            try:
                for utter in reply.sentences:
                    self._health.begin()
                    self._synthesize(reply, utter)
                    self._health.end()
            except (ChannelClosed, Cancelled):
                pass
            except Exception as failure:  # noqa: BLE001 - the reply carries it to the speaker
                self._fail(reply, failure)
            finally:
                self._health.end()
                reply.clips.close()

    def _synthesize(self, reply: Reply, utter: Utter) -> None:
        if utter.samples is not None:
            self._hand_on(reply, Clip("", utter.samples, first=True, last=True))
            return
        try:
            first = True
            for frame in self._tts.synthesize(utter.text, reply.turn.cancellation):
                self._hand_on(reply, Clip(utter.text, frame.samples, first=first, last=False))
                first = False
            if not first:
                self._hand_on(reply, Clip(utter.text, _SILENCE, first=False, last=True))
        except (ChannelClosed, Cancelled):
            raise
        except Exception as failure:
            if not reply.rings:
                raise
            self._fail(reply, failure)  # what rings is heard without its words, too

    def _hand_on(self, reply: Reply, clip: Clip) -> None:
        """Put ``clip`` behind the others; waiting for those to be played is no stall."""
        self._health.end()
        reply.clips.put(clip)
        self._health.begin()

    def _fail(self, reply: Reply, failure: Exception) -> None:
        _LOG.error("the voice failed: %s", failure)
        reply.failure = failure
