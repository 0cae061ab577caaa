"""Settings from file, profile and variables; every mistake at once, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgebot.config import loader
from edgebot.config.loader import UnknownProfile, WrongSettings, known_keys, load, load_settings
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def to_file(text: str) -> Path:
        path = tmp_path / "edgebot.yaml"
        path.write_text(text)
        return path

    return to_file


def mistakes(file: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        load_settings(file, environ or {})
    return [str(mistake) for mistake in caught.value.mistakes]


def test_defaults_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loader, "LOCATIONS", (Path("edgebot.yaml"),))
    assert load_settings(None, {}).llm.context_tokens == 2048


def test_order_default_profile_file_variable(write: Any) -> None:
    path = write("llm: {context_tokens: 1024, max_reply_tokens: 50}\n")
    profile = {
        "llm": {"context_tokens": 512, "max_reply_tokens": 20, "seed": 3},
        "units": "imperial",
    }
    loaded = load(path, {"EDGEBOT_LLM__MAX_REPLY_TOKENS": "70"}, profile)
    llm = loaded.settings.llm
    assert (llm.context_tokens, llm.max_reply_tokens, llm.seed) == (1024, 70, 3)
    assert loaded.settings.units == "imperial"
    origins = {key: loaded.origin(key) for key, _ in loaded.values()}
    assert origins[("llm", "context_tokens")] == f"{path}:1"
    assert origins[("llm", "max_reply_tokens")] == "EDGEBOT_LLM__MAX_REPLY_TOKENS"
    assert origins[("llm", "seed")] == "profile"
    assert origins[("tts", "speed")] == "default"


def test_settings_are_frozen(write: Any) -> None:
    found = load_settings(write("language: en\n"), {})
    with pytest.raises(Exception, match="frozen"):
        found.language = "de"  # type: ignore[misc]


def test_every_mistake_at_once_with_file_and_line(write: Any) -> None:
    path = write("lenguage: de\nllm:\n  context_tokens: 7\n  sead: 1\ntts: {speed: 9}\n")
    assert mistakes(path) == [
        f"{path}:1: lenguage: unknown key; did you mean 'language'?",
        f"{path}:3: llm.context_tokens: input should be greater than or equal to 256 (found '7')",
        f"{path}:4: llm.sead: unknown key; did you mean 'seed'?",
        f"{path}:5: tts.speed: input should be less than or equal to 2 (found '9')",
    ]


def test_mistakes_of_files_and_variables_together(write: Any) -> None:
    path = write("units: furlongs\nunits: metric\n")
    found = mistakes(path, {"EDGEBOT_LLM__SEED": "-1", "EDGEBOT_LANGAUGE": "de"})
    assert len(found) == 3
    assert any(line.startswith(f"{path}:2: units: given in line 1 too") for line in found)
    assert any(line.startswith("EDGEBOT_LLM__SEED: llm.seed: ") for line in found)
    assert "EDGEBOT_LANGAUGE: no such setting; did you mean 'language'?" in found


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "NaN", "1e999"])
def test_numbers_are_finite(write: Any, number: str) -> None:
    assert len(mistakes(write(f"tts: {{speed: {number}}}\n"))) == 1
    assert len(mistakes(None, {"EDGEBOT_TTS__SPEED": number})) == 1


def test_section_that_is_no_section(write: Any) -> None:
    assert mistakes(write("llm: 5\n"))[0].endswith("(found '5')")


@pytest.mark.parametrize(
    "environ",
    [
        {"EDGEBOT_LLM": "5", "EDGEBOT_LLM__SEED": "1"},
        {"EDGEBOT_LLM__SEED": "1", "EDGEBOT_LLM__SEED__MORE": "2"},
        {"EDGEBOT_LLM__": "1"},
        {"EDGEBOT_": "1", "EDGEBOT___": "2", "EDGEBOT_LLM__SEED": "x"},
    ],
)
def test_variables_that_contradict_one_another(environ: dict[str, str]) -> None:
    assert mistakes(None, environ)


def test_variables_take_what_the_file_takes() -> None:
    environ = {
        "EDGEBOT_LLM__SEED": "7",
        "EDGEBOT_TTS": "{speed: 1.5, volume: 0.5}",
        "EDGEBOT_STATE_DIR": "/srv/5",
        "EDGEBOT_MODELS_DIR": "007",
        "EDGEBOT_LANGUAGE": "no",
        "EDGEBOT_STT__MODEL": "",
        "EDGEBOT_SOMETHING_ELSE": "of another program",
        "UNRELATED": "x",
    }
    found = load_settings(None, environ)
    assert (found.llm.seed, found.tts.speed, found.tts.volume) == (7, 1.5, 0.5)
    assert found.state_dir == Path("/srv/5")
    assert found.models_dir == Path("007")
    assert found.language == "no"
    assert found.stt.model is None


def test_bomb_in_a_variable_is_plain_text() -> None:
    assert mistakes(None, {"EDGEBOT_UNITS": "[&a x, *a, *a]"})
    assert mistakes(None, {"EDGEBOT_UNITS": "[" * 9_000})
    assert mistakes(None, {"EDGEBOT_UNITS": "x" * 10_001}) == [
        "EDGEBOT_UNITS: longer than 10000 characters"
    ]


def test_undecodable_variable_can_be_shown() -> None:
    lines = mistakes(None, {"EDGEBOT_UNITS": "\udcff\udcfe"})
    assert lines
    for line in lines:
        line.encode("utf-8")


def test_directories_may_be_at_home(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    found = load_settings(write("state_dir: ~/edgebot\n"), {})
    assert found.state_dir == Path("/home/anna/edgebot")
    assert "must name a directory" in mistakes(write("state_dir: ''\n"))[0]


def test_time_zone_must_exist(write: Any) -> None:
    assert load_settings(write("time_zone: Europe/Berlin\n"), {}).time_zone == "Europe/Berlin"
    assert "IANA" in mistakes(write("time_zone: Europe/Atlantis\n"))[0]


def test_profile_is_asked_with_the_name_that_was_written(write: Any) -> None:
    asked = []

    def profile(name: str, models_dir: Path) -> dict[str, Any]:
        asked.append((name, models_dir))
        return {"llm": {"seed": 5}}

    path = write("profile: rpi4\nmodels_dir: /srv/models\n")
    assert load_settings(path, {"EDGEBOT_PROFILE": "rpi5"}, profile).llm.seed == 5
    assert asked == [("rpi5", Path("/srv/models"))]


def test_unknown_profile_is_a_mistake_among_others(write: Any) -> None:
    def profile(name: str, models_dir: Path) -> dict[str, Any]:
        raise UnknownProfile("no profile is called 'pi'")

    path = write("units: furlongs\nprofile: pi\n")
    with pytest.raises(WrongSettings) as caught:
        load_settings(path, {}, profile)
    assert [mistake.where for mistake in caught.value.mistakes] == [f"{path}:1", f"{path}:2"]


def test_mistake_in_a_profile_names_the_profile() -> None:
    with pytest.raises(WrongSettings, match=r"profile: llm\.sead: unknown key"):
        load_settings(None, {}, {"llm": {"sead": 1}})


def test_file_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_settings(tmp_path, {})
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "absent.yaml", {})


def test_known_keys() -> None:
    assert "seed" in known_keys(("llm",))
    assert known_keys(("llm", "seed")) == known_keys(("nowhere",)) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from([*Settings.model_fields, "lenguage", "", "0"]) | st.text(max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(names, anything, max_size=5))
def test_any_mapping_gives_settings_or_named_mistakes(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    path = tmp_path / "edgebot.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    try:
        found = load_settings(path, {})
    except WrongSettings as error:
        assert error.mistakes
        assert all(mistake.where.startswith(str(path)) for mistake in error.mistakes)
    else:
        assert isinstance(found, Settings)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_settings_or_a_clear_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "edgebot.yaml"
    path.write_bytes(content)
    try:
        load_settings(path, {})
    except ConfigError as error:
        assert str(path) in str(error)


variables = st.dictionaries(
    st.builds(
        "EDGEBOT_{}".format,
        st.sampled_from(
            [name.upper() for name in Settings.model_fields] + ["LLM__SEED", "TTS__SPEED"]
        )
        | st.text(alphabet="ABLMST_", max_size=12),
    ),
    st.text(st.characters(exclude_characters="\0"), max_size=40),
    max_size=4,
)


@settings(deadline=None)
@given(variables)
def test_any_variables_give_settings_or_named_mistakes(environ: dict[str, str]) -> None:
    try:
        load_settings(None, environ)
    except WrongSettings as error:
        assert all(mistake.where in environ for mistake in error.mistakes)
