"""Fixtures every test may use: real data, real engines, a home of its own."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings
from edgebot.core.errors import ModelError
from edgebot.runtime.wiring import Assembly

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real speech, intents and questions, kept beside the checkout."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("no real data beside the checkout (../shared/data)")
    return path


@pytest.fixture(scope="session")
def state_with_knowledge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory in which the starter documents are imported already; copy from it.

    Reading them in takes a while, and every session that starts afresh would pay for it again.
    """
    state = tmp_path_factory.mktemp("knowledge")
    with contextlib.suppress(ModelError), Assembly(_settings(state)) as wired:
        wired.knowledge()
    return state


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path) -> Settings:
    """Settings of this machine with a state directory of the tests' own and the small model."""
    state = tmp_path_factory.mktemp("state")
    shutil.copytree(state_with_knowledge, state, dirs_exist_ok=True)
    return _settings(state)


def _settings(state: Path) -> Settings:
    environ = {
        "EDGEBOT_STATE_DIR": str(state),
        "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
        "EDGEBOT_LLM__SEED": "1",
        "EDGEBOT_TIME_ZONE": "Europe/Berlin",
    }
    return load_settings(None, environ)


@pytest.fixture(scope="session")
def assembly(settings: Settings) -> Iterator[Assembly]:
    """The real engines; tests that need one whose model is absent say so and skip."""
    with Assembly(settings) as wired:
        yield wired


BY_CHANCE = ("tests/e2e/", "tests/engines/")
"""Here a voice says things a little differently each time, and sound devices run in real time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What depends on chance gets a second try, which the summary shows; nothing else does."""
    for item in items:
        if item.nodeid.startswith(BY_CHANCE):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Leave failures as they are; only note for tests marked ``engines`` that a model is absent."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    missing = call.excinfo is not None and isinstance(call.excinfo.value, ModelError)
    if missing and report.failed and item.get_closest_marker("engines"):
        report.sections.append(("next step", "run `make setup-dev` to fetch the models"))
