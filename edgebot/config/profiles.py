"""Device profiles: which models, threads and context a kind of machine can carry."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from edgebot.config import paths
from edgebot.config.hardware import Hardware, detect
from edgebot.config.loader import UnknownProfile
from edgebot.config.sections.base import Section
from edgebot.config.sections.threads import ThreadSettings
from edgebot.config.validation import validate
from edgebot.config.yaml_file import Mistake, merge, read_mapping
from edgebot.core.errors import ConfigError, ProfileUnfit

AUTO = "auto"
SYSTEM_PROFILES = Path("/etc/edgebot/profiles.d")
"""Where the owner of a machine puts profiles of their own."""


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


class Match(Section):
    """Which machines follow the profile by themselves."""

    arch: tuple[str, ...] = Field(min_length=1)
    """``aarch64``, ``x86_64`` …; a profile never runs on another architecture."""

    boards: tuple[Annotated[str, AfterValidator(_pattern)], ...] = ()
    """Regular expressions searched in the name of the board."""


class Requires(Section):
    """What a machine must have, or the profile is refused."""

    memory_mb: int = Field(ge=0)
    """Least memory, in MiB, as the kernel counts it (less than is printed on the box)."""

    cpu: tuple[str, ...] = ()
    """Instruction-set extensions, named as in ``/proc/cpuinfo``."""


class Profile(Section):
    """One file of ``models/profiles``."""

    name: str
    """That of its file."""

    description: str
    match: Match
    requires: Requires
    memory_ceiling_mb: int = Field(gt=0)
    """Most memory that all loaded models together may take, in MiB."""

    models: Mapping[str, tuple[str, ...]]
    """Stage → catalogue ids, best first."""

    builds: Mapping[str, str] = Field(default_factory=dict)
    """Model → what `edgebot build` makes of it for this profile; taken in its place once made."""

    optional: tuple[str, ...] = ()
    """Stages that are left out where the memory does not reach for them."""

    threads: ThreadSettings
    """Most threads each engine may use; fewer where the machine has fewer cores."""

    settings: Mapping[str, Any] = Field(default_factory=dict)
    """Further settings, below those of ``edgebot.yaml``."""

    def unfit(self, hardware: Hardware) -> str | None:
        """Why ``hardware`` cannot carry this profile, with figures; None when it can."""
        wrong = []
        if hardware.arch not in self.match.arch:
            wrong.append(f"is for {' or '.join(self.match.arch)}, this is {hardware.arch}")
        missing = sorted(set(self.requires.cpu) - hardware.features)
        if missing:
            wrong.append(f"needs the CPU feature {', '.join(missing)}, which this CPU lacks")
        if hardware.memory_mb < self.requires.memory_mb:
            limit = "" if hardware.memory_limit == "machine" else " (limit of the container)"
            wrong.append(
                f"needs {self.requires.memory_mb} MB of memory, "
                f"here are {hardware.memory_mb} MB{limit}"
            )
        return "; ".join(wrong) or None

    def settings_on(self, hardware: Hardware) -> dict[str, Any]:
        """Its settings for ``hardware``: threads never outnumber the physical cores."""
        most = hardware.physical_cores
        threads = {
            name: min(value, most) if isinstance(value, int) else value
            for name, value in self.threads.model_dump().items()
        }
        return merge({"threads": threads}, self.settings)


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile in force and how it came to that."""

    profile: Profile
    reason: str


class Profiles:
    """All known profiles, by name."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles.values())

    @property
    def names(self) -> list[str]:
        """Sorted."""
        return sorted(self._profiles)

    def choose(self, name: str, hardware: Hardware) -> Choice:
        """The profile called ``name``, or for ``auto`` the one that suits ``hardware``.

        Raises :class:`ProfileUnfit`, with figures, when it does not fit, and
        :class:`ConfigError` when there is none of that name.
        """
        if name == AUTO:
            return self._follow(hardware)
        if name not in self._profiles:
            near = difflib.get_close_matches(name, self._profiles, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self.names)}"
            raise UnknownProfile(f"no profile is called {name!r}; {hint}")
        profile = self._profiles[name]
        if reason := profile.unfit(hardware):
            raise ProfileUnfit(
                f"profile {name} {reason}; set 'profile: auto' or another one "
                f"({', '.join(self.names)}) in edgebot.yaml"
            )
        return Choice(profile, "the settings name it")

    def _follow(self, hardware: Hardware) -> Choice:
        for profile in self:
            if any(re.search(pattern, hardware.board) for pattern in profile.match.boards):
                if (why := profile.unfit(hardware)) is None:
                    return Choice(profile, f"the board is a {hardware.board}")
                return self._largest(hardware, f"{profile.name} {why}; ")
        known = f"the board is unknown ({hardware.board or 'it gives no name'}); "
        return self._largest(hardware, known)

    def _largest(self, hardware: Hardware, why: str) -> Choice:
        fitting = [profile for profile in self if profile.unfit(hardware) is None]
        if not fitting:
            reasons = "\n  ".join(f"{profile.name} {profile.unfit(hardware)}" for profile in self)
            raise ProfileUnfit(
                f"no profile fits this machine:\n  {reasons}\n"
                "Run `edgebot profile` to see what was found; docs/profiles.md tells how to write "
                "a profile of your own."
            )
        best = max(fitting, key=lambda profile: profile.requires.memory_mb)
        return Choice(best, f"{why}{best.name} is the largest profile that fits {hardware.arch}")


def profile_files(models_dir: Path) -> list[Path]:
    """The profiles edgebot ships, and ``profiles.d/*.yaml`` of the machine and of the store."""
    folders = (paths.share_dir("models") / "profiles", SYSTEM_PROFILES, models_dir / "profiles.d")
    return [path for folder in folders for path in sorted(folder.glob("*.yaml"))]


def load_profiles(files: Iterable[Path]) -> Profiles:
    """Read ``files``; a later one replaces an earlier one of the same name.

    Raises :class:`ConfigError` with every mistake, with file and line.
    """
    profiles: dict[str, Profile] = {}
    mistakes: list[Mistake] = []
    for path in files:
        document = read_mapping(path)
        if isinstance(document.data, dict):
            document.data = {"name": path.stem, **document.data}
        profile, wrong = validate(Profile, document)
        mistakes += wrong
        if profile is not None:
            profiles[path.stem] = profile
            if profile.name != path.stem:
                message = f"must be the name of the file ({path.stem})"
                mistakes.append(Mistake(document.where(("name",)), "name", message))
    if mistakes:
        raise ConfigError(
            "the profiles are wrong:\n  " + "\n  ".join(map(str, mistakes)) + "\nMend these lines."
        )
    return Profiles(profiles.values())


def profile_settings(name: str, models_dir: Path) -> Mapping[str, Any]:
    """The settings of profile ``name`` on this machine, for the loader.

    Empty where no profile fits: what needs an engine is refused later and says why, and what
    needs none (``doctor``, ``config``) goes on.
    """
    hardware = detect()
    try:
        profile = load_profiles(profile_files(models_dir)).choose(name, hardware).profile
    except ProfileUnfit:
        return {}
    return profile.settings_on(hardware)
