"""How the board and the process are: measured when somebody asks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edgebot import __version__
from edgebot.core.errors import EdgebotError
from edgebot.dialogue.skills.device import ThisBoard
from edgebot.runtime.speeds import SPEECH_TO_TEXT, TEXT_TO_SPEECH
from edgebot.server.house import House


class BoardCollector(Collector):
    """Memory, temperature, disk, bytes written, queues, speeds, settings in force."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._board = ThisBoard(house.settings.state_dir)
        self._process = psutil.Process()

    def collect(self) -> Iterable[Metric]:
        """Everything as it is now; what cannot be measured is left out."""
        yield from self._about()
        yield from self._machine()
        yield from self._own()
        yield from self._queues()
        yield from self._speeds()
        yield from self._room()

    def describe(self) -> Iterable[Metric]:
        """Nothing is measured to register it."""
        return ()

    def _about(self) -> Iterator[Metric]:
        settings = self._house.settings
        about = {"version": __version__, "language": settings.language}
        about["profile"] = settings.profile
        yield InfoMetricFamily("edgebot", "Which assistant this is.", about)

    def _machine(self) -> Iterator[Metric]:
        degrees = self._board.temperature_c()
        if degrees is not None:
            yield _gauge("edgebot_temperature_celsius", "The hottest part of the board.", degrees)
        available, total = self._board.memory()
        memory = GaugeMetricFamily("edgebot_memory_bytes", "Memory of the board.", labels=["kind"])
        memory.add_metric(["available"], available)
        memory.add_metric(["total"], total)
        yield memory
        free, size = self._board.disk()
        disk = GaugeMetricFamily("edgebot_disk_bytes", "The disk with our data.", labels=["kind"])
        disk.add_metric(["free"], free)
        disk.add_metric(["total"], size)
        yield disk
        yield _gauge("edgebot_load", "Share of the processors in use, 0 to 1.", self._board.load())

    def _own(self) -> Iterator[Metric]:
        process = self._process
        yield _gauge("edgebot_resident_bytes", "Memory of this process.", process.memory_info().rss)
        times = process.cpu_times()
        yield _counter("edgebot_cpu_seconds", "Time on a processor.", times.user + times.system)
        yield _gauge("edgebot_threads", "Threads of this process.", process.num_threads())
        yield _gauge("edgebot_open_files", "Files and sockets that are open.", process.num_fds())
        yield _gauge(
            "edgebot_uptime_seconds", "Since the start.", time.time() - process.create_time()
        )
        try:
            written = process.io_counters().write_bytes
        except (psutil.Error, OSError, AttributeError):  # a kernel without task accounting
            return
        yield _counter("edgebot_written_bytes", "Bytes this process had written to disk.", written)

    def _queues(self) -> Iterator[Metric]:
        queues = GaugeMetricFamily(
            "edgebot_queue_depth", "What waits before a stage.", labels=["queue"]
        )
        queues.add_metric(["doors"], self._house.places.inside)
        if self._house.daemon is not None:
            for name, depth in self._house.daemon.queues().items():
                queues.add_metric([name], depth)
        yield queues

    def _speeds(self) -> Iterator[Metric]:
        work = CounterMetricFamily(
            "edgebot_engine_work_seconds", "Time the speech engines took.", labels=["engine"]
        )
        audio = CounterMetricFamily(
            "edgebot_engine_audio_seconds", "Sound they read or made.", labels=["engine"]
        )
        for name, speed in (("stt", SPEECH_TO_TEXT), ("tts", TEXT_TO_SPEECH)):
            work.add_metric([name], speed.work_s)
            audio.add_metric([name], speed.audio_s)
        yield work
        yield audio
        assembly = self._house.assembly
        talker: Any = assembly.talker() if assembly.opened("talker") else None
        speeds: dict[str, float] = talker.speeds() if talker is not None else {}
        if speeds:
            family = GaugeMetricFamily(
                "edgebot_llm_tokens_per_second",
                "How fast the language model reads and writes, a running mean.",
                labels=["phase"],
            )
            for phase, tokens in speeds.items():
                family.add_metric([phase], tokens)
            yield family

    def _room(self) -> Iterator[Metric]:
        house = self._house
        try:
            muted = house.muted()
            timers = len(house.store.promises.open("timer"))
        except EdgebotError:
            return  # the store cannot be read at the moment
        yield _gauge("edgebot_volume_percent", "Loudness of the speaker.", muted.volume)
        family = GaugeMetricFamily("edgebot_muted", "Whether it is muted.", labels=["device"])
        family.add_metric(["microphone"], float(muted.microphone))
        family.add_metric(["speaker"], float(muted.speaker))
        yield family
        yield _gauge("edgebot_timers", "Timers that are running.", timers)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value)
