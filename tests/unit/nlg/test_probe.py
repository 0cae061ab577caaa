"""The probe admits a model that chooses well, and neither the eager nor the timid one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgebot.core.language import Message
from edgebot.nlg.probe import CALLS, ProbeResult, probe
from edgebot.runtime import probes
from tests.unit.nlg.fakes import FakeModel

RIGHT = {
    text: {
        "name": name,
        "arguments": {k: v.split("|")[0] if isinstance(v, str) else v for k, v in a.items()},
    }
    for text, name, a in CALLS
}


def clever(messages: Sequence[Message]) -> str:
    call = RIGHT.get(messages[-1].content)
    return json.dumps(call) if call else "In words."


def eager(messages: Sequence[Message]) -> str:
    return json.dumps(RIGHT.get(messages[-1].content, {"name": "coin_flip", "arguments": {}}))


def careless(messages: Sequence[Message]) -> str:
    call = RIGHT.get(messages[-1].content)
    return json.dumps({**call, "arguments": {}}) if call else "In words."


def test_a_clever_model_is_admitted() -> None:
    assert probe(FakeModel(clever)) == ProbeResult(1.0, 1.0, 0.0, 22)
    assert probe(FakeModel(clever)).able


def test_one_that_calls_for_everything_is_not() -> None:
    result = probe(FakeModel(eager))
    assert (result.right_arguments, result.false_calls, result.able) == (1.0, 1.0, False)


def test_one_that_never_calls_is_not() -> None:
    assert not probe(FakeModel("In words.")).able


def test_wrong_arguments_count() -> None:
    result = probe(FakeModel(careless))
    assert result.right_tool == 1.0
    assert result.right_arguments < 0.5
    assert not result.able


def entry(**options: Any) -> Any:
    spec = SimpleNamespace(role="model", sha256="abc")
    return SimpleNamespace(id="m", files=(spec,), options=options)


def test_what_was_measured_counts_before_the_catalogue(tmp_path: Path) -> None:
    assert probes.may_call(entry(calls_tools=True), tmp_path)
    assert not probes.may_call(entry(), tmp_path)
    probes.record(entry(), ProbeResult(1.0, 1.0, 0.0, 22), tmp_path)
    assert probes.may_call(entry(), tmp_path)
    probes.record(entry(), ProbeResult(0.2, 0.1, 0.5, 22), tmp_path)
    assert not probes.may_call(entry(calls_tools=True), tmp_path)


def test_a_damaged_record_is_ignored(tmp_path: Path) -> None:
    (tmp_path / probes.FILE).write_text("{")
    assert probes.may_call(entry(calls_tools=True), tmp_path)
    probes.record(entry(), ProbeResult(1.0, 1.0, 0.0, 22), tmp_path)
    assert probes.may_call(entry(), tmp_path)
