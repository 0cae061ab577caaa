"""The Wyoming door with the real engines and the real client library."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soxr
from wyoming.asr import Transcribe, Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Describe, Info, SelectProgram
from wyoming.intent import Entity, Intent, Recognize
from wyoming.ping import Ping
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop
from wyoming.wake import Detect, Detection

from edgebot.config.sections.wyoming import WyomingSettings
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.errors import ConfigError
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.measuring import say
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.rim import Rim
from edgebot.server.wyoming.announce import announced
from edgebot.server.wyoming.gate import Gate
from edgebot.server.wyoming.service import WyomingService
from tests.e2e.wyoming_peer import client, expect, hear_sound, run, send_sound
from tests.unit.server_protocols.house import wait_for

pytestmark = pytest.mark.engines

SILENCE = np.zeros(RATE_HZ // 2, np.int16)


@pytest.fixture(scope="module")
def port(assembly: Assembly) -> Iterator[int]:
    """A house whose Wyoming door is open."""
    wyoming = WyomingSettings(enabled=True, port=0)
    service = WyomingService(assembly.settings.model_copy(update={"wyoming": wyoming}))
    with Rim(House(assembly, Bus()), [service]) as rim:
        yield wait_for(lambda: service.port)
        assert not rim.failures


def spoken(assembly: Assembly, text: str) -> Samples:
    return np.concatenate([say(assembly.tts(), text), SILENCE])


def test_it_describes_what_it_offers(port: int, assembly: Assembly) -> None:
    async def ask() -> Info:
        async with client(port) as peer:
            await peer.write_event(Describe().event())
            return Info.from_event(await expect(peer, "info"))

    info = run(ask)
    assert info.asr[0].models[0].name == assembly.plan.model("stt").id
    assert info.tts[0].voices[0].languages == ["en"]
    assert info.tts[0].supports_synthesize_streaming
    assert [model.name for model in info.wake[0].models] == ["okay_nabu"]
    assert info.intent[0].name == "edgebot-intent"
    assert info.handle[0].supports_home_control
    assert info.satellite is None


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_speech_becomes_words(port: int, assembly: Assembly, rate_hz: int) -> None:
    said = spoken(assembly, "set a timer for ten minutes")
    said = soxr.resample(said, RATE_HZ, rate_hz).astype(np.int16)

    async def ask() -> Transcript:
        async with client(port) as peer:
            await peer.write_event(Transcribe(language="en").event())
            await send_sound(peer, said, rate_hz=rate_hz)
            return Transcript.from_event(await expect(peer, "transcript", "error"))

    heard = run(ask)
    assert heard.text == "set a timer for ten minutes"
    assert heard.language == "en"


def test_free_dictation_is_a_model_of_its_own(port: int, assembly: Assembly) -> None:
    said = spoken(assembly, "the weather was nice and we walked along the river")

    async def ask() -> str:
        async with client(port) as peer:
            await peer.write_event(Transcribe(name="dictation").event())
            await send_sound(peer, said)
            return Transcript.from_event(await expect(peer, "transcript")).text

    assert "river" in run(ask)


def test_words_become_speech(port: int, assembly: Assembly) -> None:
    async def ask() -> tuple[Samples, int]:
        async with client(port) as peer:
            await peer.write_event(Synthesize("What time is it?").event())
            return await hear_sound(peer)

    sound, rate_hz = run(ask)
    stream = assembly.stt().stream()
    again = soxr.resample(sound, rate_hz, RATE_HZ).astype(np.int16)
    stream.accept(AudioFrame(np.concatenate([again, SILENCE])))
    assert stream.finish().text == "what time is it"


def test_words_that_are_still_being_written_become_speech_sentence_by_sentence(port: int) -> None:
    async def ask() -> list[int]:
        async with client(port) as peer:
            await peer.write_event(SynthesizeStart().event())
            await peer.write_event(SynthesizeChunk("Hello there. How ").event())
            await peer.write_event(SynthesizeChunk("are you").event())
            first, _ = await asyncio.gather(
                expect(peer, "audio-chunk"),  # the first sentence is spoken before the end
                asyncio.sleep(0),
            )
            await peer.write_event(SynthesizeChunk(" today?").event())
            await peer.write_event(Synthesize("Hello there. How are you today?").event())
            await peer.write_event(SynthesizeStop().event())
            sizes = [len(first.payload or b"")]
            while (event := await expect(peer, "audio-chunk", "audio-stop")).type != "audio-stop":
                sizes.append(len(event.payload or b""))
            await expect(peer, "synthesize-stopped")
            return sizes

    sizes = run(ask)
    assert sum(sizes) > 2 * 16_000, "more than a second was spoken, and only once"
    assert sum(sizes) < 2 * 22_050 * 6


def test_the_wake_word_is_detected(port: int, assembly: Assembly) -> None:
    tries = [spoken(assembly, "okay nabu.") for _ in range(4)]

    async def ask() -> list[str]:
        found = []
        for sound in tries:
            async with client(port) as peer:
                await peer.write_event(Detect(names=["okay_nabu"]).event())
                await send_sound(peer, np.concatenate([SILENCE, sound, SILENCE]))
                event = await expect(peer, "detection", "not-detected")
                found.append(event.type)
                if event.type == "detection":
                    assert Detection.from_event(event).name == "okay_nabu"
        return found

    assert run(ask).count("detection") >= 2


def test_no_wake_word_and_an_unknown_one(port: int, assembly: Assembly) -> None:
    async def ask() -> tuple[str, Error]:
        async with client(port) as peer:
            await peer.write_event(Detect().event())
            await send_sound(peer, SILENCE)
            first = await expect(peer, "detection", "not-detected")
            await peer.write_event(Detect(names=["alexander"]).event())
            await send_sound(peer, SILENCE)
            return first.type, Error.from_event(await expect(peer, "error"))

    kind, error = run(ask)
    assert kind == "not-detected"
    assert "okay_nabu" in error.text


def test_intents_are_recognised_and_nothing_is_done(port: int, assembly: Assembly) -> None:
    async def ask(text: str) -> Event:
        async with client(port) as peer:
            await peer.write_event(Recognize(text).event())
            return await expect(peer, "intent", "not-recognized")

    found = Intent.from_event(run(lambda: ask("set a timer for ten minutes")))
    assert found.name == "timer_set"
    assert Entity("duration", 600) in found.entities
    assert run(lambda: ask("colourless green ideas sleep furiously")).type == "not-recognized"
    assert not assembly.household().store.promises.open("timer")


def test_texts_are_handled_in_the_conversation_they_belong_to(
    port: int, assembly: Assembly
) -> None:
    async def ask(text: str, conversation: str) -> Event:
        async with client(port) as peer:
            context = {"conversation_id": conversation}
            await peer.write_event(Transcript(text, context=context).event())
            event = await expect(peer, "handled", "not-handled")
            assert event.data["context"] == context
            return event

    def reply(text: str, conversation: str) -> str:
        return str(Handled.from_event(run(lambda: ask(text, conversation))).text)

    assert "56" in reply("what is seven times eight", "one")
    assert reply("set a timer", "one").endswith("?"), "it asks for how long"
    assert "four" in reply("what is two plus two", "two")
    assert "12" in reply("twelve minutes", "one").replace("Twelve", "12")
    assert reply("cancel the timer", "one")
    assert not assembly.household().store.promises.open("timer")


def test_the_intent_program_tells_intents_to_whoever_selects_it(port: int) -> None:
    async def ask() -> Event:
        async with client(port) as peer:
            await peer.write_event(SelectProgram("edgebot-intent").event())
            await peer.write_event(Transcript("what time is it").event())
            return await expect(peer, "intent", "handled")

    assert run(ask).data["name"] == "time_now"


def test_an_intent_recognised_elsewhere_is_carried_out(port: int) -> None:
    async def ask(intent: Intent) -> Event:
        async with client(port) as peer:
            await peer.write_event(intent.event())
            return await expect(peer, "handled", "not-handled", "error")

    done = run(lambda: ask(Intent("list_add", [Entity("items", "eggs"), Entity("list_name", "x")])))
    assert "eggs" in str(done.data["text"])
    assert run(lambda: ask(Intent("launch_rocket"))).type == "not-handled"


def test_the_example_in_the_documents_runs(
    port: int, assembly: Assembly, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (root / "docs" / "home-assistant.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    exec(compile(example.replace("10300", str(port)), "home-assistant.md", "exec"), {})
    model, answer = capsys.readouterr().out.splitlines()
    assert model == assembly.plan.model("stt").id
    assert answer


# --- peers that do not behave


GARBAGE = {
    "no JSON": b"hello there\n",
    "binary": bytes(range(256)) * 8 + b"\n",
    "a list": b"[1, 2]\n",
    "no type": b'{"data": {}}\n',
    "type of a wrong type": b'{"type": 5}\n',
    "endless header": b"x" * 300_000,
    "huge data": b'{"type": "describe", "data_length": 99999999999}\n',
    "negative payload": b'{"type": "audio-chunk", "payload_length": -5}\n',
    "payload of a wrong type": b'{"type": "audio-chunk", "payload_length": "many"}\n',
    "huge payload": b'{"type": "audio-chunk", "payload_length": 4000000000}\n' + b"\0" * 5000,
    "truncated payload": b'{"type": "audio-chunk", "payload_length": 5000}\n' + b"\0" * 100,
    "truncated data": b'{"type": "synthesize", "data_length": 500}\n{"text": ',
    "data that is no JSON": b'{"type": "synthesize", "data_length": 4}\nnope',
    "data that is a list": b'{"type": "synthesize", "data_length": 2}\n[]',
    "deeply nested": b'{"type": ' + b"[" * 60_000 + b"\n",
    "half a header": b'{"type": "descr',
    "nothing": b"",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_only_its_own_connection(port: int, data: bytes) -> None:
    async def ask() -> str:
        async with client(port) as bystander:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 60)
            writer.close()
            await bystander.write_event(Ping("still there").event())
            return str((await expect(bystander, "pong")).data["text"])

    assert run(ask) == "still there"


WRONG = {
    "sound nobody asked for": [Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1})],
    "an end without a beginning": [Event("audio-stop"), Event("synthesize-stop")],
    "sound of no rate": [Transcribe().event(), Event("audio-chunk", {}, b"\0\0")],
    "sound of a mad rate": [
        Transcribe().event(),
        Event("audio-chunk", {"rate": 10**9, "width": 2, "channels": 1}, b"\0\0"),
    ],
    "sound of no width": [
        Transcribe().event(),
        Event("audio-chunk", {"rate": 16000, "width": 0, "channels": 0}, b"\0\0"),
    ],
    "half a sample": [
        Transcribe().event(),
        Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 2}, b"\0\0\0"),
    ],
    "a format that changes": [
        Transcribe().event(),
        Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, b"\0\0"),
        Event("audio-chunk", {"rate": 8000, "width": 2, "channels": 1}, b"\0\0"),
    ],
    "no text": [Event("synthesize"), Event("recognize"), Event("transcript", {"text": 5})],
    "an empty text": [Synthesize(" \0 ").event()],
    "names of a wrong type": [Event("detect", {"names": "okay"})],
    "an unknown pipeline": [Event("run-pipeline", {"start_stage": "end", "end_stage": "wake"})],
    "a pipeline that goes backwards": [
        Event("run-pipeline", {"start_stage": "tts", "end_stage": "wake"})
    ],
    "a pipeline of words": [Event("run-pipeline", {"start_stage": "intent", "end_stage": "tts"})],
    "an intent without a name": [Event("intent", {"entities": 5})],
    "an unknown event": [Event("make-coffee", {"sugar": 2}, b"\0" * 100)],
}


@pytest.mark.parametrize("events", WRONG.values(), ids=WRONG)
def test_wrong_events_are_answered_and_the_connection_goes_on(
    port: int, events: list[Event]
) -> None:
    async def ask() -> str:
        async with client(port) as peer:
            for event in events:
                await peer.write_event(event)
            await peer.write_event(Ping("on").event())
            return str((await expect(peer, "pong")).data["text"])

    assert run(ask) == "on"


def test_peers_that_come_and_go_leave_nothing_behind(port: int) -> None:
    begin = b'{"type": "transcribe", "data": {"name": "dictation"}}\n'
    chunk = b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 1}, '

    async def come_and_go() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):  # where too many are open, it is sent away
            writer.write(begin + chunk + b'"payload_length": 2048}\n' + b"\0" * 2048)
            await writer.drain()
        writer.transport.abort()

    async def many() -> None:
        for _ in range(4):
            await asyncio.gather(*(come_and_go() for _ in range(8)))

    process = psutil.Process()
    run(many)
    gc.collect()
    files, threads = process.num_fds(), threading.active_count()
    run(many)
    gc.collect()
    wait_for(lambda: process.num_fds() <= files + 3)
    assert threading.active_count() <= threads + 1
    wait_for(lambda: _answers(port))


def test_peers_that_leave_while_an_engine_works_do_not_take_it_down(port: int) -> None:
    """The wake word engine is freed only when it has done what it is at."""
    quarter = Event(
        "audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, b"\0" * (8 * RATE_HZ)
    )
    start = RunPipeline(PipelineStage.ASR, PipelineStage.TTS).event()

    async def leave(*first: Event) -> None:
        with contextlib.suppress(ConnectionError):
            async with client(port) as peer:
                for event in (*first, quarter, quarter, quarter):
                    await peer.write_event(event)

    async def many() -> None:
        for _ in range(5):
            await asyncio.gather(leave(Detect().event()), leave(start))

    run(many)
    wait_for(lambda: _answers(port))


def _answers(port: int) -> bool:
    async def ask() -> bool:
        try:
            async with client(port) as peer:
                await peer.write_event(Ping().event())
                return (await peer.read_event()) is not None
        except ConnectionError:  # too many are still open
            return False

    return run(ask)


def test_only_so_many_connections_are_open_at_once(assembly: Assembly) -> None:
    wyoming = WyomingSettings(enabled=True, port=0, connections=2)
    service = WyomingService(assembly.settings.model_copy(update={"wyoming": wyoming}))
    with Rim(House(assembly, Bus()), [service]):
        port = wait_for(lambda: service.port)

        async def ask() -> tuple[list[str], bytes]:
            answers: list[str] = []
            async with client(port) as one, client(port) as two:
                for peer in (one, two):
                    await peer.write_event(Ping("yes").event())
                    answers.append((await expect(peer, "pong")).data["text"])
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                third = await reader.read()
                writer.close()
            return answers, third

        assert run(ask) == (["yes", "yes"], b"")


# --- who may come in, and how it is found


def test_the_network_is_let_in_only_by_name() -> None:
    with pytest.raises(ConfigError, match=r"wyoming\.allow"):
        Gate("0.0.0.0", ())
    gate = Gate("0.0.0.0", ("192.168.1.20", "10.1.0.0/16", "fd00::/8"))
    inside = ("127.0.0.1", "::1", "192.168.1.20", "10.1.2.3", "fd00::7", "::ffff:192.168.1.20")
    assert all(map(gate.lets_in, inside))
    outside = ("192.168.1.21", "10.2.0.1", "2001:db8::1", "::ffff:10.9.9.9", "nonsense", "")
    assert not any(map(gate.lets_in, outside))


def test_it_is_announced_in_the_network(port: int) -> None:
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

    async def look() -> tuple[int | None, list[str], bool]:
        ears = AsyncZeroconf(interfaces=["127.0.0.1"])
        seen: asyncio.Queue[str] = asyncio.Queue()
        kind = "_wyoming._tcp.local."

        def changed(zeroconf: object, service_type: str, name: str, state_change: object) -> None:
            seen.put_nowait(f"{name} {state_change}")

        browser = AsyncServiceBrowser(ears.zeroconf, [kind], handlers=[changed])
        try:
            async with announced("edgebot-test", "127.0.0.1", port):
                while not (await seen.get()).startswith("edgebot-test"):
                    pass
                found = await ears.async_get_service_info(kind, f"edgebot-test.{kind}")
                assert found is not None
            gone = False
            while not gone:
                word = await seen.get()
                gone = word.startswith("edgebot-test") and word.endswith("Removed")
            return found.port, found.parsed_addresses(), gone
        finally:
            await browser.async_cancel()
            await ears.async_close()

    assert run(look) == (port, ["127.0.0.1"], True)
