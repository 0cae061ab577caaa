"""The real recognisers: phrases, the way out, dictation, odd sounds, real voices."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.core.speech import SpeechToText, Transcript
from edgebot.runtime.wiring import Assembly
from edgebot.stt.moonshine import MoonshineRecognizer
from edgebot.stt.vosk import VoskRecognizer

pytestmark = pytest.mark.engines

PHRASES = [
    "turn on the kitchen light",
    "turn off the kitchen light",
    "set a timer for five minutes",
    "set the ecobee to twenty degrees",
    "what time is it",
    "stop",
]


def hear(stt: SpeechToText, samples: Samples, grammar: Sequence[str] | None = None) -> Transcript:
    stream = stt.stream(grammar)
    for start in range(0, len(samples), RATE_HZ // 10):
        stream.accept(AudioFrame(samples[start : start + RATE_HZ // 10], RATE_HZ, start))
    return stream.finish()


def spoken(assembly: Assembly, text: str) -> Samples:
    """``text`` in the assistant's own voice at 16 kHz."""
    import soxr

    tts = assembly.tts()
    frames = [frame.samples for frame in tts.synthesize(text, Cancellation())]
    resampled: Samples = soxr.resample(np.concatenate(frames), tts.rate_hz, RATE_HZ)
    return np.concatenate([np.zeros(3200, np.int16), resampled, np.zeros(4800, np.int16)])


def clips(folder: Path, count: int) -> Iterator[tuple[dict[str, str], Samples]]:
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows[:: max(1, len(rows) // count)][:count]:
        samples, rate_hz = soundfile.read(folder / row["path"], dtype="int16")
        assert rate_hz == RATE_HZ
        yield row, samples[: 12 * RATE_HZ]


@pytest.fixture(scope="module")
def vosk(assembly: Assembly) -> Iterator[VoskRecognizer]:
    installed = assembly.model("stt")
    engine = VoskRecognizer(installed.files["model"], model_id=installed.id)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def moonshine(assembly: Assembly) -> Iterator[MoonshineRecognizer]:
    installed = assembly.model("stt_second")
    engine = MoonshineRecognizer(**installed.files, model_id=installed.id)
    yield engine
    engine.close()


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_are_heard_as_phrases(assembly: Assembly, phrase: str) -> None:
    heard = hear(assembly.stt(), spoken(assembly, phrase), PHRASES)
    assert (heard.text, heard.in_grammar) == (phrase, True)
    assert heard.confidence > 0.8


@pytest.mark.parametrize(
    "sentence",
    ["who wrote the theory of relativity", "my sister moved to another town last winter"],
)
def test_other_sentences_find_the_way_out(assembly: Assembly, sentence: str) -> None:
    heard = hear(assembly.stt(), spoken(assembly, sentence), PHRASES)
    assert heard.in_grammar is False
    assert len(set(heard.text.split()) & set(sentence.split())) >= len(sentence.split()) - 2


def test_words_carry_their_times_and_respelled_ones_are_whole(
    assembly: Assembly, vosk: VoskRecognizer
) -> None:
    samples = spoken(assembly, "set the ecobee to twenty degrees")
    heard = hear(vosk, samples, PHRASES)
    assert [word.text for word in heard.words] == [
        "set",
        "the",
        "ecobee",
        "to",
        "twenty",
        "degrees",
    ]
    edges = [edge for word in heard.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges) and edges[-1] <= heard.audio_s
    assert heard.audio_s == pytest.approx(len(samples) / RATE_HZ)


def test_partial_texts_grow_while_somebody_speaks(assembly: Assembly, vosk: VoskRecognizer) -> None:
    samples = spoken(assembly, "set a timer for five minutes")
    stream = vosk.stream(PHRASES)
    partial = [
        stream.accept(AudioFrame(samples[at : at + 1600])) for at in range(0, len(samples), 1600)
    ]
    assert "set a" in partial[len(partial) // 2]
    assert partial[-1].startswith("set a timer for five")


def test_dictation_by_each_engine(
    assembly: Assembly, vosk: VoskRecognizer, moonshine: MoonshineRecognizer
) -> None:
    samples = spoken(assembly, "the library is open every day in the summer")
    for engine in (vosk, moonshine, assembly.stt()):
        heard = hear(engine, samples)
        assert heard.in_grammar is None
        assert "library is open every day in the summer" in heard.text


def test_moonshine_reads_long_speech_in_stretches(
    assembly: Assembly, moonshine: MoonshineRecognizer
) -> None:
    sentence = spoken(assembly, "the library is open every day in the summer")
    pause = np.zeros(RATE_HZ, np.int16)
    heard = hear(moonshine, np.concatenate([sentence, pause] * 8))
    assert heard.text.count("library is open every day") == 8


@pytest.mark.parametrize("grammar", [None, PHRASES])
@pytest.mark.parametrize("loud", [0, 3, 400])
def test_silence_and_noise_hold_no_phrase(
    assembly: Assembly, grammar: Sequence[str] | None, loud: float
) -> None:
    noise = np.random.default_rng(7).normal(0, loud, 4 * RATE_HZ).astype(np.int16)
    heard = hear(assembly.stt(), noise, grammar)
    assert not heard.in_grammar
    assert len(heard.text.split()) <= 2


@pytest.mark.parametrize("samples", [0, 1, 159, 1600])
def test_hardly_any_sound_at_all(assembly: Assembly, samples: int) -> None:
    for grammar in (None, PHRASES):
        heard = hear(assembly.stt(), np.full(samples, 900, np.int16), grammar)
        assert heard.text == "" and heard.audio_s == samples / RATE_HZ


def test_full_scale_clipping_is_survived(assembly: Assembly) -> None:
    samples = spoken(assembly, "turn off the kitchen light").astype(np.int32) * 20
    clipped = np.clip(samples, -32768, 32767).astype(np.int16)
    assert hear(assembly.stt(), clipped, PHRASES).text == "turn off the kitchen light"


def test_a_used_stream_and_a_wrong_rate_are_refused(
    vosk: VoskRecognizer, moonshine: MoonshineRecognizer
) -> None:
    for engine in (vosk, moonshine):
        with pytest.raises(EngineError, match="8000 Hz"):
            engine.stream().accept(AudioFrame(np.zeros(80, np.int16), 8000))
        stream = engine.stream()
        stream.finish()
        with pytest.raises(EngineError, match="has ended"):
            stream.accept(AudioFrame(np.zeros(80, np.int16)))


def test_streams_of_one_model_do_not_mix(assembly: Assembly, vosk: VoskRecognizer) -> None:
    texts = ["turn on the kitchen light", "set a timer for five minutes"]
    sounds = [spoken(assembly, text) for text in texts]
    streams = [vosk.stream(PHRASES) for _ in texts]
    for at in range(0, max(map(len, sounds)), 1600):
        for stream, sound in zip(streams, sounds, strict=True):
            if at < len(sound):
                stream.accept(AudioFrame(sound[at : at + 1600]))
    assert [stream.finish().text for stream in streams] == texts


def test_real_orders_are_heard_with_a_grammar(assembly: Assembly, shared_data: Path) -> None:
    folder = shared_data / "speech" / "commands_s2i"
    orders = (folder / "corpus.txt").read_text(encoding="utf-8").lower().splitlines()
    heard = [hear(assembly.stt(), samples, orders) for _, samples in clips(folder, 12)]
    assert sum(bool(transcript.in_grammar) for transcript in heard) >= 11


def test_real_talk_is_none_of_the_phrases(assembly: Assembly, shared_data: Path) -> None:
    folder = shared_data / "speech" / "background_speech"
    for _, samples in clips(folder, 8):
        assert hear(assembly.stt(), samples, PHRASES).in_grammar is False


def test_real_dictation(assembly: Assembly, shared_data: Path) -> None:
    folder = shared_data / "speech" / "read_phmatthes_ljtext"
    said = found = 0
    for row, samples in clips(folder, 6):
        words = [word.strip(".,;:()").lower() for word in row["transcript"].split()]
        heard = hear(assembly.stt(), samples).text.split()
        said += len(words)
        found += sum(word in heard for word in words)
    assert found / said > 0.75


def test_a_recogniser_that_is_used_again_counts_its_times_anew(
    assembly: Assembly, vosk: VoskRecognizer
) -> None:
    samples = spoken(assembly, "the library is open every day in the summer")
    first, second = hear(vosk, samples), hear(vosk, samples)
    assert second.text == first.text
    for before, after in zip(first.words, second.words, strict=True):
        assert after.start_s == pytest.approx(before.start_s, abs=0.05)


def test_a_recogniser_is_not_kept_where_memory_is_short(assembly: Assembly) -> None:
    installed = assembly.model("stt")
    frugal = VoskRecognizer(installed.files["model"], reuse_s=0.0)
    samples = spoken(assembly, "what time is it")
    assert [hear(frugal, samples).text for _ in range(2)] == ["what time is it"] * 2
    assert not frugal._idle
    frugal.close()
