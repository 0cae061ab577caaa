"""Figures for Prometheus: what is counted, what is measured, and that no word is among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgebot import __version__
from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.phrases import KeptPhrases
from edgebot.server.house import House
from edgebot.server.metrics import metrics_response
from edgebot.server.metrics.service import MetricsService
from tests.unit.server_protocols.house import (
    NotedDaemon,
    house_of,
    served,
    settings_with,
    wait_for,
)


class Queued(NotedDaemon):
    def queues(self) -> dict[str, int]:
        return {"responder": 3, "synthesizer": 0, "speaker": 1}


def values(house: House) -> dict[str, float]:
    """Every sample, as ``name{label=value}``."""
    body, kind = metrics_response(house)
    assert kind.startswith("text/plain; version=")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def turn(turn: str = "t", **changed: object) -> events.TurnEnded:
    fields: dict[str, object] = {
        "turn": turn,
        "session": "local",
        "by": "voice",
        "route": "command",
        "intent": "timer_set",
        "interrupted": False,
        "failed": False,
        "ms": {"parsed": 40.0, "first_audio": 312.0},
    }
    return events.TurnEnded(**{**fields, **changed})  # type: ignore[arg-type]


def test_what_happens_is_counted(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    with house_of(settings, Queued()) as house, served(house, MetricsService()):
        wait_for(lambda: len(house.relay))
        tell = house.bus.publish
        tell(turn())
        tell(turn(interrupted=True))
        tell(turn(route="llm", by="http", failed=True))
        tell(events.Woken("okay nabu", 0.9))
        tell(events.Followed(False))
        tell(events.BargedIn("local"))
        tell(events.Trouble("microphone", "unplugged"))
        tell(events.StateChanged("speaking"))
        counted = "edgebot_state{state=speaking}"
        wait_for(lambda: values(house)[counted] == 1)
        found = values(house)
    assert found["edgebot_turns_total{by=voice,outcome=ok,route=command}"] == 1
    assert found["edgebot_turns_total{by=voice,outcome=interrupted,route=command}"] == 1
    assert found["edgebot_turns_total{by=http,outcome=failed,route=llm}"] == 1
    assert found["edgebot_stage_seconds_count{route=command,stage=first_audio}"] == 2
    assert found["edgebot_stage_seconds_sum{route=command,stage=first_audio}"] == pytest.approx(
        0.624
    )
    assert found["edgebot_stage_seconds_bucket{le=0.3,route=command,stage=first_audio}"] == 0
    assert found["edgebot_stage_seconds_bucket{le=0.5,route=command,stage=first_audio}"] == 2
    assert found["edgebot_wakes_total{word=okay nabu}"] == 1
    assert found["edgebot_wakes_followed_total{spoke=false}"] == 1
    assert found["edgebot_barge_ins_total{}"] == 1
    assert found["edgebot_audio_faults_total{device=microphone}"] == 1
    assert found["edgebot_audio_working{device=microphone}"] == 0
    assert found["edgebot_audio_working{device=speaker}"] == 1
    assert found["edgebot_state{state=asleep}"] == 0


def test_the_board_and_the_process_are_measured(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    with house_of(settings, Queued()) as house:
        house.store.promises.add_timer(600, "soup")
        found = values(house)
        (tmp_path / "blob").write_bytes(b"x" * 1_000_000)
        later = values(house)
        assert found["edgebot_timers{}"] == 1
    assert found["edgebot_queue_depth{queue=responder}"] == 3
    assert found["edgebot_queue_depth{queue=doors}"] == 0
    assert found["edgebot_resident_bytes{}"] > 10_000_000
    assert (
        0
        < found["edgebot_memory_bytes{kind=available}"]
        < found["edgebot_memory_bytes{kind=total}"]
    )
    assert found["edgebot_disk_bytes{kind=free}"] > 0
    assert found["edgebot_volume_percent{}"] == 60
    assert found["edgebot_muted{device=microphone}"] == 0
    assert later["edgebot_cpu_seconds_total{}"] >= found["edgebot_cpu_seconds_total{}"] > 0
    assert found[f"edgebot_info{{language=en,profile=auto,version={__version__}}}"] == 1


def test_no_word_and_no_stranger_s_label_gets_in(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    secret = 'my pin is 4711"}\n# {'
    with house_of(settings, Queued()) as house, served(house, MetricsService()):
        wait_for(lambda: len(house.relay))
        tell = house.bus.publish
        tell(events.FinalText("t", "local", secret))
        tell(events.PartialText("local", secret))
        tell(events.ReplySentence("t", "local", secret))
        tell(events.ReplyHeard("t", "local", secret))
        tell(turn(by=secret, route="x" * 500))
        tell(events.Woken(secret, 0.5))
        tell(events.Trouble(secret, secret))
        house.store.promises.add_timer(600, secret)
        wait_for(lambda: values(house).get("edgebot_wakes_total{word=other}"))
        body, _ = metrics_response(house)
        assert values(house)["edgebot_turns_total{by=other,outcome=ok,route=other}"] == 1
    assert b"4711" not in body
    assert b"xxxx" not in body


def test_two_houses_do_not_share_their_counters(tmp_path: Path) -> None:
    with (
        house_of(settings_with(tmp_path / "a"), Queued()) as one,
        house_of(settings_with(tmp_path / "b"), Queued()) as two,
    ):
        with served(one, MetricsService()):
            wait_for(lambda: len(one.relay))
            one.bus.publish(events.BargedIn("local"))
            wait_for(lambda: values(one)["edgebot_barge_ins_total{}"] == 1)
        assert values(two)["edgebot_barge_ins_total{}"] == 0


def test_the_speed_of_the_speech_engines_is_their_own(tmp_path: Path) -> None:
    """Not that of whoever takes the sound: between two frames nobody works."""

    class Voice:
        model_id, rate_hz = "voice", 16_000

        def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
            for _ in range(2):
                yield AudioFrame(np.zeros(8000, np.int16))

        def close(self) -> None: ...

    with house_of(settings_with(tmp_path), Queued()) as house:
        before = values(house)
        for _ in KeptPhrases(Voice()).synthesize("hello", Cancellation()):
            values(house)  # takes longer than the voice
        after = values(house)
    audio = "edgebot_engine_audio_seconds_total{engine=tts}"
    work = "edgebot_engine_work_seconds_total{engine=tts}"
    assert after[audio] - before[audio] == pytest.approx(1.0)
    assert after[work] > before[work]
