"""What was built goes into bundles, and a board believes it for the key that came along."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest
import yaml

from edgebot.config.loader import load_settings
from edgebot.config.profiles import Profile, load_profiles, profile_files
from edgebot.config.settings import Settings
from edgebot.core.errors import ModelCorrupt, Untrusted
from edgebot.deploy import bundle_builds, bundle_contents
from edgebot.models.catalog import Catalog, catalog_files, load_catalog
from edgebot.models.store import Installed, ModelStore
from edgebot.nlg.llama import LlamaEngine
from edgebot.runtime import checks
from edgebot.runtime.checks import Check
from edgebot.runtime.wiring import Assembly
from tests.unit.build.test_build_verb import call, lay_out, live_in

SOURCE = "smollm2-135m-instruct-q4_1"


def store_at(models: Path) -> ModelStore:
    return ModelStore(models, load_catalog(catalog_files(models)))


def profile(**changes: object) -> Profile:
    named = next(p for p in load_profiles(profile_files(Path("/nowhere"))) if p.name == "rpi4")
    return named.model_copy(update=changes)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    lay_out(tmp_path)
    live_in(tmp_path, monkeypatch)
    assert call("--recipe", "small.yaml") == 0
    return store_at(tmp_path / "models").open("small")


def board(folder: Path, installed: Installed) -> Path:
    """The part of a release that is models, as a board has it."""
    files = {f.entry.path: f.source.read_bytes() for f in bundle_contents.model_files(installed)}
    for path, content in {**files, **bundle_builds.told([installed])}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder / "models"


def test_a_board_opens_a_build_that_came_in_a_bundle(built: Installed, tmp_path: Path) -> None:
    models = board(tmp_path / "release", built)
    assert b"bundle it came in" in (models / "catalog.d" / "small.yaml").read_bytes()
    assert str(tmp_path).encode() not in (models / "catalog.d" / "small.yaml").read_bytes()
    found = store_at(models).open("small")
    engine = LlamaEngine(found.files["model"], model_id=found.id, context_tokens=128, threads=1)
    engine.close()


def test_without_its_key_a_board_refuses_it(built: Installed, tmp_path: Path) -> None:
    models = board(tmp_path / "release", built)
    for key in (models / "keys.d").iterdir():
        key.unlink()
    with pytest.raises(Untrusted, match="not trusted here"):
        store_at(models).open("small")


def test_a_board_refuses_what_was_changed_on_the_way(built: Installed, tmp_path: Path) -> None:
    models = board(tmp_path / "release", built)
    with (models / "small" / "model.gguf").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff\x00")
    with pytest.raises(ModelCorrupt):
        store_at(models).open("small")


def test_a_build_takes_the_place_of_its_source(built: Installed) -> None:
    catalog = store_at(built.dir.parent).catalog

    def chosen(builds: dict[str, str], catalog: Catalog = catalog) -> list[str]:
        models = bundle_contents.models_for(profile(builds=builds), Settings(), catalog)
        return [entry.id for entry in models]

    assert "small" in chosen({SOURCE: "small"}) and SOURCE not in chosen({SOURCE: "small"})
    assert SOURCE in chosen({SOURCE: "never-built"})
    assert SOURCE in chosen({})


def test_the_doctor_says_what_a_build_is_made_for(built: Installed) -> None:
    models = built.dir.parent
    shipped = next(p for p in profile_files(Path("/nowhere")) if p.stem == "x86")
    mine = yaml.safe_load(shipped.read_text())
    mine["requires"] = {"memory_mb": 0}
    mine["match"] = {"arch": [platform.machine()]}
    mine["models"]["llm"] = [SOURCE]
    mine["builds"] = {SOURCE: "small"}
    (models / "profiles.d").mkdir()
    (models / "profiles.d" / "mine.yaml").write_text(yaml.safe_dump(mine))

    def said() -> Check:
        with Assembly(load_settings(None, {"EDGEBOT_PROFILE": "mine"})) as assembly:
            return next(c for c in checks.builds(assembly) if c.name == "build small")

    assert (said().status, said().message) == ("ok", "is used; made for any")
    manifest = built.dir / "manifest.json"
    told = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**told, "requires_cpu": ["warp"]}))
    assert said().status == "warn" and "with warp, which this one lacks" in said().message


def test_models_that_are_no_builds_bring_nothing(built: Installed) -> None:
    plain = built.entry.model_copy(update={"files": built.entry.files[:0]})
    assert bundle_builds.told([Installed(plain, built.dir, {})]) == {}
