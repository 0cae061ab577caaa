"""Which profile follows from which machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.config.hardware import Hardware, detect
from edgebot.config.loader import UnknownProfile
from edgebot.config.profiles import Profiles, load_profiles, profile_settings
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, ProfileUnfit
from tests.unit.config import boards

SHIPPED = paths.share_dir("models") / "profiles"


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    return load_profiles(sorted(SHIPPED.glob("*.yaml")))


def look(capture: boards.Capture, root: Path, arch: str = "aarch64") -> Hardware:
    return detect(boards.unpack(capture, root), arch)


def test_all_are_shipped(profiles: Profiles) -> None:
    assert profiles.names == ["jetson-orin-nano", "rpi-zero2", "rpi4", "rpi5", "x86"]


@pytest.mark.parametrize(
    ("capture", "arch", "name"),
    [
        (boards.ZERO_2, "aarch64", "rpi-zero2"),
        (boards.PI_4, "aarch64", "rpi4"),
        (boards.PI_5, "aarch64", "rpi5"),
        (boards.ORIN_NANO, "aarch64", "jetson-orin-nano"),
        (boards.MINI_PC, "x86_64", "x86"),
        (boards.WORKSTATION, "x86_64", "x86"),
    ],
)
def test_board_leads_to_its_profile(
    profiles: Profiles, tmp_path: Path, capture: boards.Capture, arch: str, name: str
) -> None:
    assert profiles.choose("auto", look(capture, tmp_path, arch)).profile.name == name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("Raspberry Pi 400 Rev 1.0", "rpi4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "rpi4"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "rpi-zero2"),
    ],
)
def test_relatives_follow(profiles: Profiles, tmp_path: Path, model: str, name: str) -> None:
    found = look(boards.PI_4 | {"proc/device-tree/model": model + "\0"}, tmp_path)
    assert profiles.choose("auto", found).profile.name == name


def test_unknown_board_gets_the_largest_that_fits(profiles: Profiles, tmp_path: Path) -> None:
    choice = profiles.choose("auto", look(boards.UNKNOWN_BOARD, tmp_path))
    assert choice.profile.name == "jetson-orin-nano"
    assert "Radxa ROCK 5B" in choice.reason


def test_board_with_little_memory_steps_down_and_says_why(
    profiles: Profiles, tmp_path: Path
) -> None:
    choice = profiles.choose("auto", look(boards.PI_5_SMALL, tmp_path))
    assert choice.profile.name == "rpi4"
    assert "rpi5 needs 1800 MB of memory, here are 992 MB" in choice.reason


def test_named_profile_that_lacks_memory_is_refused_with_figures(
    profiles: Profiles, tmp_path: Path
) -> None:
    with pytest.raises(ProfileUnfit, match=r"needs 1400 MB of memory, here are 1024 MB .limit of"):
        profiles.choose("x86", look(boards.CONTAINER, tmp_path, "x86_64"))


def test_named_profile_that_lacks_a_cpu_feature_is_refused(
    profiles: Profiles, tmp_path: Path
) -> None:
    with pytest.raises(ProfileUnfit, match="rpi5 needs the CPU feature asimddp"):
        profiles.choose("rpi5", look(boards.PI_4, tmp_path))


def test_old_pc_is_refused_for_its_instructions(profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(ProfileUnfit, match="x86 needs the CPU feature avx2, f16c, fma"):
        profiles.choose("auto", look(boards.OLD_NETTOP, tmp_path, "x86_64"))


@pytest.mark.parametrize("arch", ["riscv64", "armv7l"])
def test_foreign_architecture_is_refused(profiles: Profiles, tmp_path: Path, arch: str) -> None:
    with pytest.raises(ProfileUnfit, match=f"this is {arch}"):
        profiles.choose("auto", look(boards.PI_4, tmp_path, arch))


def test_machine_that_tells_nothing_is_refused(profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(ProfileUnfit, match="no profile fits"):
        profiles.choose("auto", look(boards.NOTHING, tmp_path))


def test_unknown_name_hints_at_the_nearest(profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(UnknownProfile, match="did you mean 'rpi-zero2'"):
        profiles.choose("rpi-zero", look(boards.PI_4, tmp_path))


def test_small_boards_prefer_the_small_model(profiles: Profiles) -> None:
    first = {profile.name: profile.models["llm"][0].partition("-")[0] for profile in profiles}
    small, large = "smollm2", "qwen2.5"
    assert first == {
        "rpi-zero2": small,
        "rpi4": small,
        "rpi5": large,
        "jetson-orin-nano": large,
        "x86": large,
    }


def test_threads_never_outnumber_the_cores(profiles: Profiles, tmp_path: Path) -> None:
    hardware = look(boards.CONTAINER_V1, tmp_path, "x86_64")
    settings = profiles.choose("x86", hardware).profile.settings_on(hardware)
    assert settings["threads"] == {"llm": 2, "tts": 2, "embed": 2, "vad": 1, "waiting": "passive"}
    assert settings["llm"]["context_tokens"] == 2048


def test_settings_of_every_profile_are_settings(profiles: Profiles, tmp_path: Path) -> None:
    hardware = look(boards.WORKSTATION, tmp_path, "x86_64")
    for profile in profiles:
        Settings.model_validate(profile.settings_on(hardware))


def test_own_profile_replaces_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "x86.yaml"
    own.write_text((SHIPPED / "x86.yaml").read_text().replace("8, tts: 2", "1, tts: 1"))
    profiles = load_profiles([SHIPPED / "x86.yaml", own])
    assert [profile.threads.llm for profile in profiles] == [1]


def test_mistakes_name_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = (SHIPPED / "rpi4.yaml").read_text().replace("memory_mb: 850", "memory_mb: lots")
    path.write_text(text.replace("memory_ceiling_mb:", "memory_ceilling_mb:"))
    line = text[: text.index("memory_mb: lots")].count("\n") + 1
    with pytest.raises(ConfigError) as caught:
        load_profiles([path])
    said = str(caught.value)
    assert f"{path}:{line}: requires.memory_mb" in said
    assert "unknown key; did you mean 'memory_ceiling_mb'?" in said
    assert "memory_ceiling_mb: must be given" in said


def test_broken_expression_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        (SHIPPED / "rpi4.yaml").read_text().replace('"Raspberry Pi (4|', '"Raspberry ((4|')
    )
    with pytest.raises(ConfigError, match="no regular expression"):
        load_profiles([path])


def test_name_must_be_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: yours\n" + (SHIPPED / "rpi4.yaml").read_text())
    with pytest.raises(ConfigError, match="must be the name of the file"):
        load_profiles([path])


def test_profile_settings_are_empty_where_none_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Hardware:
        return detect(Path("/nonexistent"), "vax")

    monkeypatch.setattr("edgebot.config.profiles.detect", nothing)
    assert profile_settings("auto", Path("/nonexistent")) == {}
