"""The real model files: right on disk, and refused before an engine sees them when they are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings
from edgebot.core.errors import ModelCorrupt, ModelMissing
from edgebot.models.blobs import BlobCache
from edgebot.models.fetch import Fetcher
from edgebot.models.store import ModelStore
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

SMALL = "smollm2-135m-instruct-q4_1"


@pytest.mark.parametrize("stage", ["stt", "tts", "llm", "embedder", "vad", "turn"])
def test_model_of_every_stage_opens(assembly: Assembly, stage: str) -> None:
    installed = assembly.model(stage)
    assert installed.files
    assert all(path.exists() for path in installed.files.values())


def test_files_have_the_bytes_the_catalogue_promises(assembly: Assembly) -> None:
    for model_id in {*assembly.plan.needed(), SMALL}:
        assert assembly.store.verify(model_id, again=True) == []


@pytest.fixture
def spoiled(settings: Settings, assembly: Assembly, tmp_path: Path) -> Assembly:
    """Another store, whose language model lost its second half."""
    source = assembly.store.open(SMALL).files["model"]
    target = tmp_path / SMALL / "model.gguf"
    target.parent.mkdir()
    with source.open("rb") as whole, target.open("wb") as half:
        half.write(whole.read(source.stat().st_size // 2))
    environ = {
        "EDGEBOT_MODELS_DIR": str(tmp_path),
        "EDGEBOT_STATE_DIR": str(settings.state_dir),
        "EDGEBOT_LLM__MODEL": SMALL,
    }
    return Assembly(load_settings(None, environ))


def test_truncated_model_never_reaches_its_engine(spoiled: Assembly) -> None:
    with spoiled, pytest.raises(ModelCorrupt, match=f"edgebot models pull {SMALL}") as caught:
        spoiled.language_model()
    assert "model.gguf is corrupt" in str(caught.value)


def test_missing_model_names_the_command(spoiled: Assembly) -> None:
    with spoiled, pytest.raises(ModelMissing, match="edgebot models pull silero-vad"):
        spoiled.model("vad")


def test_profile_that_does_not_fit_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    foreign = "x86" if os.uname().machine == "aarch64" else "rpi5"
    code = (
        "import sys\n"
        "from edgebot.core.errors import ProfileUnfit\n"
        "from edgebot.config.loader import load_settings\n"
        "from edgebot.runtime.wiring import Assembly\n"
        "with Assembly(load_settings()) as assembly:\n"
        "    try:\n"
        "        assembly.language_model()\n"
        "    except ProfileUnfit as refusal:\n"
        "        assert 'llama_cpp' not in sys.modules\n"
        "        print(refusal)\n"
    )
    environ = {**os.environ, "EDGEBOT_PROFILE": foreign, "EDGEBOT_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"profile {foreign} ")


def test_second_store_fills_itself_from_the_cache(assembly: Assembly, tmp_path: Path) -> None:
    cache = BlobCache(paths.cache_dir() / "blobs")
    entry = assembly.catalog["silero-vad"]
    if not all(map(cache.has, entry.files)):
        pytest.skip("the cache was emptied since the models were fetched")

    def no_network(*_: object) -> Path:
        raise AssertionError("what is in the cache must not be fetched")

    store = ModelStore(tmp_path / "store", assembly.catalog)
    Fetcher(store, cache, pip=no_network, npm=no_network).pull([entry.id])
    assert store.state(entry.id) == "ready"
    shutil.rmtree(tmp_path / "store")
