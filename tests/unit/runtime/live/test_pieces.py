"""The pieces of the daemon, each by itself."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.core.dialogue import Decision
from edgebot.core.errors import UsageError
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.live.frames import chunks_of
from edgebot.runtime.live.health import Health, Progress, ServiceNotifier
from edgebot.runtime.live.instance import AlreadyRunning, Instance, running, tell
from edgebot.runtime.live.interruption import Interruption, Verdict, level_db
from edgebot.runtime.live.ledger import Ledger, read, record_of, summary
from edgebot.runtime.live.phrases import KeptPhrases
from edgebot.runtime.live.reloading import can_apply
from edgebot.runtime.live.reply import Clip, Reply
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.live.veto import foreign_words, is_echo

SAYING = "The air scatters blue sunlight more than red, so blue light reaches us from all the sky."


@pytest.mark.parametrize(
    ("heard", "foreign"),
    [
        ("", []),
        ("the air scatters blue", []),
        ("scatter sunlight mor", []),  # the room distorts
        ("bluesunlight", []),  # and runs words together
        ("is", []),  # scraps
        ("stop", ["stop"]),
        ("blue light stop it", ["stop"]),
        ("set a timer", ["set", "timer"]),
    ],
)
def test_our_own_words_do_not_count_as_speech(heard: str, foreign: list[str]) -> None:
    assert foreign_words(heard, SAYING) == foreign


def test_scraps_of_words_are_no_proof_of_an_echo() -> None:
    assert is_echo("scatters blue", SAYING)
    assert not is_echo("he", SAYING)
    assert not is_echo("", SAYING)
    assert not is_echo("blue monkey", SAYING)


def test_every_word_is_foreign_while_nothing_is_said() -> None:
    assert foreign_words("is it on", "") == ["is", "it", "on"]


def _loud(db: float) -> np.ndarray:
    tone = np.sin(np.arange(512) * 0.3) * np.sqrt(2) * 32767 * 10 ** (db / 20)
    return tone.astype(np.int16)


def test_a_person_is_speech_that_lasts_and_is_louder_than_our_echo() -> None:
    judge = Interruption()
    verdicts = [judge.accept(_loud(-25), 0.9, -45.0) for _ in range(12)]
    assert verdicts.index(Verdict.MAYBE) == 4  # 160 ms: the first chunk beyond 130
    assert verdicts.index(Verdict.PERSON) == 9  # 320 ms


def test_an_echo_as_loud_as_expected_is_nobody() -> None:
    judge = Interruption()
    assert {judge.accept(_loud(-42), 0.9, -45.0) for _ in range(40)} == {Verdict.NOTHING}


def test_a_click_is_forgotten_and_a_closure_is_not() -> None:
    judge = Interruption()
    for _ in range(3):
        judge.accept(_loud(-25), 0.9, None)
    for _ in range(4):  # 128 ms: the closure of a "t"
        judge.accept(_loud(-80), 0.1, None)
    assert judge.age == 7 * 512
    for _ in range(6):
        judge.accept(_loud(-80), 0.1, None)
    assert judge.age == 0


def test_a_closure_counts_as_speech_where_the_voice_goes_on_and_no_longer_dip_does() -> None:
    def verdicts(dip: int) -> list[Verdict]:
        judge = Interruption()
        loud, soft = (_loud(-25), 0.9, -45.0), (_loud(-44), 0.9, -45.0)
        return [judge.accept(*one) for one in [loud] * 5 + [soft] * dip + [loud] * 6]

    assert verdicts(4)[-6] is Verdict.PERSON  # 5 + 4 + 1 chunks of 32 ms
    assert Verdict.PERSON not in verdicts(5)[:-2]
    # What the voice activity detector takes for silence is none of it, however short.
    judge = Interruption()
    for _ in range(5):
        judge.accept(_loud(-25), 0.9, None)
    for _ in range(4):
        judge.accept(_loud(-80), 0.1, None)
    assert [judge.accept(_loud(-25), 0.9, None) for _ in range(6)].index(Verdict.PERSON) == 4


def test_level_of_silence_and_of_full_scale() -> None:
    assert level_db(np.zeros(512, np.int16)) == -120.0
    assert level_db(np.zeros(0, np.int16)) == -120.0
    assert level_db(np.full(512, -32768, np.int16)) == pytest.approx(0.0)


def test_frames_of_any_length_become_chunks_and_a_gap_drops_what_was_begun() -> None:
    def frames() -> Iterator[AudioFrame]:
        yield AudioFrame(np.arange(700, dtype=np.int16), RATE_HZ, 0)
        yield AudioFrame(np.arange(700, 1100, dtype=np.int16), RATE_HZ, 700)
        yield AudioFrame(np.arange(600, dtype=np.int16), RATE_HZ, 5000)

    chunks = list(chunks_of(frames(), 512))
    assert [(c.start, len(c.samples)) for c in chunks] == [(0, 512), (512, 512), (5000, 512)]
    assert list(chunks[1].samples[:3]) == [512, 513, 514]


class Stream:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.samples = 0

    def accept(self, frame: AudioFrame) -> str:
        assert frame.start == self.samples
        self.samples += len(frame.samples)
        return f"{self.samples}"

    def finish(self) -> Transcript:
        return Transcript(str(self.samples), "count")


def test_an_utterance_taken_up_again_is_heard_from_the_beginning() -> None:
    streams: list[Stream] = []

    def opened() -> Stream:
        streams.append(Stream())
        return streams[-1]

    def frame(number: int) -> AudioFrame:
        return AudioFrame(np.zeros(512, np.int16), RATE_HZ, number * 512)

    utterance = Utterance(opened, [frame(0)])
    for number in range(1, 5):
        utterance.accept(frame(number))
    assert utterance.hand_over().finish().text == str(5 * 512)
    utterance.accept(frame(5))  # silence while nobody listens
    utterance.resume()
    assert [stream.samples for stream in streams] == [5 * 512, 6 * 512]
    assert utterance.hand_over() is streams[1]
    assert len(utterance.audio()) == 6 * 512


def test_what_was_heard_of_a_reply_is_told_to_the_word() -> None:
    reply = Reply(Turn(), 1000)
    reply.record(Clip("one two three four", np.ones(4000, np.int16), first=True, last=True))
    reply.record(Clip("five six seven eight", np.ones(1000, np.int16), first=True, last=False))
    assert reply.heard_until(4000) == "one two three four"
    assert reply.heard_until(2100) == "one two …"
    assert reply.heard_until(0) == ""
    # The second sentence is not synthesized to its end: its length is guessed from its letters.
    assert reply.heard_until(5000) == "one two three four five six …"
    reply.cursor = 5000
    reply.rewind(heard=4500)
    assert reply.cursor == 4200


def test_a_reply_of_hours_keeps_only_its_last_seconds() -> None:
    reply = Reply(Turn(), 1000)
    for _ in range(200):
        reply.record(Clip("", np.zeros(1000, np.int16), first=True, last=True))
        reply.cursor = reply.tape_end
    assert reply.tape_end == 200_000
    assert len(reply._tape) < 6000


class Voice:
    """Counts how often it speaks."""

    model_id, rate_hz = "voice", 16_000

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        self.spoken.append(text)
        for _ in range(3):
            if cancellation.is_set:
                return
            yield AudioFrame(np.zeros(1600, np.int16))

    def close(self) -> None: ...


def test_short_phrases_are_synthesized_once() -> None:
    voice = Voice()
    kept = KeptPhrases(voice, kept_s=1.0)
    for _ in range(2):
        assert len(list(kept.synthesize("OK.", Cancellation()))) == 3
    long = "This sentence is longer than anything that is said again and again."
    for _ in range(2):
        list(kept.synthesize(long, Cancellation()))
    assert voice.spoken == ["OK.", long, long]
    for number in range(5):  # more than may be kept: the oldest goes
        list(kept.synthesize(f"Phrase {number}.", Cancellation()))
    list(kept.synthesize("OK.", Cancellation()))
    assert voice.spoken.count("OK.") == 2


def test_a_phrase_that_was_broken_off_is_not_kept() -> None:
    voice, cancellation = Voice(), Cancellation()
    kept = KeptPhrases(voice)
    for _ in kept.synthesize("OK.", cancellation):
        cancellation.cancel()
    assert len(list(kept.synthesize("OK.", Cancellation()))) == 3


# --- the ledger


def _record(route: str, first_audio_ms: float) -> dict[str, object]:
    return {"at": "2026-01-01T00:00:00+00:00", "turn": "t", "session": "s", "by": "wake",
            "route": route, "intent": None, "interrupted": False, "failed": False,
            "ms": {"endpoint": 200.0, "first_audio": first_audio_ms}}  # fmt: skip


def test_the_ledger_holds_no_words_and_is_read_by_others(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.jsonl"
    ledger = Ledger(file)
    turn = Turn()
    turn.mark("end_of_speech", ago_s=0.2)
    turn.mark("endpoint")
    decision = Decision("command", "note", {"text": "my secret"})
    ledger.add(record_of(turn, decision, "wake", Transcript("note my secret", "x", audio_s=1.0)))
    assert "secret" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    (record,) = read(file)
    assert record["ms"]["endpoint"] == pytest.approx(200, abs=50)
    assert Ledger(file).last() == [record]


def test_a_damaged_ledger_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text('{"ms": {}}\n{"ms": 3}\nnonsense\n[1]\n{"ms": {"done": 1.0}, "route"')
    assert read(file) == [{"ms": {}}]
    assert read(tmp_path / "absent") == []


def test_the_ledger_stays_small(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger = Ledger(file, kept=5)
    for number in range(40):
        ledger.add(_record("command", float(number)))
    assert len(file.read_text().splitlines()) <= 10
    assert [r["ms"]["first_audio"] for r in ledger.last()] == [35.0, 36.0, 37.0, 38.0, 39.0]


def test_a_ledger_that_cannot_be_written_costs_no_turn(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger(tmp_path / "file" / "ledger.jsonl")
    ledger.add(_record("command", 1.0))
    assert len(ledger.last()) == 1


def test_the_summary_is_by_route_and_stage() -> None:
    table = summary([_record("command", float(ms)) for ms in range(100, 200)])
    assert table["command"]["first_audio"] == {"p50": 149.5, "p95": 194.1, "n": 100}
    assert table["command"]["endpoint"]["p50"] == 200.0
    assert "parsed" not in table["command"]
    assert summary([]) == {}


# --- health, the service supervisor, one instance


def test_a_stage_that_works_and_is_silent_is_named() -> None:
    now = [0.0]
    health = Health(lambda: now[0])
    busy, idle = health.stage("responder", 5.0), health.stage("speaker", 5.0)
    busy.begin()
    idle.begin()
    idle.end()
    now[0] = 4.0
    assert health.stalls() == []
    now[0] = 6.0
    assert [(stall.stage, stall.silent_s) for stall in health.stalls()] == [("responder", 6.0)]
    busy.beat()
    assert health.stalls() == []


def test_a_counter_that_stands_still_is_a_stall() -> None:
    now, frames = [0.0], [0]
    progress = Progress(lambda: frames[0], 2.0, lambda: now[0])
    for _ in range(5):
        now[0] += 1.0
        frames[0] += 1
        assert not progress.stalled()
    now[0] += 3.0
    assert progress.stalled()


def test_the_supervisor_is_told(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address)
        server.settimeout(5)
        notifier = ServiceNotifier({"NOTIFY_SOCKET": address})
        notifier.ready()
        assert server.recv(200).startswith(b"READY=1")
        notifier.watchdog()
        assert server.recv(200) == b"WATCHDOG=1"
    notifier.watchdog()  # nobody listens any more
    ServiceNotifier({}).ready()  # nobody ever asked


def test_a_second_daemon_is_refused_and_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert running(tmp_path) is None
    with pytest.raises(UsageError, match="edgebot run"):
        tell(tmp_path, 10)  # type: ignore[arg-type]
    first = Instance(tmp_path)
    code = f"""
from pathlib import Path
from edgebot.runtime.live.instance import AlreadyRunning, Instance, running
assert running(Path({str(tmp_path)!r})) == {os.getpid()}
try:
    Instance(Path({str(tmp_path)!r}))
except AlreadyRunning as refusal:
    print(refusal)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"process {os.getpid()}" in told.stdout
    first.close()
    assert running(tmp_path) is None
    Instance(tmp_path).close()
    assert issubclass(AlreadyRunning, Exception)


def test_which_settings_take_effect_at_once() -> None:
    before = load_settings(environ={})
    assert can_apply(before, before)
    assert can_apply(before, load_settings(environ={"EDGEBOT_WAKE__SENSITIVITY": "0.7"}))
    assert can_apply(before, load_settings(environ={"EDGEBOT_LISTENING__FOLLOW_UP_S": "5"}))
    assert not can_apply(before, load_settings(environ={"EDGEBOT_WAKE__WORDS": '["alexa"]'}))
    assert not can_apply(before, load_settings(environ={"EDGEBOT_LANGUAGE": "de"}))


def test_one_line_a_turn_without_the_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Ledger(None).add(_record("command", 321.0))
    (line,) = caplog.messages
    assert "first audio 321.0 ms" in line
