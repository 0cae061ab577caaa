"""The MQTT door as a service of the rim."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from typing import Any

import aiomqtt

from edgebot.config.sections.mqtt import MqttSettings
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, HomeError
from edgebot.dialogue.home import HomeLink
from edgebot.server.house import House
from edgebot.server.mqtt.discovery import COMMANDS, announcements
from edgebot.server.mqtt.home import MqttHome
from edgebot.server.mqtt.presence import Presence
from edgebot.server.mqtt.topics import Topics
from edgebot.server.secrets import read_secret

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_KEEPALIVE_S = 30
_WAITING = 2000
"""Messages that may wait here; a broker that sends more faster loses some."""

_CALL_S = 10.0


class MqttService:
    """Keeps a connection to the broker: states out, orders in, devices learned."""

    name = "mqtt"

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` when password or certificate cannot be used."""
        self._wanted = wanted = settings.mqtt
        self._topics = Topics(wanted.node, wanted.discovery_prefix)
        self._tls = _tls_of(wanted)
        self._password: str | None = None
        if wanted.password_file is not None:
            self._password = read_secret(wanted.password_file, "mqtt.password_file")
            if wanted.user is None:
                raise ConfigError("mqtt.password_file needs mqtt.user")
        self.connections = 0
        """How often the broker was reached so far."""

        self.attempts = 0
        """How often it was called."""

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; a broker that is away is called again and again."""
        link = (await house.look(house.assembly.household)).home
        pause_s, told = _FIRST_PAUSE_S, False
        while not stop.is_set():
            before = self.connections
            self.attempts += 1
            try:
                await self._stay(house, link, stop)
            except aiomqtt.MqttError as problem:
                if self.connections > before:
                    pause_s, told = _FIRST_PAUSE_S, False
                level = logging.DEBUG if told else logging.WARNING
                _LOG.log(level, "mqtt: %s:%d: %s", self._wanted.host, self._wanted.port, problem)
                told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _stay(self, house: House, link: HomeLink, stop: asyncio.Event) -> None:
        """One connection from its beginning to its end. Raises ``MqttError``."""
        topics = self._topics
        async with self._client() as client:
            self.connections += 1
            _LOG.info("mqtt: connected to %s", self._wanted.host)

            async def retained(topic: str, payload: str) -> None:
                await client.publish(topic, payload, qos=1, retain=True)

            async def once(topic: str, payload: str) -> None:
                try:
                    await client.publish(topic, payload, qos=1)
                except aiomqtt.MqttError as problem:
                    raise HomeError(f"the MQTT broker is away: {problem}") from None

            presence = Presence(house, topics, retained, words=self._wanted.words)
            home = MqttHome(topics.prefix, topics.node, once) if self._wanted.devices else None
            listener = house.listen_to()
            work = [
                asyncio.create_task(self._hear(client, presence, home)),
                asyncio.create_task(_tell(listener, presence)),
                asyncio.create_task(stop.wait()),
            ]
            try:
                await self._come(client, presence, home is not None)
                if home is not None:
                    link.connect(home)
                done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                await retained(topics.availability, "offline")
            finally:
                if home is not None:
                    link.disconnect(home)
                listener.close()
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                await presence.close()

    async def _come(self, client: aiomqtt.Client, presence: Presence, devices: bool) -> None:
        topics = self._topics
        await client.subscribe([(topics.birth, 1)])
        # Orders that were published with "retain" while we were away are not carried out: see _hear
        await client.subscribe([(topics.command(what), 1) for what in COMMANDS])
        if devices:
            await client.subscribe(
                [(f"{topics.prefix}/{rest}", 1) for rest in ("+/+/config", "+/+/+/config")]
            )
        await self._announce(client, presence)

    async def _announce(self, client: aiomqtt.Client, presence: Presence) -> None:
        """Say what there is, that it is there, and how it is."""
        for topic, config in announcements(self._topics, self._wanted.name).items():
            await client.publish(topic, json.dumps(config), qos=1, retain=True)
        await client.publish(self._topics.availability, "online", qos=1, retain=True)
        await presence.tell_all()

    async def _hear(
        self, client: aiomqtt.Client, presence: Presence, home: MqttHome | None
    ) -> None:
        topics = self._topics
        commands = {topics.command(what): what for what in COMMANDS}
        async for message in client.messages:
            topic = str(message.topic)
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if topic == topics.birth:
                if payload == b"online" and not message.retain:
                    await self._announce(client, presence)
            elif topic in commands:
                if not message.retain:  # an order of yesterday is none
                    await presence.order(commands[topic], payload[:4096].decode(errors="replace"))
            elif home is not None and topic.endswith("/config"):
                for wanted in home.take_announcement(topic, payload):
                    await client.subscribe(wanted, qos=0)
            elif home is not None:
                home.take_state(topic, payload)

    def _client(self) -> aiomqtt.Client:
        wanted = self._wanted
        assert wanted.host is not None
        return aiomqtt.Client(
            wanted.host,
            wanted.port,
            username=wanted.user,
            password=self._password,
            identifier=f"edgebot-{wanted.node}",
            will=aiomqtt.Will(self._topics.availability, "offline", qos=1, retain=True),
            tls_context=self._tls,
            keepalive=_KEEPALIVE_S,
            timeout=_CALL_S,
            max_queued_incoming_messages=_WAITING,
            logger=_QUIET,
        )


_QUIET = logging.getLogger(f"{__name__}.protocol")
"""The library logs messages with their payloads at DEBUG, and its errors reach us anyway."""
_QUIET.setLevel(logging.CRITICAL)


async def _tell(listener: Any, presence: Presence) -> None:
    async for event in listener:
        await presence.take(event)


def _tls_of(wanted: MqttSettings) -> ssl.SSLContext | None:
    if not wanted.tls:
        if wanted.ca_file is not None:
            raise ConfigError("mqtt.ca_file needs mqtt.tls: true")
        return None
    try:
        return ssl.create_default_context(cafile=wanted.ca_file)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigError(f"mqtt.ca_file: {wanted.ca_file}: {problem}") from None
