"""The MQTT door against a real mosquitto: discovery, states, orders, outages, secrets."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import logging
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError
from edgebot.dialogue.home import HomeLink
from edgebot.runtime.live import bus as events
from edgebot.server.house import House
from edgebot.server.mqtt import service as door
from edgebot.server.mqtt.service import MqttService
from edgebot.server.rim import Rim
from tests.unit.server_protocols.house import NotedDaemon, house_of, settings_with, wait_for

SERVER = shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/usr/bin")

pytestmark = pytest.mark.skipif(SERVER is None, reason="no mosquitto; run `make setup-dev`")

LAMP = {
    "name": "Floor Lamp",
    "command_topic": "lamp/set",
    "state_topic": "lamp/state",
    "device": {"name": "Lamp", "suggested_area": "Study"},
}


class Broker:
    """A mosquitto that can be killed and started again at the same port."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._folder = folder
        config = folder / "mosquitto.conf"
        listener = [f"listener {self.port} 127.0.0.1", "persistence false", *lines]
        config.write_text("\n".join([*listener, ""]))
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert SERVER is not None
        log = (self._folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen(
            [SERVER, "-c", str(self._config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        wait_for(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Peer:
    """Another client at the broker (the part of Home Assistant): sees and says everything."""

    def __init__(self, port: int) -> None:
        self.seen: dict[str, str] = {}
        self.retained: set[str] = set()
        self.counts: dict[str, int] = {}
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._note
        self._client.on_connect = lambda client, *_: client.subscribe("#")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _note(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        self.counts[message.topic] = self.counts.get(message.topic, 0) + 1
        self.seen[message.topic] = message.payload.decode(errors="replace")
        if message.retain:
            self.retained.add(message.topic)

    def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)

    def wait(self, topic: str, payload: str) -> None:
        wait_for(lambda: self.seen.get(topic) == payload)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path, "allow_anonymous true")
    one.start()
    yield one
    one.kill()


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    one = Peer(broker.port)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(door, "_LONGEST_PAUSE_S", 0.5)
    monkeypatch.setattr(door, "_CALL_S", 5.0)


def settings_for(tmp_path: Path, port: int, **more: Any) -> Settings:
    mqtt = {"host": "127.0.0.1", "port": port, "node": "test", "name": "Test board", **more}
    return settings_with(tmp_path / "state", mqtt=mqtt)


@contextlib.contextmanager
def assistant(settings: Settings) -> Iterator[tuple[House, NotedDaemon, MqttService, Rim]]:
    daemon, service = NotedDaemon(), MqttService(settings)
    with house_of(settings, daemon) as house, Rim(house, [service]) as rim:
        yield house, daemon, service, rim
        assert not rim.failures


def test_it_appears_by_itself_and_goes_in_good_order(
    tmp_path: Path, broker: Broker, peer: Peer
) -> None:
    with assistant(settings_for(tmp_path, broker.port)):
        peer.wait("edgebot/test/availability", "online")
        peer.wait("edgebot/test/state", "asleep")
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        announced = {
            topic: json.loads(payload)
            for topic, payload in peer.seen.items()
            if topic.startswith("homeassistant/")
        }
        assert len(announced) == 10
        for config in announced.values():
            assert config["device"]["name"] == "Test board"
        for topic in ("state", "volume", "microphone", "speaker", "timers"):
            assert f"edgebot/test/{topic}" in peer.seen
        late = Peer(broker.port)  # a Home Assistant that starts later finds all of it
        wait_for(lambda: "edgebot/test/timers" in late.retained)
        assert set(announced) <= late.retained
        late.close()
    peer.wait("edgebot/test/availability", "offline")


def test_orders_come_back(tmp_path: Path, broker: Broker, peer: Peer) -> None:
    with assistant(settings_for(tmp_path, broker.port)) as (house, daemon, _, _):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        peer.say("edgebot/test/volume/set", "35")
        peer.wait("edgebot/test/volume", "35")
        peer.say("edgebot/test/microphone/set", "ON")
        peer.wait("edgebot/test/microphone", "ON")
        peer.say("edgebot/test/microphone/set", "OFF")
        peer.wait("edgebot/test/microphone", "OFF")
        peer.say("edgebot/test/speaker/set", "ON")
        peer.wait("edgebot/test/speaker", "ON")
        peer.say("edgebot/test/say/set", "Dinner is ready")
        peer.say("edgebot/test/listen/set", "PRESS")
        peer.say("edgebot/test/stop/set", "PRESS")
        wait_for(lambda: ("hush", None) in daemon.told)
        told = [("mute", True), ("mute", False), ("say", "Dinner is ready")]
        assert daemon.told == [*told, ("order", "listen"), ("hush", None)]
        assert house.volume.volume() == 35
        assert house.volume.muted()


@pytest.mark.parametrize(
    "payload", ["", "loud", "-1", "101", "nan", "inf", b"\xff\xfe", "9" * 5000]
)
def test_nonsense_is_ordered_in_vain(
    tmp_path: Path, broker: Broker, peer: Peer, payload: str | bytes
) -> None:
    with assistant(settings_for(tmp_path, broker.port)) as (house, daemon, _, _):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        for what in ("volume", "microphone", "speaker"):
            peer.say(f"edgebot/test/{what}/set", payload)
        peer.say("edgebot/test/stop/set", "PRESS")
        wait_for(lambda: daemon.told == [("hush", None)])
        assert house.volume.volume() == 60


def test_an_order_of_yesterday_is_none(tmp_path: Path, broker: Broker, peer: Peer) -> None:
    peer.say("edgebot/test/say/set", "I am a ghost", retain=True)
    peer.say("edgebot/test/volume/set", "100", retain=True)
    with assistant(settings_for(tmp_path, broker.port)) as (house, daemon, _, _):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        peer.say("edgebot/test/stop/set", "PRESS")
        wait_for(lambda: daemon.told)
        assert daemon.told == [("hush", None)]
        assert house.volume.volume() == 60


def test_states_follow_the_assistant_and_words_stay_here(
    tmp_path: Path, broker: Broker, peer: Peer
) -> None:
    with assistant(settings_for(tmp_path, broker.port)) as (house, _, _, _):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        house.bus.publish(events.StateChanged("listening"))
        peer.wait("edgebot/test/state", "listening")
        house.store.promises.add_timer(600, "secret soup")
        tell_turn(house)
        peer.wait("edgebot/test/last_turn", "timer_set")
        peer.wait("edgebot/test/timers", "1")
        about = json.loads(wait_for(lambda: peer.seen.get("edgebot/test/last_turn/attributes")))
        assert (about["route"], about["by"], about["first_audio_ms"]) == ("command", "voice", 312.0)
        wait_for(lambda: '"id"' in peer.seen.get("edgebot/test/timers/attributes", ""))
    assert not [text for text in peer.seen.values() if "secret" in text or "soup" in text]


def test_words_are_published_where_that_is_wanted(
    tmp_path: Path, broker: Broker, peer: Peer
) -> None:
    with assistant(settings_for(tmp_path, broker.port, words=True)) as (house, _, _, _):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        house.store.promises.add_timer(600, "soup")
        tell_turn(house)
        about = json.loads(wait_for(lambda: peer.seen.get("edgebot/test/last_turn/attributes")))
        assert about["said"] == "a secret timer please"
        assert about["answered"] == "As you wish. It runs."
        wait_for(lambda: '"soup"' in peer.seen.get("edgebot/test/timers/attributes", ""))


def tell_turn(house: House) -> None:
    house.bus.publish(events.FinalText("t1", "local", "a secret timer please"))
    house.bus.publish(events.ReplySentence("t1", "local", "As you wish."))
    house.bus.publish(events.ReplySentence("t1", "local", "It runs."))
    ms = {"first_audio": 312.0}
    house.bus.publish(
        events.TurnEnded("t1", "local", "voice", "command", "timer_set", False, False, ms)
    )


def test_home_assistant_starts_anew_and_is_told_everything_again(
    tmp_path: Path, broker: Broker, peer: Peer
) -> None:
    topic = "homeassistant/sensor/test/state/config"
    with assistant(settings_for(tmp_path, broker.port)):
        wait_for(lambda: "edgebot/test/timers" in peer.seen)
        once = peer.counts[topic]
        peer.say("homeassistant/status", "offline")
        peer.say("homeassistant/status", "online")
        wait_for(lambda: peer.counts[topic] > once)
        assert peer.counts[topic] == once + 1


def test_the_broker_dies_and_comes_back(tmp_path: Path, broker: Broker) -> None:
    """Nothing is retained over its death (it keeps no file): the assistant tells it all again."""
    with assistant(settings_for(tmp_path, broker.port)) as (house, daemon, service, _):
        link = house.assembly.household().home
        for round_ in range(1, 4):
            peer = Peer(broker.port)
            peer.wait("edgebot/test/availability", "online")
            wait_for(lambda: link.homes)
            peer.say("edgebot/test/volume/set", str(10 * round_))
            peer.wait("edgebot/test/volume", str(10 * round_))
            peer.close()
            broker.kill()
            wait_for(lambda: not link.homes)
            broker.start()
            wait_for(lambda n=round_: service.connections > n)
        assert threading.active_count() < 40
        assert daemon.told == []


def test_the_last_will_tells_of_a_sudden_death(tmp_path: Path, broker: Broker, peer: Peer) -> None:
    import sys

    script = tmp_path / "assistant.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n"
        "from tests.e2e.test_mqtt import assistant, settings_for\n"
        f"with assistant(settings_for(Path({str(tmp_path)!r}), {broker.port})):\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE)
    try:
        peer.wait("edgebot/test/availability", "online")
    finally:
        process.kill()
        process.wait()
    peer.wait("edgebot/test/availability", "offline")


def test_devices_at_the_broker_are_learned_and_switched(
    tmp_path: Path, broker: Broker, peer: Peer
) -> None:
    peer.say("homeassistant/light/lamp/config", json.dumps(LAMP), retain=True)
    peer.say("lamp/state", "ON", retain=True)
    peer.say("homeassistant/light/broken/config", b"{not json \xff", retain=True)
    with assistant(settings_for(tmp_path, broker.port)) as (house, _, _, _):
        link: HomeLink = house.assembly.household().home
        (lamp,) = wait_for(link.devices)
        assert (lamp.device.name, lamp.device.area) == ("Floor Lamp", "Study")
        wait_for(lambda: lamp.home.state(lamp.device).state == "on")
        lamp.home.do("off", [lamp.device])
        peer.wait("lamp/set", "OFF")
        peer.say("homeassistant/light/lamp/config", "", retain=True)
        wait_for(lambda: not link.devices())


def test_user_and_password_come_from_a_file_and_are_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(passwords), "edgebot", "open-sesame"], check=True
    )
    passwords.chmod(0o644)
    broker = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root")
    broker.start()
    caplog.set_level(logging.DEBUG)
    secret = tmp_path / "secret"
    try:
        secret.write_text("wrong-sesame\n")
        wrong = settings_for(tmp_path, broker.port, user="edgebot", password_file=secret)
        with assistant(wrong) as (_, _, service, _):
            wait_for(lambda: "mqtt:" in caplog.text)
            assert service.connections == 0
        secret.write_text("open-sesame\n")
        right = settings_for(tmp_path, broker.port, user="edgebot", password_file=secret)
        with assistant(right) as (_, _, service, _):
            wait_for(lambda: service.connections == 1)
    finally:
        broker.kill()
    assert "sesame" not in caplog.text


def test_tls_is_checked(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    broker = Broker(
        tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}", "user root"
    )
    broker.start()
    try:
        trusted = settings_for(tmp_path, broker.port, tls=True, ca_file=certificate)
        with assistant(trusted) as (_, _, service, _):
            wait_for(lambda: service.connections == 1)
        stranger = settings_for(tmp_path, broker.port, tls=True)
        service = MqttService(stranger)
        with house_of(stranger, NotedDaemon()) as house, Rim(house, [service]) as rim:
            wait_for(lambda: rim.failures or service.connections or _tried(service))
            assert service.connections == 0
    finally:
        broker.kill()


FRAMES = {
    "nothing": b"",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "noise": bytes(range(256)) * 4,
    "a refusal": b"\x20\x02\x00\x05",
    "an endless length": b"\x20\xff\xff\xff\xff\xff\xff",
    "a huge message": b"\x20\x02\x00\x00\x30\xff\xff\xff\x7f" + b"x" * 1000,
    "a message without a topic": b"\x20\x02\x00\x00\x30\x02\xff\xff",
    "a topic that is no text": b"\x20\x02\x00\x00\x30\x06\x00\x02\xff\xfe{}",
    "answers to nothing": b"\x20\x02\x00\x00\x40\x02\x12\x34\x90\x03\x12\x34\x00",
}


@pytest.mark.parametrize("frames", FRAMES.values(), ids=FRAMES)
def test_a_broker_that_talks_nonsense_is_left_and_called_again(
    tmp_path: Path, frames: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def talk() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(2)
                        connection.recv(1000)
                        connection.sendall(frames)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            with assistant(settings_for(tmp_path, server.getsockname()[1])) as (house, _, door, _):
                wait_for(lambda: door.attempts >= 2)
                assert not house.assembly.household().home.homes
        finally:
            stop.set()
            thread.join()


def _tried(service: MqttService) -> bool:
    return service.attempts >= 2


def test_settings_that_cannot_work_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.password_file"):
        MqttService(settings_for(tmp_path, 1883, user="a", password_file=tmp_path / "gone"))
    (tmp_path / "there").write_text("x")
    with pytest.raises(ConfigError, match=r"mqtt\.user"):
        MqttService(settings_for(tmp_path, 1883, password_file=tmp_path / "there"))
    with pytest.raises(ConfigError, match=r"mqtt\.tls"):
        MqttService(settings_for(tmp_path, 1883, ca_file=tmp_path / "there"))
    with pytest.raises(ConfigError, match=r"mqtt\.ca_file"):
        MqttService(settings_for(tmp_path, 1883, tls=True, ca_file=tmp_path / "there"))


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
