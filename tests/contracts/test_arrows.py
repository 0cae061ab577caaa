"""The import arrows of docs/architecture.md hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "edgebot"

MAY_IMPORT = {
    "core": set(),
    "setup": set(),
    "config": {"core"},
    "models": {"core", "config"},
    "audio": {"core"},
    "panel": {"core"},
    "vad": {"core", "models"},
    "wake": {"core", "models"},
    "stt": {"core", "models"},
    "tts": {"core", "models"},
    "embed": {"core", "models"},
    "nlu": {"core", "models"},
    "knowledge": {"core", "models"},
    "nlg": {"core", "models"},
    "dialogue": {"core"},
}
"""Rooms below ``runtime``; each may of course import itself."""

ABOVE = {"runtime", "server", "build", "deploy", "cli"}
WIRING = {"wiring.py", "language.py", "probes.py", "ears.py"}
"""The wiring and the pieces of it: language models, hearing."""

ENGINES = {"stt", "tts", "embed", "nlg", "vad", "wake"}


def imports(file: Path) -> set[str]:
    """Dotted names that ``file`` imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms() -> list[str]:
    return sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file())


def test_every_room_has_its_arrows() -> None:
    assert set(rooms()) <= set(MAY_IMPORT) | ABOVE


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_arrows_point_at_core(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (PACKAGE / room).rglob("*.py")
        for name in imports(file)
        if name.startswith("edgebot.")
        and name.split(".")[1] not in allowed
        and name != "edgebot.__version__"
    ]
    assert not wrong


def test_core_needs_only_numpy() -> None:
    import sys

    known = set(sys.stdlib_module_names) | {"numpy", "edgebot", "__future__"}
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (PACKAGE / "core").rglob("*.py")
        for name in imports(file)
        if name.split(".")[0] not in known
    ]
    assert not wrong


def test_set_up_needs_only_the_standard_library() -> None:
    import sys

    known = set(sys.stdlib_module_names) | {"edgebot", "__future__"}
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (PACKAGE / "setup").rglob("*.py")
        for name in imports(file)
        if name.split(".")[0] not in known
    ]
    assert not wrong


def test_only_wiring_names_engines() -> None:
    """Runtime and the command line see ports; the files that wire are the one exception."""
    wrong = []
    for room in ("runtime", "cli", "server"):
        for file in (PACKAGE / room).rglob("*.py"):
            if room == "runtime" and file.name in WIRING:
                continue
            wrong += [
                f"{file.relative_to(ROOT)} imports {name}"
                for name in imports(file)
                if any(name.startswith(f"edgebot.{engine}.") for engine in ENGINES)
            ]
    assert not wrong
