"""The real ears: voice activity, the turn detector and the wake words, on real speech."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.core.listening import TurnDetector, VoiceActivity, Wake, WakeWord
from edgebot.runtime.ears import WAKE
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

CHUNK = 512
WORDS = ("okay nabu", "alexa")


@pytest.fixture(scope="module")
def voice(assembly: Assembly) -> Iterator[VoiceActivity]:
    detector = assembly.voice_activity()
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def turn(assembly: Assembly) -> TurnDetector:
    detector = assembly.turn_detector()
    assert detector is not None
    return detector


@pytest.fixture(scope="module", params=["microwakeword", "openwakeword"])
def wake(request: pytest.FixtureRequest, assembly: Assembly) -> Iterator[WakeWord]:
    """Two words at once."""
    files = [assembly.store.open(f"{request.param}-{w.replace(' ', '-')}").files for w in WORDS]
    engine: WakeWord = WAKE.load(request.param)(files)
    yield engine
    engine.close()


def spoken(assembly: Assembly, text: str, lead_s: float = 0.5, tail_s: float = 1.0) -> Samples:
    tts = assembly.tts()
    whole = np.concatenate([one.samples for one in tts.synthesize(text, Cancellation())])
    samples = soxr.resample(whole, tts.rate_hz, RATE_HZ)
    return padded(samples, lead_s, tail_s)


def padded(samples: Samples, lead_s: float = 0.5, tail_s: float = 1.0) -> Samples:
    quiet = [np.zeros(int(s * RATE_HZ), np.int16) for s in (lead_s, tail_s)]
    return np.concatenate([quiet[0], samples, quiet[1]])


def clips(folder: Path, most: int, **wanted: str) -> Iterator[Samples]:
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    for row in rows[:: max(1, len(rows) // most)][:most]:
        samples, rate_hz = soundfile.read(folder / row["path"], dtype="int16")
        assert rate_hz == RATE_HZ
        yield samples


def heard(wake: WakeWord, samples: Samples, chunk: int = CHUNK) -> list[Wake]:
    wake.reset()
    found = (wake.accept(samples[at : at + chunk], at) for at in range(0, len(samples), chunk))
    return [one for one in found if one is not None]


def probabilities(voice: VoiceActivity, samples: Samples) -> list[float]:
    voice.reset()
    whole = len(samples) - len(samples) % CHUNK
    return [voice.probability(samples[at : at + CHUNK]) for at in range(0, whole, CHUNK)]


# --- voice activity


def test_speech_is_told_from_noise(voice: VoiceActivity, shared_data: Path) -> None:
    speech = next(clips(shared_data / "speech" / "background_speech", 1))[: 8 * RATE_HZ]
    said = np.array(probabilities(voice, speech))
    assert (said > 0.5).mean() > 0.6
    for name in ("gsc_white_noise", "gsc_rain", "gsc_running_tap"):
        noise, _ = soundfile.read(shared_data / "speech" / "noise" / f"{name}.flac", dtype="int16")
        heard = np.array(probabilities(voice, noise[: 8 * RATE_HZ]))
        assert (heard > 0.5).mean() < 0.02, name


@pytest.mark.parametrize("level", [0, 1, 32767, -32768])
def test_no_sound_is_no_speech(voice: VoiceActivity, level: int) -> None:
    assert max(probabilities(voice, np.full(RATE_HZ, level, np.int16))) < 0.5


def test_a_click_is_no_speech(voice: VoiceActivity) -> None:
    click = np.zeros(RATE_HZ, np.int16)
    click[8000:8010] = 32767
    assert max(probabilities(voice, click)) < 0.5


@pytest.mark.parametrize("length", [0, 1, 511, 513, 16000])
def test_another_length_is_refused(voice: VoiceActivity, length: int) -> None:
    with pytest.raises(EngineError, match="512"):
        voice.probability(np.zeros(length, np.int16))


def test_a_reset_forgets(assembly: Assembly, voice: VoiceActivity) -> None:
    samples = spoken(assembly, "what time is it")
    assert probabilities(voice, samples) == probabilities(voice, samples)


# --- the end of a turn


def test_finished_sentences_from_ones_cut_off(turn: TurnDetector, shared_data: Path) -> None:
    """Real people, whole and without the last 45 % of what they say; a short pause behind both."""
    said = list(clips(shared_data / "speech" / "commands_s2i", 10))
    whole = [turn.finished(padded(one, tail_s=0.2)) for one in said]
    cut = [turn.finished(padded(one[: len(one) * 55 // 100], tail_s=0.2)) for one in said]
    assert np.median(whole) > 0.8
    assert np.mean(whole) - np.mean(cut) > 0.2


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 30.0])
def test_any_length_will_do(turn: TurnDetector, seconds: float) -> None:
    assert 0.0 <= turn.finished(np.zeros(int(seconds * RATE_HZ), np.int16)) <= 1.0


def test_only_the_last_eight_seconds_count(turn: TurnDetector, shared_data: Path) -> None:
    speech = np.concatenate(list(clips(shared_data / "speech" / "background_speech", 3)))
    last = speech[-int(turn.longest_s * RATE_HZ) :]
    assert turn.finished(speech) == turn.finished(last)


# --- wake words


def test_each_word_wakes_once(assembly: Assembly, wake: WakeWord) -> None:
    for word in WORDS:
        found = heard(wake, spoken(assembly, word.title() + "."))
        assert [one.word for one in found] == [word]
        assert 0.5 <= found[0].score <= 1.0


def test_the_position_is_behind_the_word(assembly: Assembly, wake: WakeWord) -> None:
    samples = spoken(assembly, "Alexa.")
    (found,) = heard(wake, samples)
    assert RATE_HZ < found.end < len(samples)


@pytest.mark.parametrize("chunk", [160, 512, 1600, 7777])
def test_it_does_not_matter_how_it_is_cut(assembly: Assembly, wake: WakeWord, chunk: int) -> None:
    found = heard(wake, spoken(assembly, "Alexa."), chunk)
    assert [one.word for one in found] == ["alexa"]


def test_real_people_wake_it(wake: WakeWord, shared_data: Path) -> None:
    folder = shared_data / "speech" / "wakeword"
    said = [padded(one) for one in clips(folder, 12, keyword="alexa")]
    found = sum("alexa" in {one.word for one in heard(wake, samples)} for samples in said)
    assert found >= 10


def test_other_words_do_not(wake: WakeWord, shared_data: Path) -> None:
    folder = shared_data / "speech" / "wakeword"
    for keyword in ("snowboy", "computer"):
        for samples in clips(folder, 4, keyword=keyword):
            assert heard(wake, padded(samples)) == []


def test_sensitivity_takes_effect_at_once(assembly: Assembly, wake: WakeWord) -> None:
    """The dullest setting refuses what the keenest takes: a word cut off before its end."""
    samples = spoken(assembly, "Alexa.", tail_s=0.0)
    count = {}
    for sensitivity in (0.0, 1.0):
        wake.set_sensitivity(sensitivity)
        count[sensitivity] = [
            len(heard(wake, padded(samples[: int(share * len(samples))])))
            for share in np.arange(0.3, 1.0, 0.05)
        ]
    wake.set_sensitivity(0.5)
    assert sum(count[0.0]) < sum(count[1.0])


def test_the_score_is_there_to_be_tuned_by(assembly: Assembly, wake: WakeWord) -> None:
    samples = spoken(assembly, "Alexa.")
    wake.reset()
    scores = []
    for at in range(0, len(samples), CHUNK):
        wake.accept(samples[at : at + CHUNK], at)
        scores.append(wake.score())
    assert max(scores) > 0.5 and scores[3] < 0.1


def test_nothing_is_kept_over_a_reset(assembly: Assembly, wake: WakeWord) -> None:
    samples = spoken(assembly, "Alexa.")
    half = len(samples) * 6 // 10
    wake.reset()
    wake.accept(samples[: half // 2], 0)
    wake.reset()
    assert wake.score() == 0.0
    assert heard(wake, samples) == heard(wake, samples)


def test_no_sound_at_all(wake: WakeWord) -> None:
    wake.reset()
    assert wake.accept(np.zeros(0, np.int16), 0) is None
    assert wake.accept(np.zeros(20 * RATE_HZ, np.int16), 0) is None
