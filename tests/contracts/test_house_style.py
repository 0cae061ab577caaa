"""Rules that a reader relies on and a linter does not know."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "edgebot").rglob("*.py"))


@pytest.mark.parametrize("file", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_print_outside_the_command_line(file: Path) -> None:
    if file.parent.name in ("cli", "setup"):
        return
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not calls


@pytest.mark.parametrize("file", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_fit_on_a_few_screens(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 320


@pytest.mark.parametrize("word", ["Manager", "Handler", "Utils", "Helper"])
def test_names_are_the_fields_own(word: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: {node.name}"
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith(word)
    ]
    assert not wrong


def test_committed_text_names_no_machine() -> None:
    """No absolute path of a developer's machine and no registry host in what is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    forbidden = re.compile(
        "/"
        + r"work/(main|shared)|/"
        + r"tmp/w/|pypi\."
        + r"org|registry\."
        + r"npmjs|python"
        + "hosted"
    )
    wrong = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if not name or not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if found := forbidden.search(text):
            wrong.append(f"{name}: {found[0]}")
    assert not wrong
