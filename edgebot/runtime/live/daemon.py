"""The daemon: stages on named threads, orders from outside, a watch over all of it."""

from __future__ import annotations

import logging
import queue
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from edgebot.core.audio import DeviceTrouble, Samples, Sound
from edgebot.core.cancel import Cancellation
from edgebot.core.dialogue import Announcement, Dialogue, VolumeControl
from edgebot.core.speech import SpeechStream, TextToSpeech
from edgebot.core.threads import ThreadGroup
from edgebot.runtime.live.activity import Activity
from edgebot.runtime.live.health import Health, Progress, ServiceNotifier, Stall
from edgebot.runtime.live.jobs import Notice, Outcome, Ring
from edgebot.runtime.live.ledger import Ledger
from edgebot.runtime.live.listener import Listener
from edgebot.runtime.live.manners import USUAL, Ears, Hooks, Manners
from edgebot.runtime.live.people import Who
from edgebot.runtime.live.reply import Reply
from edgebot.runtime.live.responder import Mouth, Responder
from edgebot.runtime.live.ringer import Ringer
from edgebot.runtime.live.speaker import Speaker
from edgebot.runtime.live.synthesizer import Synthesizer

_LOG = logging.getLogger(__name__)

Order = Literal["stop", "reload", "listen"]

WATCH_S = 0.5
"""The stages are looked after this often."""


@dataclass(slots=True)
class Parts:
    """What a daemon is made of."""

    sound: Sound
    ears: Ears
    tts: TextToSpeech
    dialogue: Dialogue
    volume: VolumeControl
    open_stream: Callable[[str], SpeechStream]
    """A fresh recogniser stream for what a session may say now."""

    apology: Callable[[], str]
    stop_stream: Callable[[], SpeechStream] | None = None
    """A fresh stream that knows the stop words only, to listen along while something is said."""

    model_acts: Callable[[], bool] = lambda: True
    """Whether the language model may use skills."""

    ledger: Ledger = field(default_factory=lambda: Ledger(None))
    tones: dict[str, Samples] = field(default_factory=dict)
    """Short sounds at the voice's rate; ``ring`` is needed, the others may be left out."""

    hooks: Hooks = field(default_factory=Hooks)
    notifier: ServiceNotifier = field(default_factory=ServiceNotifier)
    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    who: Who | None = None
    """Whose voice an utterance is. Not asked where this is None."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stage may be silent while it works, in seconds."""

    stall_s: float = 4.0
    answer_stall_s: float = 20.0


class Daemon:
    """Everything from the microphone to the loudspeaker.

    :meth:`run` blocks its thread; :meth:`order` may be called from any thread and from a signal
    handler.
    """

    def __init__(
        self,
        parts: Parts,
        manners: Manners = USUAL,
        patience: Patience | None = None,
        ring_s: float = 60.0,
    ) -> None:
        self.health = Health()
        self.activity = Activity()
        self.parts = parts
        self._ending = Cancellation()
        self._broken: set[str] = set()
        self.outages: Counter[str] = Counter()
        """How often each device has failed so far."""
        self._mute = False
        self._orders: queue.SimpleQueue[Order | DeviceTrouble] = queue.SimpleQueue()
        self._patience = patience = patience or Patience()
        stage, stall_s = self.health.stage, patience.stall_s
        self.speaker = Speaker(
            parts.sound.speaker,
            parts.volume,
            stage("speaker", stall_s),
            self.activity,
            parts.tones,
            parts.hooks.speaking,
        )
        self._synthesizer = Synthesizer(parts.tts, stage("synthesizer", patience.answer_stall_s))
        mouth = Mouth(
            self._begin,
            parts.tts.rate_hz,
            parts.tones["ring"],
            ring_s,
            parts.apology,
            lambda: not self._mute,
        )
        self.responder = Responder(
            parts.dialogue,
            mouth,
            parts.ledger,
            stage("responder", patience.answer_stall_s),
            self.activity,
            self._after,
            parts.who,
            parts.hooks,
            parts.model_acts,
        )
        self.listener = Listener(
            parts.sound,
            parts.ears,
            self.speaker,
            self.responder,
            parts.dialogue,
            parts.open_stream,
            stage("listener", stall_s),
            manners,
            parts.hooks,
            parts.stop_stream,
        )
        ringing = stage("ringer", patience.answer_stall_s)  # it may wait for the store
        self.ringer = Ringer(parts.dialogue.scheduler, self._ring, ringing)
        parts.sound.on_trouble = self._note
        self._frames = Progress(parts.sound.heartbeat, stall_s)

    # --- from any thread

    @property
    def ending(self) -> bool:
        """Whether its stages are being ended."""
        return self._ending.is_set

    def order(self, order: Order) -> None:
        """``stop``, ``reload`` the settings, or ``listen`` (open the microphone)."""
        self._orders.put(order)

    def say(self, text: str) -> None:
        """Speak ``text``, which answers nobody."""
        self.responder.submit(Notice(text))

    def hush(self) -> None:
        """Break off what is being said or rings, and close the microphone."""
        scheduler = self.parts.dialogue.scheduler
        for announcement in scheduler.ringing():
            scheduler.done(announcement)
        self.listener.abandon()
        self.speaker.interrupt()

    def queues(self) -> dict[str, int]:
        """What waits before each stage."""
        return {
            "responder": self.responder.waiting,
            "synthesizer": self._synthesizer.waiting,
            "speaker": self.speaker.waiting,
        }

    def mute_microphone(self, on: bool) -> None:
        """Close the microphone's device and keep it closed, or open it again."""
        self.listener.abandon()
        self.parts.sound.mute_microphone(on)

    @property
    def microphone_muted(self) -> bool:
        """Whether the microphone's device is kept closed."""
        return self.parts.sound.microphone_muted()

    def broken(self) -> frozenset[str]:
        """The sound devices that do not work at the moment."""
        return frozenset(self._broken)

    def _note(self, trouble: DeviceTrouble) -> None:
        if trouble.device == "speaker":
            self._mute = not trouble.solved
        self._orders.put(trouble)

    # --- the main thread

    def run(
        self,
        on_ready: Callable[[], None] = lambda: None,
        on_stall: Callable[[Stall], None] = lambda stall: None,
        reload: Callable[[], bool] = lambda: True,
    ) -> Order:
        """Run until ordered to stop, or to reload what ``reload`` cannot change while running.

        ``on_stall`` is called when a stage does not answer; it is expected to end the process,
        since a thread that hangs can be neither ended nor joined. Returns the order that ended it;
        ``stop`` as well when the microphone came to its end. Raises what made a stage fail.
        """
        self._ending.on_cancel(self._close_stages)
        with ThreadGroup(self._ending) as group:
            group.start("speaker", self.speaker.run)
            group.start("synthesizer", self._synthesizer.run)
            group.start("responder", self.responder.run)
            group.start("ringer", self.ringer.run)
            group.start("listener", self._listen)
            try:
                on_ready()
                return self._watch(on_stall, reload)
            finally:
                self._ending.cancel()
                self._see_out(group, on_stall)

    def _watch(self, on_stall: Callable[[Stall], None], reload: Callable[[], bool]) -> Order:
        while not self._ending.is_set:
            try:
                order = self._orders.get(timeout=WATCH_S)
            except queue.Empty:
                self._look_after(on_stall)
                continue
            if isinstance(order, DeviceTrouble):
                self._report(order)
            elif order == "listen":
                self.listener.open("button")
            elif order == "stop" or not reload():
                return order
        return "stop"

    def _report(self, trouble: DeviceTrouble) -> None:
        """A device failed or works again; the log has it already."""
        self.parts.hooks.trouble(trouble)
        if trouble.solved:
            self._broken.discard(trouble.device)
            if self._broken:
                return
            self.parts.notifier.status("listening")
        else:
            self._broken.add(trouble.device)
            self.outages[trouble.device] += 1
            self.parts.notifier.status(f"{trouble.device}: {trouble.reason}")
        tone = self.parts.tones.get("listening" if trouble.solved else "error")
        if tone is not None:
            self.responder.submit(Notice(tone=tone))

    def _see_out(self, group: ThreadGroup, on_stall: Callable[[Stall], None]) -> None:
        """Wait for the stages' ends; one that hangs has to be left behind."""
        limit_s = self._patience.stall_s
        if stuck := group.alive(limit_s):
            if group.failure is not None:
                _LOG.critical("a stage failed: %s", group.failure)
            _LOG.critical("%s does not end", ", ".join(stuck))
            on_stall(Stall(stuck[0], limit_s))

    def _look_after(self, on_stall: Callable[[Stall], None]) -> None:
        stalls = self.health.stalls()
        if not stalls and self._frames.stalled():
            stalls = [Stall("microphone", self._frames.silent_s())]
        if not stalls:
            self.parts.notifier.watchdog()
            return
        for stall in stalls:
            _LOG.critical("%s has not answered for %.1f s", stall.stage, stall.silent_s)
        on_stall(stalls[0])

    def _listen(self) -> None:
        self.listener.run()
        self._ending.cancel()

    def _close_stages(self) -> None:
        self.activity.close()
        self.ringer.close()
        self.parts.sound.microphone.close()
        self.speaker.close()
        self._synthesizer.close()
        self.responder.close()

    def _begin(self, reply: Reply) -> None:
        self._synthesizer.begin(reply)
        self.speaker.begin(reply)

    def _ring(self, announcement: Announcement) -> None:
        self.responder.submit(Ring(announcement))

    def _after(self, outcome: Outcome) -> None:
        if outcome.session == "ring" and outcome.interrupted:
            self.ringer.interrupted()
        self.ringer.nudge()
        self.listener.after(outcome)
        self.parts.on_outcome(outcome)
