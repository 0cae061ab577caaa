"""What is kept is named, and what is wiped is gone from every file."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgebot.cli.main import cli
from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings
from edgebot.core.dialogue import Decision
from edgebot.core.errors import UsageError
from edgebot.core.turn import Turn
from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.turnlog import TurnLog, read, turns_file
from edgebot.runtime.leaving import leaves_the_machine
from edgebot.runtime.live.instance import Instance
from edgebot.runtime.privacy import KINDS, owned_by, report, wipe, wipe_person
from edgebot.runtime.voice_store import voices_file

SECRET = "the gingerbread recipe of aunt mildred"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for variable in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path / "state"))
    return load_settings()


def fill(settings: Settings) -> None:
    """Leave the secret in everything that may hold words."""
    store = Store(settings.state_dir, SystemClock("UTC"))
    store.memories.add(SECRET)
    store.lists.add("shopping", [SECRET])
    store.memories.add(SECRET, owner="anna")
    store.lists.of("anna").add("presents", [SECRET])
    store.promises.add_timer(3600, SECRET)
    store.file.backup()
    store.close()
    log = TurnLog(turns_file(settings.state_dir), SystemClock("UTC"), keep_words=True)
    log.add(Turn("local"), SECRET, Decision("command", "x"))
    voices_file(settings.state_dir).write_text('{"voices": {"mildred": [[0.1]]}}')


def traces(settings: Settings) -> list[str]:
    """Files in which the secret is still to be found."""
    files = [one for one in settings.state_dir.rglob("*") if one.is_file()]
    return [one.name for one in files if SECRET.encode() in one.read_bytes()]


def test_nothing_is_made_by_looking(settings: Settings) -> None:
    assert all(one.entries == 0 for one in report(settings))
    assert not settings.state_dir.exists()


def test_everything_that_is_kept_is_counted(settings: Settings) -> None:
    fill(settings)
    counts = {one.what: one.entries for one in report(settings)}
    assert counts["promises"] == counts["turns"] == counts["voices"] == 1
    assert (counts["memory"], counts["lists"]) == (2, 4)
    assert all(one.since for one in report(settings) if one.what in ("memory", "lists", "turns"))


def test_what_is_wiped_leaves_no_trace_and_the_rest_stays(settings: Settings) -> None:
    fill(settings)
    assert traces(settings)
    wipe(settings, ["memory"])
    counts = {one.what: one.entries for one in report(settings)}
    assert counts["memory"] == 0
    assert counts["promises"] == 1
    wipe(settings, KINDS)
    assert traces(settings) == []
    assert all(one.entries == 0 for one in report(settings))


def test_what_is_one_persons_own_goes_without_a_trace_and_the_rest_stays(
    settings: Settings,
) -> None:
    own = "a surprise for the birthday of ben"
    store = Store(settings.state_dir, SystemClock("UTC"))
    store.memories.add("the key is under the mat")
    store.memories.add(own, owner="ben")
    store.memories.add(own, owner="anna")
    store.lists.of("anna").add("presents", [own, "paper"])
    store.close()
    assert owned_by(settings, "anna") == 2
    assert wipe_person(settings, "anna") == "anna: 2 entries removed"
    assert (owned_by(settings, "anna"), owned_by(settings, "ben")) == (0, 1)
    store = Store(settings.state_dir, SystemClock("UTC"))
    assert store.lists.of("anna").items("presents") is None
    assert [one.text for one in store.memories.all()] == ["the key is under the mat"]
    store.close()
    assert wipe_person(settings, "ben") == "ben: 1 entries removed"
    files = [one for one in settings.state_dir.rglob("*") if one.is_file()]
    assert not [one for one in files if own.encode() in one.read_bytes()]
    assert wipe_person(settings, "nobody'; DROP TABLE own_lists; --").endswith("0 entries removed")


def test_the_command_removes_what_is_one_persons_own(settings: Settings) -> None:
    fill(settings)
    done = CliRunner().invoke(cli, ["privacy", "wipe", "--person", "Anna", "--yes"])
    assert done.output == "Anna: 2 entries removed\n"
    assert owned_by(settings, "anna") == 0
    nothing = CliRunner().invoke(cli, ["privacy", "wipe", "--yes"])
    assert isinstance(nothing.exception, UsageError)


def test_who_is_forgotten_by_voice_is_told_of_what_is_left(settings: Settings) -> None:
    fill(settings)
    known = {"version": 1, "model": "vosk-spk-0.4", "voices": {"anna": [[1.0, 0.0]]}}
    voices_file(settings.state_dir).write_text(json.dumps(known))
    done = CliRunner().invoke(cli, ["voices", "remove", "anna"], catch_exceptions=False)
    assert "2 lists and memories are anna's own" in done.output
    assert "wipe --person anna" in done.output


def test_a_store_in_use_is_wiped_and_goes_on(settings: Settings) -> None:
    fill(settings)
    store = Store(settings.state_dir, SystemClock("UTC"))
    assert len(store.memories.all("anna")) == 2
    wipe(settings, ["memory"])
    assert store.memories.all("anna") == []
    store.memories.add("milk")
    assert len(store.memories.all()) == 1
    store.close()


def test_what_a_running_daemon_holds_is_not_wiped_behind_its_back(settings: Settings) -> None:
    fill(settings)
    instance = Instance(settings.state_dir)
    with pytest.raises(UsageError, match="stop it first"):
        wipe(settings, ["memory", "turns"])
    assert {one.what: one.entries for one in report(settings)}["memory"] == 2
    wipe(settings, ["memory"])
    instance.close()


def test_words_go_after_their_days(settings: Settings) -> None:
    class Later(SystemClock):
        def utc(self):  # type: ignore[no-untyped-def]
            return super().utc() + timedelta(days=8)

    fill(settings)
    file = turns_file(settings.state_dir)
    TurnLog(file, SystemClock("UTC"), keep_words=True)
    assert len(read(file)) == 1
    TurnLog(file, Later("UTC"), keep_words=True, words_days=7.0)
    assert read(file) == []
    assert SECRET not in file.read_text()


def test_damaged_files_are_reported_all_the_same(settings: Settings) -> None:
    settings.state_dir.mkdir(parents=True)
    turns_file(settings.state_dir).write_bytes(b"\xff\x00[1]\n[]\n")
    voices_file(settings.state_dir).write_bytes(b"\xff{")
    report(settings)
    wipe(settings, KINDS)
    assert not voices_file(settings.state_dir).exists()


def test_an_endpoint_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves_the_machine(settings) == []
    assert "Nothing leaves" in CliRunner().invoke(cli, ["privacy", "report"]).output
    monkeypatch.setenv("EDGEBOT_LLM__ENDPOINT__URL", "http://elsewhere:8080/v1")
    assert "http://elsewhere:8080/v1" in CliRunner().invoke(cli, ["privacy", "report"]).output


@pytest.mark.parametrize(
    ("variable", "value", "to", "words"),
    [
        ("MQTT__HOST", "broker", "broker:1883", False),
        ("HOME__URL", "http://home.invalid", "http://home.invalid", False),
        ("WEBHOOKS", '[{"url": "http://a.invalid/secret-path"}]', "http://a.invalid", False),
        ("WYOMING__SATELLITES", '[{"room": "attic", "host": "attic"}]', "attic:10700", True),
        ("SERVER__HOST", "192.0.2.7", "192.0.2.7", True),
    ],
)
def test_every_door_to_the_outside_is_named(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    to: str,
    words: bool,
) -> None:
    monkeypatch.setenv(f"EDGEBOT_{variable}", value)
    said = CliRunner().invoke(cli, ["privacy", "report"]).output
    assert f"To {to}: " in said and "Nothing leaves" not in said
    assert ("; no words" in said) is not words
    assert "secret-path" not in said


def test_uploaded_documents_are_reported(settings: Settings) -> None:
    folder = settings.state_dir / "documents"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("hello")
    (uploads,) = [one for one in report(settings) if one.what == "uploads"]
    assert (uploads.entries, uploads.size_bytes) == (1, 5)


def test_wiping_asks_first(settings: Settings) -> None:
    fill(settings)
    done = CliRunner().invoke(cli, ["privacy", "wipe", "--memory"], input="n\n")
    assert done.exit_code != 0
    assert traces(settings)
    assert isinstance(CliRunner().invoke(cli, ["privacy", "wipe"]).exception, UsageError)
    done = CliRunner().invoke(cli, ["privacy", "wipe", "--all", "--yes"])
    assert done.exit_code == 0, done.output
    assert traces(settings) == []
