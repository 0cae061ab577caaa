"""Preference lists are walked to what the memory carries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.config.hardware import Hardware, detect
from edgebot.config.profiles import Profiles, load_profiles
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, ProfileUnfit
from edgebot.models.catalog import Catalog, load_catalog
from edgebot.models.plan import BASE_MB, Plan, make_plan, unbuilt
from tests.unit.config import boards

SHIPPED = paths.share_dir("models")
SMALL, LARGE = "smollm2-135m-instruct-q4_1", "qwen2.5-coder-0.5b-instruct-q4_k_m"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog([SHIPPED / "catalog.yaml"])


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    return load_profiles(sorted((SHIPPED / "profiles").glob("*.yaml")))


@pytest.fixture
def pc(tmp_path: Path) -> Hardware:
    return detect(boards.unpack(boards.MINI_PC, tmp_path), "x86_64")


def plan_for(
    hardware: Hardware, catalog: Catalog, profiles: Profiles, name: str = "auto", **written: object
) -> Plan:
    """The plan of a machine, with the settings its profile means for it."""
    profile = profiles.choose(name, hardware).profile
    settings = Settings.model_validate(profile.settings_on(hardware) | written)
    return make_plan(profile, catalog, settings, hardware)


def board(capture: boards.Capture, root: Path) -> Hardware:
    return detect(boards.unpack(capture, root), "aarch64")


@pytest.mark.parametrize(
    ("capture", "model"),
    [
        (boards.PI_4, SMALL),
        (boards.PI_5, LARGE),
        (boards.ORIN_NANO, LARGE),
        (boards.UNKNOWN_BOARD, LARGE),
        (boards.ZERO_2, SMALL),
    ],
)
def test_board_gets_its_language_model(
    capture: boards.Capture, model: str, tmp_path: Path, catalog: Catalog, profiles: Profiles
) -> None:
    plan = plan_for(board(capture, tmp_path), catalog, profiles)
    assert plan.model("llm").id == model
    assert plan.memory_mb <= plan.budget_mb


def test_pc_gets_everything(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    plan = plan_for(pc, catalog, profiles)
    assert all(pick.entry for pick in plan.picks.values())
    assert plan.model("llm").id == LARGE
    assert plan.needed() == [
        "vosk-en-zamia",
        "piper-en-us-joe-medium",
        "silero-vad",
        "smart-turn-v3.2",
        LARGE,
        "minilm-l6-v2-int8",
    ]


def test_list_is_walked_when_memory_is_short(
    pc: Hardware, catalog: Catalog, profiles: Profiles
) -> None:
    busy = replace(pc, available_mb=950, swap_mb=0)
    plan = plan_for(busy, catalog, profiles)
    assert plan.model("llm").id == SMALL
    assert LARGE in plan.picks["llm"].reason
    assert plan.memory_mb <= 950


def test_optional_stages_go_first(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    full = plan_for(pc, catalog, profiles).memory_mb
    plan = plan_for(replace(pc, available_mb=full - 1, swap_mb=0), catalog, profiles)
    assert plan.model("llm").id == LARGE
    left_out = [pick.stage for pick in plan.picks.values() if pick.entry is None]
    assert left_out and set(left_out) <= {"wake", "stt_second", "speaker"}
    with pytest.raises(ProfileUnfit, match=f"{left_out[0]} is left out on this machine"):
        plan.model(left_out[0])


def test_refusal_has_figures(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    full = replace(pc, available_mb=300, swap_mb=17)
    with pytest.raises(ProfileUnfit) as caught:
        plan_for(full, catalog, profiles)
    said = str(caught.value)
    assert "300 MB are free and 17 MB are swap" in said
    assert f"program {BASE_MB}" in said
    assert caught.value.exit_code == 78


def test_ceiling_of_the_profile_counts(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    profile = profiles.choose("x86", pc).profile.model_copy(update={"memory_ceiling_mb": 900})
    plan = make_plan(profile, catalog, Settings(), pc)
    assert plan.budget_mb == 900
    assert plan.model("llm").id == SMALL
    tight = profile.model_copy(update={"memory_ceiling_mb": 400})
    with pytest.raises(ProfileUnfit, match="the profile's ceiling is 400 MB"):
        make_plan(tight, catalog, Settings(), pc)


def test_zero_2_without_swap_is_refused(
    tmp_path: Path, catalog: Catalog, profiles: Profiles
) -> None:
    with pytest.raises(ProfileUnfit, match=r"add swap \(zram\)"):
        plan_for(board(boards.ZERO_2_WITHOUT_SWAP, tmp_path), catalog, profiles)


def test_context_costs_memory(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    need = [
        plan_for(pc, catalog, profiles, llm={"context_tokens": tokens}).picks["llm"].memory_mb
        for tokens in (1024, 2048, 4096)
    ]
    assert need[1] - need[0] == 12 and need[2] - need[1] == 24


def test_named_model_is_taken(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    plan = plan_for(pc, catalog, profiles, llm={"model": SMALL})
    assert plan.model("llm").id == SMALL
    assert plan.picks["llm"].reason == "named in the settings"


def test_named_model_is_never_replaced(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    busy = replace(pc, available_mb=950, swap_mb=0)
    with pytest.raises(ProfileUnfit, match=LARGE):
        plan_for(busy, catalog, profiles, llm={"model": LARGE})


def test_named_model_of_another_kind(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    with pytest.raises(ConfigError, match="is a model for vad, not for llm"):
        plan_for(pc, catalog, profiles, llm={"model": "silero-vad"})


def test_unknown_model_in_the_settings(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    with pytest.raises(ConfigError, match="did you mean 'silero-vad'"):
        plan_for(pc, catalog, profiles, tts={"model": "silero-vat"})


def test_language_chooses_among_recognisers(
    pc: Hardware, catalog: Catalog, profiles: Profiles
) -> None:
    plan = plan_for(pc, catalog, profiles, language="ko")
    assert plan.model("stt").id == "vosk-small-ko"


def test_language_nobody_speaks(pc: Hardware, catalog: Catalog, profiles: Profiles) -> None:
    plan = plan_for(pc, catalog, profiles, language="fi")
    assert plan.model("llm").id == LARGE, "what is typed needs no recogniser"
    with pytest.raises(ProfileUnfit, match=r"no model of it for language 'fi'; .* stt\.model"):
        plan.model("stt")


def test_stage_the_profile_does_not_have(
    pc: Hardware, catalog: Catalog, profiles: Profiles
) -> None:
    with pytest.raises(ProfileUnfit, match="no models for 'smell'"):
        plan_for(pc, catalog, profiles).model("smell")


def test_a_build_is_taken_once_it_is_made(
    tmp_path: Path, catalog: Catalog, profiles: Profiles
) -> None:
    pi = board(boards.PI_5, tmp_path)
    profile = profiles.choose("auto", pi).profile
    build = profile.builds[LARGE]
    plan = plan_for(pi, catalog, profiles)
    assert plan.model("llm").id == LARGE
    assert unbuilt(profile, catalog, plan)[LARGE] == build

    made = catalog[LARGE].model_copy(update={"id": build, "memory_mb": 400})
    richer = Catalog([*catalog, made])
    plan = plan_for(pi, richer, profiles)
    assert plan.model("llm").id == build
    assert build in plan.needed()
    assert LARGE not in unbuilt(profile, richer, plan)
