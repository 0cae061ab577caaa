"""One turn from speech to speech: the stages on their threads, the clock marks, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from edgebot.core.audio import AudioFrame, AudioSink
from edgebot.core.channel import Channel
from edgebot.core.dialogue import Decision, Dialogue, Sentence
from edgebot.core.speech import SpeechStream, TextToSpeech, Transcript
from edgebot.core.threads import ThreadGroup
from edgebot.core.turn import Turn


@dataclass(slots=True)
class TurnReport:
    """What one turn came to."""

    transcript: Transcript
    decision: Decision
    sentences: list[str] = field(default_factory=list)

    @property
    def reply(self) -> str:
        """The whole reply as one text."""
        return " ".join(self.sentences)


def listen(turn: Turn, stream: SpeechStream, frames: Iterable[AudioFrame]) -> Transcript:
    """Recognise one recording; marks ``end_of_speech`` and ``final_text``."""
    for frame in frames:
        turn.cancellation.raise_if_set()
        stream.accept(frame)
    turn.mark("end_of_speech")
    transcript = stream.finish()
    turn.mark("final_text")
    return transcript


def respond(
    turn: Turn,
    dialogue: Dialogue,
    transcript: Transcript,
    on_sentence: Callable[[Sentence], None] = lambda sentence: None,
) -> TurnReport:
    """Decide and word the reply to ``transcript``; each sentence is handed on as it is finished."""
    turn.mark("end_of_speech")
    turn.mark("final_text")
    proposal = dialogue.propose(turn, transcript.text)
    turn.mark("parsed")
    report = TurnReport(transcript, proposal.decision)
    for sentence in proposal.sentences():
        turn.mark("first_token")
        turn.mark("first_sentence")
        report.sentences.append(sentence.text)
        on_sentence(sentence)
    dialogue.heard(turn, report.reply)
    return report


def speak(turn: Turn, tts: TextToSpeech, sentences: Iterable[Sentence], sink: AudioSink) -> None:
    """Synthesize ``sentences`` into ``sink`` while they arrive; marks ``first_audio``."""
    position = 0
    for sentence in sentences:
        for frame in tts.synthesize(sentence.text, turn.cancellation):
            turn.mark("first_audio")
            sink.write(AudioFrame(frame.samples, frame.rate_hz, position))
            position += len(frame.samples)


def speech_turn(
    turn: Turn,
    stream: SpeechStream,
    dialogue: Dialogue,
    tts: TextToSpeech,
    frames: Iterable[AudioFrame],
    sink: AudioSink,
) -> TurnReport:
    """A recording in, a spoken reply out: the reply is spoken while it is still being written.

    ``stream`` is a fresh one: a recogniser is made ready before the person speaks.
    """
    transcript = listen(turn, stream, frames)
    sentences: Channel[Sentence] = Channel(capacity=8)
    reports: list[TurnReport] = []

    def responder() -> None:
        try:
            reports.append(respond(turn, dialogue, transcript, sentences.put))
        finally:
            sentences.close()

    with ThreadGroup(turn.cancellation, (sentences,)) as group:
        group.start("responder", responder)
        group.start("speaker", lambda: speak(turn, tts, sentences, sink))
    turn.cancellation.raise_if_set()
    turn.mark("done")
    return reports[0]


def timings_ms(turn: Turn) -> dict[str, float | None]:
    """Where the time of ``turn`` went, in milliseconds; None for what did not happen.

    ``stt`` the recogniser's work over the whole recording; ``nlu`` final text to decision;
    ``first_token`` and ``first_audio`` from the end of speech; ``total`` from start to end.
    """
    spans: dict[str, Any] = {
        "stt": turn.between_ms("start", "final_text"),
        "nlu": turn.between_ms("final_text", "parsed"),
        "first_token": turn.between_ms("end_of_speech", "first_token"),
        "first_audio": turn.between_ms("end_of_speech", "first_audio"),
        "total": turn.between_ms("start", "done"),
    }
    return {name: None if span is None else round(span, 1) for name, span in spans.items()}
