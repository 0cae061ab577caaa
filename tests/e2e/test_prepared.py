"""What a bundle brings worked out is what a board uses: it trains, draws and encodes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.deploy import bundle_contents as contents
from edgebot.deploy import preparing
from edgebot.deploy.bundle_order import Order
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore

pytestmark = pytest.mark.engines

ROOT = Path(__file__).resolve().parents[2]
QUESTION = ROOT / "edgebot/deploy/board/question.wav"
LLM = "smollm2-135m-instruct-q4_1"
SETTINGS = f"""\
profile: x86
llm: {{model: {LLM}, context_tokens: 1024}}
threads: {{llm: 1, tts: 1, embed: 1, vad: 1}}
"""


class Installed:
    """edgebot as it lies in a release, with a state and a cache of its own."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.cache, self.state = folder / "cache", folder / "state"
        self._settings = folder / "edgebot.yaml"
        self._settings.write_text(SETTINGS)
        mine = {name: value for name, value in os.environ.items() if "EDGEBOT" not in name}
        self._environ = mine | {
            "PYTHONPATH": str(site),
            "EDGEBOT_CACHE_DIR": str(self.cache),
            "EDGEBOT_STATE_DIR": str(self.state),
            "EDGEBOT_MODELS_DIR": str(paths.models_dir()),
        }

    def call(self, *words: str | Path) -> dict[str, object]:
        """One command of it; its last line of JSON."""
        command = [sys.executable, "-P", "-m", "edgebot.cli", "--config", self._settings, *words]
        done = subprocess.run(
            [*map(str, command), "--json"],
            env=self._environ, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a bundle has it, and beside it what was worked out."""
    folder = tmp_path_factory.mktemp("release")
    settings = folder / "edgebot.yaml"
    settings.write_text(SETTINGS)
    store = ModelStore(paths.models_dir(), load_catalog(catalog_files(paths.models_dir())))
    models = [store.open(name) for name in (LLM, "minilm-l6-v2-int8")]
    profile = preparing.profile_named("x86", paths.models_dir())
    order = Order(profile, "x86_64", "3.11", settings, models, False, 1)
    package = folder / "site" / "edgebot"
    contents.stage_package(package.parent)
    ready = preparing.prepared(order, settings.read_bytes(), package, paths.cache_dir(), print)
    shutil.copytree(ready, package / "_share" / "prepared")
    return package.parent


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs the profile x86")
def test_a_first_start_makes_nothing_that_was_prepared(site: Path, tmp_path: Path) -> None:
    one = Installed(tmp_path, site)
    answer = one.call("turn", QUESTION, "--out", tmp_path / "reply.wav")
    assert "35.27" in str(answer["reply"])
    told = one.call("ask", "tell me something nice about dogs")
    assert told["reply"]
    found = one.call("kb", "stats")
    assert int(str(found["passages"])) > 500
    made = {path.name for path in one.cache.iterdir()} if one.cache.is_dir() else set()
    assert not made & set(preparing.FOLDERS), made


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="needs the profile x86")
def test_without_it_the_same_is_made_on_the_board(site: Path, tmp_path: Path) -> None:
    bare = tmp_path / "site"
    shutil.copytree(site, bare)
    shutil.rmtree(bare / "edgebot/_share/prepared/grammar")
    one = Installed(tmp_path, bare)
    assert "35.27" in str(one.call("turn", QUESTION, "--out", tmp_path / "r.wav")["reply"])
    assert list((one.cache / "grammar").iterdir())
    assert not (one.cache / "classifiers").exists()
