"""What is said about edgebot is true of edgebot: verbs, options, settings, profiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from edgebot.cli.main import VERBS, cli
from edgebot.config.loader import known_keys, load_settings
from edgebot.config.settings import Settings

KNOWN_UNITS = {"metric", "imperial"}


def _texts(knowledge: Path):
    for path in sorted((knowledge / "edgebot").iterdir()):
        yield path, path.read_text(encoding="utf-8")
    yield knowledge / "README.md", (knowledge / "README.md").read_text(encoding="utf-8")


def _calls(knowledge: Path):
    """Every call that is shown as one: in back-ticks, or after "run" in an answer."""
    for path, text in _texts(knowledge):
        for call in re.findall(r"`edgebot ([a-z][^`]*)`", text):
            yield path, call.split()
        for call in re.findall(
            r"(?:[Rr]un|[Ww]ith|but|or|then|and) edgebot ([a-z]+(?: [a-z]+)?)", text
        ):
            yield path, call.split()
        for call in re.findall(
            r"^    a: Edgebot ([a-z]+ [a-z]+)|\. Edgebot ([a-z]+ [a-z]+)", text, re.M
        ):
            yield path, (call[0] or call[1]).split()


def test_every_verb_that_is_named_exists(knowledge):
    not_calls = {
        "with",
        "finds",
        "itself",
        "is",
        "was",
        "runs",
        "found",
        "costs",
        "writes",
        "first",
    }
    named = {(path.name, call[0]) for path, call in _calls(knowledge) if call[0] not in not_calls}
    assert len({verb for _, verb in named}) >= 12
    assert {(name, verb) for name, verb in named if verb not in VERBS} == set()


def test_every_subcommand_that_is_named_exists(knowledge):
    import click

    groups = {}
    for verb in ("kb", "models", "config", "intents", "nlu"):
        command = cli.get_command(click.Context(cli), verb)
        assert isinstance(command, click.Group), verb
        groups[verb] = set(command.commands)
    checked = 0
    for path, call in _calls(knowledge):
        if call[0] in groups and len(call) > 1:
            assert call[1] in groups[call[0]], (path.name, call)
            checked += 1
    assert checked >= 30


def test_every_option_that_is_shown_exists(knowledge):
    import click

    for path, call in _calls(knowledge):
        if call[0] not in VERBS:
            continue
        command = cli.get_command(click.Context(cli), call[0])
        if isinstance(command, click.Group) and len(call) > 1:
            command = command.commands.get(call[1], command)
        known = {opt for param in command.params for opt in param.opts}
        for option in re.findall(r"(?<!\S)--[a-z-]+", " ".join(call)):
            assert option in known, (path.name, call)


def test_every_setting_that_is_named_exists(knowledge):
    names = set()
    for _, text in _texts(knowledge):
        names |= set(re.findall(r"\b((?:tts|stt|llm|dialogue|knowledge|nlu)\.[a-z_]+)\b", text))
        names |= set(re.findall(r"Set ([a-z_]+(?:\.[a-z_]+)?) in edgebot\.yaml", text))
        for variable in re.findall(r"EDGEBOT_([A-Z]+__[A-Z_]+)", text):
            names.add(variable.lower().replace("__", "."))
    assert len(names) >= 8
    for name in names:
        *section, key = name.split(".")
        assert key in known_keys(tuple(section)), name


def test_settings_examples_load(knowledge, tmp_path):
    loaded = 0
    for path, text in _texts(knowledge):
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
            if "pairs:" in block:
                continue
            file = tmp_path / "edgebot.yaml"
            file.write_text(block, encoding="utf-8")
            assert isinstance(load_settings(file, {}), Settings), path
            loaded += 1
    assert loaded >= 1


def test_defaults_that_are_named_are_the_defaults(answers):
    settings = load_settings(None, {"EDGEBOT_STATE_DIR": "/nowhere"})
    assert (
        f"last {settings.dialogue.keep_turns} turns"
        in (answers("edgebot/privacy.yaml")["Do you keep a log of my questions"])
    )
    assert settings.dialogue.keep_words is False
    assert settings.tts.speed == 1.0


def test_a_wake_word_is_denied_only_while_there_is_no_daemon(answers):
    said = answers("edgebot/privacy.yaml")
    denied = "no wake word" in said["What is the wake word"]
    assert denied == ("run" not in VERBS)
    assert ("does not listen to the room" in said["Are you always listening"]) == denied


def test_the_profiles_are_those_that_are_shipped(root, answers):
    said = answers("edgebot/settings.yaml")["Which profiles are there"]
    shipped = {path.stem for path in (root / "models" / "profiles").glob("*.yaml")}
    if not shipped:
        pytest.skip("no profiles yet")
    assert set(re.findall(r"[a-z]+[a-z0-9-]*\d[a-z0-9-]*|jetson-[a-z-]+", said)) == shipped


def test_formats_that_are_named_can_be_read(answers):
    from edgebot.knowledge.readers import FORMATS

    said = answers("edgebot/settings.yaml")["Which document formats can you read"]
    for word, ending in (("Markdown", ".md"), ("plain text", ".txt"), ("HTML", ".html"),
                         ("CSV", ".csv"), ("YAML", ".yaml"), ("PDF", ".pdf")):  # fmt: skip
        assert word in said and ending in FORMATS


def test_the_example_of_the_folder_page_is_a_pair_file(knowledge):
    from edgebot.knowledge.readers.pairs import read_pairs

    text = (knowledge / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    assert yaml.safe_load(block)["title"] == "Our house"
    assert len(read_pairs(block.encode(), "house").pairs[0].questions) == 2
