"""The examples of docs/models.md and docs/profiles.md are taken as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from edgebot.config.hardware import detect
from edgebot.config.loader import load_settings
from edgebot.config.profiles import load_profiles
from edgebot.models.catalog import load_catalog
from edgebot.models.plan import make_plan
from tests.unit.config import boards

CATALOG = "models/catalog.yaml"


def example(root: Path, page: str, first_line: str, target: Path) -> Path:
    text = (root / "docs" / page).read_text()
    (block,) = re.findall(rf"^```yaml\n(# {re.escape(first_line)}\n.*?)^```", text, re.M | re.S)
    target.write_text(block)
    return target


def test_own_model(root: Path, tmp_path: Path) -> None:
    own = example(root, "models.md", "catalog.d/own.yaml", tmp_path / "own.yaml")
    chosen = example(root, "models.md", "edgebot.yaml", tmp_path / "edgebot.yaml")
    settings = load_settings(chosen, {})
    assert settings.tts.model in load_catalog([root / CATALOG, own])


def test_own_profile(root: Path, tmp_path: Path) -> None:
    own = example(root, "profiles.md", "profiles.d/kiosk.yaml", tmp_path / "kiosk.yaml")
    profiles = load_profiles([*(root / "models" / "profiles").glob("*.yaml"), own])
    capture = boards.MINI_PC | {"sys/class/dmi/id/product_name": "OptiPlex 7010\n"}
    hardware = detect(boards.unpack(capture, tmp_path / "board"), "x86_64")
    choice = profiles.choose("auto", hardware)
    assert choice.profile.name == "kiosk"
    settings = load_settings(None, {}, choice.profile.settings_on(hardware))
    assert settings.llm.context_tokens == 1024
    plan = make_plan(choice.profile, load_catalog([root / CATALOG]), settings, hardware)
    assert plan.model("llm").id == "smollm2-135m-instruct-q4_1"


def test_every_profile_and_model_is_described(root: Path) -> None:
    profiles = (root / "docs" / "profiles.md").read_text()
    for path in (root / "models" / "profiles").glob("*.yaml"):
        assert f"`{path.stem}`" in profiles
    models = (root / "docs" / "models.md").read_text()
    for entry in load_catalog([root / CATALOG]):
        family = re.sub(r"^(micro|open)wakeword-.*", r"\1wakeword-…", entry.id)
        assert f"`{family}`" in models
