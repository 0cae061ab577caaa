"""Every verb, option and setting is documented; the documents name nothing that is not there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from pydantic import BaseModel

from edgebot.cli.main import VERBS, cli
from edgebot.cli.reference import commands, pages
from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = ROOT / "docs" / "command-line.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"


COMMANDS = dict(commands(cli))


def settings_keys(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings_keys(kind, f"{path}{name}.")
        else:
            yield f"{path}{name}", field.description or ""


KEYS = dict(settings_keys(Settings))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_command_is_documented(path: tuple[str, ...]) -> None:
    text = COMMAND_LINE.read_text()
    assert f"edgebot {' '.join(path)}" in text
    for parameter in COMMANDS[path].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            longest = max(parameter.opts, key=len)
            assert longest in text, f"{longest} of {' '.join(path)} is not in {COMMAND_LINE.name}"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_command_has_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} has no help"


def test_verbs_have_one_line_help() -> None:
    assert all(text.endswith(".") and len(text) < 80 for _, text in VERBS.values())


@pytest.mark.parametrize("key", KEYS)
def test_setting_is_documented(key: str) -> None:
    assert KEYS[key], f"{key} has no docstring at its field"
    assert f"`{key}`" in CONFIGURATION.read_text()


def test_configuration_page_names_only_known_keys() -> None:
    named = set(re.findall(r"^\| `([a-z_.]+)` \|", CONFIGURATION.read_text(), re.MULTILINE))
    assert named == set(KEYS)


def test_generated_parts_are_of_today() -> None:
    for path, page in pages(ROOT / "docs").items():
        assert path.read_text() == page, f"{path.name}: run `make docs`"


def fenced(kind: str) -> list[tuple[str, str]]:
    blocks = []
    for file in DOCS:
        for block in re.findall(rf"^```{kind}\n(.*?)^```", file.read_text(), re.M | re.S):
            blocks.append((file.name, block))
    return blocks


@pytest.mark.parametrize(("file", "block"), fenced("yaml"))
def test_yaml_examples_load(file: str, block: str, tmp_path: Path) -> None:
    loaded = yaml.safe_load(block)
    if block.startswith("# edgebot.yaml"):
        example = tmp_path / "edgebot.yaml"
        example.write_text(block)
        load_settings(example, {})
    assert loaded is not None


@pytest.mark.parametrize(("file", "block"), fenced("(?:sh|console)"))
def test_shell_examples_name_real_verbs(file: str, block: str) -> None:
    for line in block.splitlines():
        line = line.removeprefix("$ ")
        if not line.startswith("edgebot "):
            continue
        words = shlex.split(line, comments=True)[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words:
            word = words.pop(0)
            if word.startswith("-"):
                continue
            inner = command.get_command(click.Context(command), word)
            assert inner is not None, f"{file}: no verb {word!r} in: {line}"
            command = inner
        known = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{file}: {word} in: {line}"


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in DOCS:
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", file.read_text(), re.MULTILINE):
            assert target in targets, f"{file.name}: make {target}"


def test_links_between_documents_lead_somewhere() -> None:
    for file in DOCS:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
            assert (file.parent / link).exists(), f"{file.name}: {link}"
