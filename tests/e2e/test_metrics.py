"""``/metrics`` over HTTP, scraped by a real Prometheus; the dashboard asks for what there is."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgebot.runtime.live import bus as events
from edgebot.server.house import House
from edgebot.server.http.service import HttpService
from edgebot.server.http.tokens import TokenFile
from edgebot.server.metrics.service import MetricsService
from edgebot.server.rim import Rim
from tests.unit.server_protocols.house import NotedDaemon, house_of, settings_with, wait_for

SERVER = shutil.which("prometheus")
ROOT = Path(__file__).resolve().parents[2]

TURN = events.TurnEnded(
    "t", "local", "voice", "command", "time_now", False, False, {"first_audio": 312.0}
)


class Listening(NotedDaemon):
    def queues(self) -> dict[str, int]:
        return {"responder": 0, "synthesizer": 0, "speaker": 0}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[House, str, str]]:
    """A house with an HTTP door that wants a token: the house, host and port, the token."""
    settings = settings_with(tmp_path / "state", server={"port": 0})
    token = TokenFile(settings.state_dir).make()
    http = HttpService(settings)
    with house_of(settings, Listening()) as house, Rim(house, [http, MetricsService()]) as rim:
        host, port = wait_for(lambda: http.address)
        wait_for(lambda: len(house.relay))
        yield house, f"{host}:{port}", token
        assert not rim.failures


def test_the_figures_are_for_those_with_the_token(door: tuple[House, str, str]) -> None:
    house, address, token = door
    url = f"http://{address}/metrics"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    house.bus.publish(TURN)
    right = {"Authorization": f"Bearer {token}"}
    wait_for(lambda: 'edgebot_turns_total{by="voice"' in httpx.get(url, headers=right).text)
    answer = httpx.get(url, headers=right)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert httpx.post(url, headers=right).status_code == 405


def test_they_can_be_switched_off(tmp_path: Path) -> None:
    settings = settings_with(tmp_path / "state", server={"port": 0}, metrics={"enabled": False})
    http = HttpService(settings)
    with house_of(settings) as house, Rim(house, [http]):
        host, port = wait_for(lambda: http.address)
        assert httpx.get(f"http://{host}:{port}/metrics").status_code == 404


@pytest.mark.skipif(SERVER is None, reason="no prometheus; run `make setup-dev`")
def test_a_real_prometheus_scrapes_them(door: tuple[House, str, str], tmp_path: Path) -> None:
    house, address, token = door
    (tmp_path / "token").write_text(token)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        "  - job_name: edgebot\n"
        f"    authorization: {{credentials_file: {tmp_path / 'token'}}}\n"
        f"    static_configs: [{{targets: ['{address}']}}]\n"
    )
    assert SERVER is not None
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                SERVER,
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        api = f"http://127.0.0.1:{port}/api/v1"
        for _ in range(3):
            house.bus.publish(TURN)
        wait_for(lambda: _value(api, 'edgebot_turns_total{route="command"}') == 3.0)
        assert _value(api, "up") == 1.0
        assert _value(api, "edgebot_resident_bytes") > 1e7
        target = httpx.get(f"{api}/targets").json()["data"]["activeTargets"][0]
        assert target["lastError"] == ""
        for panel in _panels():
            for query in panel["targets"]:
                asked = _filled(query["expr"])
                answer = httpx.get(f"{api}/query", params={"query": asked}).json()
                assert answer["status"] == "success", (panel["title"], asked, answer)
    finally:
        process.kill()
        process.wait()


def _value(api: str, query: str) -> float | None:
    try:
        found = httpx.get(f"{api}/query", params={"query": query}).json()["data"]["result"]
    except (httpx.TransportError, KeyError, ValueError):
        return None  # it starts
    return float(found[0]["value"][1]) if found else None


def _panels() -> list[dict[str, Any]]:
    dashboard = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
    panels: list[dict[str, Any]] = dashboard["panels"]
    return panels


def _filled(expression: str) -> str:
    """As Grafana sends it."""
    return expression.replace("$__rate_interval", "1m").replace("$instance", ".*")


def test_the_dashboard_asks_for_figures_that_exist(door: tuple[House, str, str]) -> None:
    house, address, token = door
    for event in (
        TURN,
        events.Woken("okay nabu", 0.9),
        events.Followed(False),
        events.Trouble("microphone", "gone"),
    ):
        house.bus.publish(event)
    url, right = f"http://{address}/metrics", {"Authorization": f"Bearer {token}"}
    wait_for(lambda: "edgebot_wakes_followed_total{" in httpx.get(url, headers=right).text)
    served = set(re.findall(r"^(edgebot_\w+)", httpx.get(url, headers=right).text, re.MULTILINE))
    page = (ROOT / "docs" / "metrics.md").read_text()
    text = " ".join(query["expr"] for panel in _panels() for query in panel["targets"])
    asked = set(re.findall(r"\bedgebot_\w+", text))
    sometimes = {"edgebot_llm_tokens_per_second", "edgebot_temperature_celsius"}
    assert asked - served <= sometimes
    families = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in served}
    assert not {name for name in families | sometimes if f"`{name}" not in page}
