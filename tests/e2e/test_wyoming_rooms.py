"""Rooms over Wyoming: this board as satellite, as hub, and both with each other; real engines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.vad import VoiceStopped
from wyoming.wake import Detection

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.config.sections.wyoming import RoomSatellite, WyomingSettings
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.measuring import say
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.rim import Rim
from edgebot.server.wyoming.hub import HubService
from edgebot.server.wyoming.satellite import SatelliteDoor
from edgebot.server.wyoming.service import WyomingService
from tests.e2e.wyoming_peer import chunks, client, expect, hear_sound, run, send_sound
from tests.unit.server_protocols.house import wait_for

pytestmark = pytest.mark.engines

PAUSE = np.zeros(int(0.3 * RATE_HZ), np.int16)
SILENCE = np.zeros(2 * RATE_HZ, np.int16)


def spoken(assembly: Assembly, text: str) -> Samples:
    return say(assembly.tts(), text)


@contextlib.contextmanager
def satellite(assembly: Assembly) -> Iterator[tuple[SatelliteDoor, Room]]:
    """This board as a satellite, in a room that follows the clock on the wall."""
    room = Room(Acoustics(echo_db=None), speed=1.0)
    wake = assembly.open_wake_words()
    door = SatelliteDoor(WyomingSettings(satellite_port=0), room, wake)
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await door.serve(stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        wait_for(lambda: door.port)
        yield door, room
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(30)
        room.close()
        assert not thread.is_alive()


def call(room: Room, assembly: Assembly, question: str) -> None:
    """Somebody says the wake word and a question, three times in case it is not heard."""
    at_s = room.seconds() + 0.5
    for _ in range(3):
        said = np.concatenate([spoken(assembly, "okay nabu."), PAUSE, spoken(assembly, question)])
        at_s = room.say(said, at_s).stop / RATE_HZ + 4.0


def test_it_streams_after_the_wake_word_and_plays_the_answer(assembly: Assembly) -> None:
    """A small Home Assistant made of the client library."""
    answer = spoken(assembly, "It is high noon.")
    with satellite(assembly) as (door, room):
        port = door.port
        assert port is not None

        async def hub() -> tuple[Info, Detection, RunPipeline, Samples]:
            async with client(port) as peer:
                await peer.write_event(Describe().event())
                info = Info.from_event(await expect(peer, "info"))
                await peer.write_event(Ping().event())
                await expect(peer, "pong")
                await peer.write_event(RunSatellite().event())
                call(room, assembly, "what time is it")
                detection = Detection.from_event(await expect(peer, "detection"))
                pipeline = RunPipeline.from_event(await expect(peer, "run-pipeline"))
                pieces: list[Samples] = []
                while sum(map(len, pieces)) < 2.5 * RATE_HZ:
                    chunk = AudioChunk.from_event(await expect(peer, "audio-chunk"))
                    assert (chunk.rate, chunk.width, chunk.channels) == (RATE_HZ, 2, 1)
                    pieces.append(np.frombuffer(chunk.audio, np.int16))
                await peer.write_event(VoiceStopped().event())
                await peer.write_event(Transcript("what time is it").event())
                await send_sound(peer, answer)
                await expect(peer, "played")
                return info, detection, pipeline, np.concatenate(pieces)

        info, detection, pipeline, heard = run(hub)
        wait_for(lambda: not door.connected)
        played = np.concatenate([frame.samples for frame in room.heard()])
    assert info.satellite is not None
    assert info.satellite.active_wake_words == ["okay_nabu"]
    assert detection.name == "okay_nabu"
    stages = (pipeline.start_stage, pipeline.end_stage)
    assert stages == (PipelineStage.ASR, PipelineStage.TTS)
    assert recognised(assembly, heard) == "what time is it"
    assert "noon" in recognised(assembly, played)


def recognised(assembly: Assembly, samples: Samples) -> str:
    stream = assembly.stt().stream()
    stream.accept(AudioFrame(np.concatenate([samples, PAUSE])))
    return stream.finish().text


def test_nothing_leaves_the_board_without_wake_word_or_while_paused(assembly: Assembly) -> None:
    with satellite(assembly) as (door, room):
        port = door.port
        assert port is not None

        async def hub() -> list[str]:
            async with client(port) as peer:
                await peer.write_event(RunSatellite().event())
                room.say(spoken(assembly, "this is nobody's business"))
                while room.speaking():
                    await asyncio.sleep(0.05)
                await peer.write_event(PauseSatellite().event())
                await peer.write_event(Ping().event())
                kinds = [(await expect(peer, "pong")).type]
                call(room, assembly, "what time is it")
                end = room.position + 8 * RATE_HZ
                while room.position < end:
                    await asyncio.sleep(0.05)
                await peer.write_event(Ping().event())
                event = await peer.read_event()
                assert event is not None
                return [*kinds, event.type]

        assert run(hub) == ["pong", "pong"]


@pytest.mark.parametrize(
    "wrong",
    [
        b"garbage\n",
        b'{"type": "audio-chunk", "payload_length": 99999999}\n',
        b'{"type": "audio-chunk", "data": {"rate": 0}}\n{"type": "audio-stop"}\n',
        b'{"type": "run-satellite"}\n{"type": "error", "data": 5}\n{"type": "transcript"}\n',
    ],
)
def test_a_hub_that_misbehaves_is_sent_away_and_the_next_one_is_served(
    assembly: Assembly, wrong: bytes
) -> None:
    with satellite(assembly) as (door, _):
        port = door.port
        assert port is not None

        async def hubs() -> str:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(wrong)
            await writer.drain()
            async with client(port) as peer:
                await peer.write_event(RunSatellite().event())
                await peer.write_event(Ping().event())
                kind = (await expect(peer, "pong")).type
            writer.close()
            return kind

        assert run(hubs) == "pong"


def test_the_hub_answers_a_satellite_in_a_conversation_of_its_room(assembly: Assembly) -> None:
    """Two edgebots: one hears and plays, the other understands and answers."""
    bus = Bus()
    told = bus.subscribe(events.FinalText, events.TurnEnded)
    with satellite(assembly) as (door, room):
        assert door.port is not None
        far = RoomSatellite(room="kitchen", host="127.0.0.1", port=door.port, area="Kitchen")
        wyoming = WyomingSettings(satellites=(far,))
        hub = HubService(assembly.settings.model_copy(update={"wyoming": wyoming}))
        with Rim(House(assembly, bus), [hub]) as rim:
            wait_for(lambda: hub.connected == {"kitchen"} and door.connected)
            assert assembly.household().home.area_of("room-kitchen") == "Kitchen"
            call(room, assembly, "what is seven times eight")
            happened: list[events.Event] = []
            wait_for(
                lambda: (
                    happened.extend(told.take())
                    or any(isinstance(one, events.TurnEnded) for one in happened)
                )
            )
            wait_for(lambda: "fifty six" in _played(assembly, room))
            assert not rim.failures
    said = next(one for one in happened if isinstance(one, events.FinalText))
    assert (said.session, said.by) == ("room-kitchen", "wyoming")
    assert said.text == "what is seven times eight"


def _played(assembly: Assembly, room: Room) -> str:
    frames = room.heard()
    return recognised(assembly, np.concatenate([f.samples for f in frames])) if frames else ""


def test_satellites_that_come_by_themselves_each_have_their_own_conversation(
    assembly: Assembly,
) -> None:
    service = WyomingService(
        assembly.settings.model_copy(update={"wyoming": WyomingSettings(enabled=True, port=0)})
    )
    start = RunPipeline(PipelineStage.ASR, PipelineStage.TTS, restart_on_end=True).event()
    with Rim(House(assembly, Bus()), [service]) as rim:
        port = wait_for(lambda: service.port)

        async def rooms() -> list[str]:
            async with client(port) as one, client(port) as two:
                texts = []
                for peer, words in (
                    (one, "set a timer"),
                    (two, "what is seven times eight"),
                    (one, "ten minutes"),
                    (one, "cancel the timer"),
                ):
                    await peer.write_event(start)
                    sound = np.concatenate([PAUSE, spoken(assembly, words), SILENCE])
                    await send_sound(peer, sound, around=False)
                    await expect(peer, "voice-started")
                    await expect(peer, "voice-stopped")
                    heard = Transcript.from_event(await expect(peer, "transcript")).text
                    assert heard == words
                    reply = str((await expect(peer, "synthesize")).data["text"])
                    sound, _ = await hear_sound(peer)
                    assert len(sound) > RATE_HZ // 2
                    texts.append(reply)
                return texts

        asked, sum_, set_, _ = run(rooms)
        assert not rim.failures
    assert asked.endswith("?")
    assert "56" in sum_
    assert "en minutes" in set_
    assert not assembly.household().store.promises.open("timer")


def test_a_pipeline_may_wait_for_the_word_end_early_or_only_speak(assembly: Assembly) -> None:
    service = WyomingService(
        assembly.settings.model_copy(update={"wyoming": WyomingSettings(enabled=True, port=0)})
    )
    tries = [spoken(assembly, "okay nabu.") for _ in range(3)]
    with Rim(House(assembly, Bus()), [service]) as rim:
        port = wait_for(lambda: service.port)

        async def ask() -> tuple[str, str, int]:
            async with client(port) as peer:
                wake = RunPipeline(PipelineStage.WAKE, PipelineStage.ASR)
                await peer.write_event(wake.event())
                for said in tries:
                    for chunk in chunks(np.concatenate([PAUSE, said, PAUSE])):
                        await peer.write_event(chunk.event())
                found = str((await expect(peer, "detection", "error")).data.get("name"))
                await peer.write_event(RunPipeline(PipelineStage.ASR, PipelineStage.ASR).event())
                await send_sound(peer, np.concatenate([spoken(assembly, "hello there"), PAUSE]))
                text = str((await expect(peer, "transcript")).data["text"])
                announce = RunPipeline(
                    PipelineStage.TTS, PipelineStage.TTS, announce_text="Dinner is ready."
                )
                await peer.write_event(announce.event())
                sound, _ = await hear_sound(peer)
                return found, text, len(sound)

        found, text, size = run(ask)
        assert not rim.failures
    assert found == "okay_nabu"
    assert "hello" in text
    assert size > RATE_HZ // 2


def test_silence_is_told_and_a_satellite_that_leaves_is_forgotten(assembly: Assembly) -> None:
    service = WyomingService(
        assembly.settings.model_copy(update={"wyoming": WyomingSettings(enabled=True, port=0)})
    )
    with Rim(House(assembly, Bus()), [service]) as rim:
        port = wait_for(lambda: service.port)

        async def ask() -> Event:
            async with client(port) as peer:
                await peer.write_event(AudioStart(RATE_HZ, 2, 1).event())
                start = RunPipeline(PipelineStage.ASR, PipelineStage.TTS).event()
                await peer.write_event(start)
                quiet = np.zeros(6 * RATE_HZ, np.int16)
                await send_sound(peer, quiet, around=False)
                error = await expect(peer, "error", "voice-started")
                await peer.write_event(start)  # and leave in the middle of a sentence
                said = spoken(assembly, "what is the meaning of all this")
                await send_sound(peer, said, around=False)
                await peer.write_event(AudioStop().event())
                return error

        assert run(ask).data["code"] == "stt-no-text-recognized"
        assert not rim.failures


def test_the_verb_serves_without_loading_more_than_the_wake_word(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "EDGEBOT_STATE_DIR": str(tmp_path / "state"),
        "EDGEBOT_WYOMING__SATELLITE_PORT": str(port),
        "EDGEBOT_AUDIO__MICROPHONE": "a microphone that is not there",
        "EDGEBOT_AUDIO__SPEAKER": "a speaker that is not there",
        "EDGEBOT_AUDIO__ECHO": "none",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgebot.cli", "satellite"],
            env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(lambda: b"satellite at" in (tmp_path / "log").read_bytes())

        async def ask() -> Info:
            while True:
                try:
                    async with client(port) as peer:
                        await peer.write_event(Describe().event())
                        return Info.from_event(await expect(peer, "info"))
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)

        info = run(ask)
        assert info.satellite is not None
        assert info.satellite.active_wake_words == ["okay_nabu"]
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        assert "libvosk" not in maps
        assert "libllama" not in maps
    finally:
        process.terminate()
        assert process.wait(60) == 0, (tmp_path / "log").read_text()
