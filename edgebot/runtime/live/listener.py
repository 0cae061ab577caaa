"""The listener stage: frames from the microphone become attempts at an answer.

It sleeps until a wake word, a button or a question of ours opens the microphone; follows the
person's speech to its end; and, while we speak, listens for somebody breaking in. Everything here
counts samples and happens on one thread; other threads leave requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from edgebot.core.audio import RATE_HZ, AudioFrame, Sound
from edgebot.core.dialogue import Dialogue
from edgebot.core.speech import SpeechStream
from edgebot.runtime.endpointing import Event
from edgebot.runtime.live.break_in import BreakIn
from edgebot.runtime.live.calling import Calling
from edgebot.runtime.live.frames import chunks_of
from edgebot.runtime.live.health import StageHealth
from edgebot.runtime.live.hearing import Finished, Opening, opening_of
from edgebot.runtime.live.holding import Hold
from edgebot.runtime.live.jobs import Outcome
from edgebot.runtime.live.manners import USUAL, Ears, Hooks, Manners
from edgebot.runtime.live.people import EVERYBODY
from edgebot.runtime.live.recent import Recent
from edgebot.runtime.live.responder import Responder
from edgebot.runtime.live.rest import Rest
from edgebot.runtime.live.speaker import Speaker
from edgebot.runtime.live.stop_word import with_stop_words
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.live.veto import foreign_words


class Listener:
    """See the module."""

    def __init__(
        self,
        sound: Sound,
        ears: Ears,
        speaker: Speaker,
        responder: Responder,
        dialogue: Dialogue,
        open_stream: Callable[[str], SpeechStream],
        health: StageHealth,
        manners: Manners = USUAL,
        hooks: Hooks | None = None,
        stop_stream: Callable[[], SpeechStream] | None = None,
    ) -> None:
        """``open_stream``: a fresh recogniser stream for what a session may say now.
        ``stop_stream``: one that knows the stop words only."""
        self._sound = sound
        self._ears = ears
        self._speaker = speaker
        self._responder = responder
        self._dialogue = dialogue
        self._open_stream = open_stream
        self._health = health
        self.manners = manners
        self._hooks = hooks or Hooks()
        self._calling = Calling(ears.wake, speaker, self._hooks)
        self._recent = Recent()
        self._opening: Opening | None = None
        self._rest: Rest | None = None
        breaking_in = with_stop_words(
            self._stream, stop_stream, frozenset(manners.stop_words), speaker.saying
        )
        self._break_in = BreakIn(manners.interruption, manners.stop_words, breaking_in)
        self._requests: deque[Callable[[], None]] = deque()
        self._watching = False
        self.session = EVERYBODY

    # --- from any thread

    def open(self, by: str = "button", hold: Hold | None = None) -> None:
        """Open the microphone with the next frame, as if the wake word had been said.
        ``hold``: the press of a key that keeps it open."""
        self._requests.append(lambda: self._open(by, self.manners.wait_s, hold=hold))

    def after(self, outcome: Outcome) -> None:
        """A turn has ended."""
        self._requests.append(lambda: self._after(outcome))

    def abandon(self) -> None:
        """Close the microphone with the next frame, without an answer."""
        self._requests.append(self._abandon)

    def listening(self) -> bool:
        """Whether the microphone is open."""
        return self._opening is not None

    # --- the stage

    def run(self) -> None:
        """The stage's thread: ends with the microphone."""
        try:
            self._ears.voice.reset()
            self._calling.reset()
            for frame in chunks_of(self._sound.microphone.frames(), self._ears.voice.chunk):
                self._health.begin()
                self.accept(frame)
                self._health.end()
        finally:
            self._drop()  # nobody may go on waiting for the end of it

    def accept(self, frame: AudioFrame) -> None:
        """Take the next frame, as long as the voice activity detector wants it."""
        self._hooks.level(frame)
        self._recent.add(frame, self.manners.pre_roll_s)
        while self._requests:
            self._requests.popleft()()
        if self._opening is None:
            self._watch(frame)
        else:
            self._follow(self._opening, frame)

    # --- the microphone is closed

    def _watch(self, frame: AudioFrame) -> None:
        if self._was_called(frame):
            return
        if self._rest is not None and not self._rest.hear(frame):
            self._rest = None
        if self.manners.barge_in and self._speaker.speaking():
            self._watch_for_interruption(frame)
        elif self._watching:
            self._watching = False
            self._break_in.reset()
        if self._rest is not None and not self._speaker.speaking():
            self._watch_for_the_rest(self._rest, frame)

    def _watch_for_the_rest(self, rest: Rest, frame: AudioFrame) -> None:
        """The answer is not heard yet: does the person go on?"""
        goes_on = rest.goes_on(self._ears.voice.probability(frame.samples), len(frame.samples))
        if goes_on or rest.is_over():
            self._rest = None
            if not rest.is_over() and rest.take_back():
                opening = self._opened(rest.opening.by, self.manners.wait_s)
                opening.utterance = rest.joined(self._stream)
                opening.endpointer.accept(1.0, rest.speech)

    def _was_called(self, frame: AudioFrame) -> bool:
        """Whether a wake word has just been said; the microphone is open then."""
        if wake := self._calling.accept(frame):
            self._open("wake", self.manners.wait_s, wake.end)
        return wake is not None

    def _watch_for_interruption(self, frame: AudioFrame) -> None:
        if not self._watching:
            self._watching = True
            self._ears.voice.reset()
        person = self._break_in.accept(
            frame,
            self._ears.voice.probability(frame.samples),
            self._sound.echo_db(),
            self._recent,
            self._speaker.saying,
            only_stop_words=self.manners.only_stop_words,
        )
        if person is None:
            self._speaker.duck(self._break_in.suspects)
            return
        rest = self._rest  # opening the microphone forgets it
        opening = self._opened("barge_in", self.manners.wait_s)
        opening.unsure = True
        opening.utterance = person.utterance
        if rest is not None and not rest.is_over(person.age):
            opening.goes_on = rest
        opening.endpointer.accept(1.0, person.age)
        self._speaker.pause()
        if person.sure:
            self._be_sure(opening)

    # --- the microphone is open

    def _open(
        self, by: str, wait_s: float, since: int | None = None, hold: Hold | None = None
    ) -> None:
        """``since``: position from which on what was heard counts, in samples."""
        if self._opening is not None:
            if by in ("follow_up", "question"):
                return
            self._drop()
        if by in ("wake", "button"):
            self.session = EVERYBODY  # until we know who it is
        self._break_in.reset()
        self._speaker.interrupt()
        self._ears.voice.reset()
        opening = self._opened(by, wait_s)
        opening.hold = hold
        self._speaker.tone("heard")
        if since is not None:
            for frame in self._recent.after_word(since):
                if self._opening is opening:
                    self._follow(opening, frame)

    def _opened(self, by: str, wait_s: float) -> Opening:
        self._rest = None
        self._opening = opening = opening_of(
            by, self.session, wait_s, self.manners, self._ears, self._responder.submit
        )
        self._hooks.state("listening")
        return opening

    def _follow(self, opening: Opening, frame: AudioFrame) -> None:
        opening.age += len(frame.samples)
        if opening.by == "barge_in" and self._was_called(frame):
            return  # who broke in did so with the wake word: what follows it counts
        probability = self._ears.voice.probability(frame.samples)
        if opening.utterance is not None:
            if opening.utterance.accept(frame):
                self._on_words(opening)
        else:
            opening.lead.add(frame, self.manners.pre_roll_s)
        for event in opening.events(probability, len(frame.samples)):
            self._on_event(opening, event)
            if self._opening is not opening:
                return
        if opening.unsure and opening.age > self.manners.doubt_s * RATE_HZ:
            speaks = opening.endpointer.silence_ms < 100
            if not speaks or opening.age > 4 * self.manners.doubt_s * RATE_HZ:
                self._was_nobody(opening)

    def _on_event(self, opening: Opening, event: Event) -> None:
        if event is Event.STARTED and opening.utterance is None:
            opening.utterance = Utterance(self._stream, opening.lead)
            opening.lead.clear()
        elif event is Event.RESUMED:
            opening.go_on()
        elif event is Event.NOTHING:
            opening.drop()
            self._close(opening, spoke=False)
            self._hooks.state("asleep")
        elif opening.unsure and not self._words_decide(opening):
            return
        elif event is Event.PAUSED:
            opening.propose(self._responder.submit)
        elif event is Event.ENDED:
            self._release(opening)

    def _on_words(self, opening: Opening) -> None:
        assert opening.utterance is not None
        partial = opening.utterance.partial
        if opening.unsure:
            if foreign_words(partial, self._speaker.saying()):
                self._be_sure(opening)
            return
        self._hooks.partial(opening.session, partial)
        if self.manners.work_ahead:
            opening.work_ahead(self._dialogue, partial)

    def _words_decide(self, opening: Opening) -> bool:
        """A paused reply: were there words of a person? If not, the reply goes on."""
        assert opening.utterance is not None
        if opening.attempt is not None:
            return True
        transcript = opening.utterance.hand_over().finish()
        if not foreign_words(transcript.text, self._speaker.saying()):
            self._was_nobody(opening)
            return False
        opening.known = Finished(transcript)
        self._be_sure(opening)
        return True

    def _be_sure(self, opening: Opening) -> None:
        opening.unsure = False
        rest = opening.goes_on
        if rest is not None and rest.take_back():
            opening.utterance, opening.known = rest.joined(self._stream, opening.utterance), None
        else:
            self._hooks.barged_in(opening.session)
        self._speaker.interrupt()

    def _was_nobody(self, opening: Opening) -> None:
        self._drop()
        self._break_in.reset()
        self._speaker.resume()
        self._hooks.state("asleep")

    def _release(self, opening: Opening) -> None:
        attempt = opening.propose(self._responder.submit)
        self._responder.release(attempt)
        self._close(opening, spoke=True)
        if self.manners.go_on_s and opening.by != "question":
            self._rest = Rest(opening, attempt, self.manners.endpoint, self.manners.go_on_s)
        self._hooks.state("thinking")

    def _close(self, opening: Opening, *, spoke: bool) -> None:
        if opening.by == "wake":
            self._hooks.followed(spoke)
        self._opening = None
        self._recent.clear()
        self._calling.reset()

    def _after(self, outcome: Outcome) -> None:
        if self._opening is not None or outcome.session in ("ring", "notice"):
            return
        self.session = outcome.session
        if outcome.expects_answer and not outcome.interrupted:
            self._open("question", self.manners.question_s)
        elif self.manners.follow_up_s and outcome.heard_words and not outcome.ended:
            self._open("follow_up", self.manners.follow_up_s)
        else:
            self._hooks.state("asleep")

    def _abandon(self) -> None:
        self._recent.clear()
        self._break_in.reset()
        if self._opening is not None:
            self._drop()
            self._hooks.state("asleep")

    def _drop(self) -> None:
        if self._opening is not None:
            self._opening.drop()
            self._opening = None

    def _stream(self) -> SpeechStream:
        return self._open_stream(self.session)
