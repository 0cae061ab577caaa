"""Model files and the starter knowledge, fetched and read in by edgebot itself."""

from __future__ import annotations

from pathlib import Path

from edgebot.setup.console import Console, pass_through
from edgebot.setup.packages import python
from edgebot.setup.stamps import digest

SECOND_READING = "moonshine-tiny-en"
"""Reads dictation again where the first recogniser is unsure."""

WAKE_WORD = "microwakeword-okay-nabu"
"""The wake word of the default settings."""

TEST_MODELS = [
    "smollm2-135m-instruct-q4_1",
    "microwakeword-alexa",
    "openwakeword-alexa",
    "openwakeword-okay-nabu",
    "vosk-spk-0.4",
]
"""What the tests need beside the models of this machine's profile."""


def fingerprint(root: Path, goal: str) -> str:
    """Changes with the catalogue and the profiles."""
    profiles = sorted((root / "models" / "profiles").glob("*.yaml"))
    return digest(goal, root / "models" / "catalog.yaml", *profiles, WAKE_WORD, *TEST_MODELS)


def pull(root: Path, goal: str, console: Console) -> None:
    """Fetch and verify the models of the profile, and those only tests need."""
    edgebot = [python(root), "-m", "edgebot.cli", "models", "pull"]
    pass_through(edgebot)
    pass_through([*edgebot, SECOND_READING, WAKE_WORD])
    if goal == "dev":
        pass_through([*edgebot, *TEST_MODELS])


def knowledge_fingerprint(root: Path) -> str:
    """Changes with the starter documents."""
    files = sorted(path for path in (root / "knowledge").rglob("*") if path.is_file())
    return digest(*(str(path.relative_to(root)) for path in files), *files)


def learn(root: Path, console: Console) -> None:
    """Read the starter knowledge into the knowledge base."""
    pass_through([python(root), "-m", "edgebot.cli", "kb", "import", "--shipped"])


def sentences_fingerprint(root: Path) -> str:
    """Changes with the sentences and the code that makes classifier and grammar of them."""
    files = sorted(
        path for path in (root / "edgebot" / "nlu").rglob("*") if path.suffix in (".yaml", ".py")
    )
    return digest(*files)


def understand(root: Path, console: Console) -> None:
    """Train the assistant's own classifier and draw its speech grammar."""
    pass_through([python(root), "-m", "edgebot.cli", "nlu", "prepare"])
