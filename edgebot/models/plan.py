"""Which models run on this machine: the first of each preference list that the memory carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgebot.config.hardware import Hardware
from edgebot.config.profiles import Profile
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, ProfileUnfit
from edgebot.models.catalog import Catalog
from edgebot.models.entry import Entry

BASE_MB = 130
"""Resident memory of edgebot with all libraries and no model, in MiB (benchmarks/memory.py)."""

ON_DEMAND = ("wake", "stt_second", "speaker")
"""Stages that nothing opens unless it is asked for: fetched by name, not with the profile."""

_KINDS = {"stt_second": "stt"}
"""Stages that use the models of another one."""

_KEYS = {
    "stt": "stt.model",
    "tts": "tts.model",
    "llm": "llm.model",
    "embedder": "knowledge.embedder",
}
"""Stages whose model the settings can name."""


class StageLeftOut(ProfileUnfit):
    """The plan goes without this stage; what can do without it does."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What was chosen for one stage."""

    stage: str
    entry: Entry | None
    """None when the stage is left out."""

    memory_mb: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One model a stage, together within the budget."""

    picks: Mapping[str, Pick]
    budget_mb: int
    """Memory that the process may take, in MiB."""

    @property
    def memory_mb(self) -> int:
        """What all of it takes when everything is loaded, in MiB."""
        return BASE_MB + sum(pick.memory_mb for pick in self.picks.values())

    def model(self, stage: str) -> Entry:
        """The model of ``stage``; raises :class:`StageLeftOut` when there is none."""
        if stage not in self.picks:
            known = ", ".join(sorted(self.picks))
            raise StageLeftOut(f"this profile has no models for {stage!r}; it has {known}")
        pick = self.picks[stage]
        if pick.entry is None:
            step = f"name another one with {_KEYS[stage]}" if stage in _KEYS else "it is optional"
            raise StageLeftOut(f"{stage} is left out on this machine: {pick.reason}; {step}")
        return pick.entry

    def has(self, stage: str) -> bool:
        """Whether there is a model for ``stage``."""
        return stage in self.picks and self.picks[stage].entry is not None

    def needed(self) -> list[str]:
        """Ids of the models that must be on this machine."""
        wanted = (pick for pick in self.picks.values() if pick.stage not in ON_DEMAND)
        return [pick.entry.id for pick in wanted if pick.entry]


def make_plan(profile: Profile, catalog: Catalog, settings: Settings, hardware: Hardware) -> Plan:
    """Choose for every stage of ``profile``, what cannot be left out first.

    A model that the settings name is taken or refused, never replaced. A stage that has no model
    for the language is left out: what is typed needs no recogniser. Raises
    :class:`ProfileUnfit`, with figures, when what cannot be left out does not fit.
    """
    budget_mb = min(profile.memory_ceiling_mb, hardware.available_mb + hardware.swap_mb)
    lists = {stage: _candidates(stage, profile, catalog, settings) for stage in profile.models}
    least = {
        stage: min(entries, key=lambda entry: _memory_mb(entry, settings))
        for stage, entries in lists.items()
        if entries and (stage not in profile.optional or _named(stage, settings))
    }
    needs = {stage: _memory_mb(entry, settings) for stage, entry in least.items()}
    if BASE_MB + sum(needs.values()) > budget_mb:
        raise ProfileUnfit(_refusal(profile, hardware, budget_mb, least, needs))
    picks: dict[str, Pick] = {}
    used = BASE_MB
    for stage in [*needs, *(stage for stage in lists if stage not in needs)]:
        needs.pop(stage, None)
        picks[stage] = _pick(stage, lists[stage], settings, budget_mb - used - sum(needs.values()))
        used += picks[stage].memory_mb
    return Plan({stage: picks[stage] for stage in lists}, budget_mb)


def setting_of(stage: str) -> str | None:
    """The setting that names the model of ``stage`` (``llm.model``); None where there is none."""
    return _KEYS.get(stage)


def _named(stage: str, settings: Settings) -> str | None:
    if stage not in _KEYS:
        return None
    section, _, key = _KEYS[stage].partition(".")
    name: str | None = getattr(getattr(settings, section), key)
    return name


def _candidates(stage: str, profile: Profile, catalog: Catalog, settings: Settings) -> list[Entry]:
    kind = _KINDS.get(stage, stage)
    if name := _named(stage, settings):
        entry = catalog[name]
        if entry.stage != kind:
            raise ConfigError(f"model {name} is a model for {entry.stage}, not for {stage}")
        return [entry]
    entries = [catalog[model_id] for model_id in _with_builds(profile, catalog, stage)]
    for entry in entries:
        if entry.stage != kind:
            raise ConfigError(
                f"profile {profile.name} lists {entry.id} for {stage}, but it is for {entry.stage}"
            )
    spoken = kind in ("stt", "tts")
    return [e for e in entries if not spoken or e.language in (None, settings.language)]


def _with_builds(profile: Profile, catalog: Catalog, stage: str) -> list[str]:
    """The models of ``stage``, each behind what was built from it, if that is here."""
    ids: list[str] = []
    for model_id in profile.models[stage]:
        build = profile.builds.get(model_id)
        ids += [build] if build and build in catalog else []
        ids.append(model_id)
    return ids


def unbuilt(profile: Profile, catalog: Catalog, plan: Plan) -> dict[str, str]:
    """Models of ``plan`` that ``profile`` has a build for → that build, which was not made yet."""
    chosen = [pick.entry.id for pick in plan.picks.values() if pick.entry]
    return {
        model_id: profile.builds[model_id]
        for model_id in chosen
        if model_id in profile.builds and profile.builds[model_id] not in catalog
    }


def _memory_mb(entry: Entry, settings: Settings) -> int:
    """Need of ``entry`` with the context length of the settings, in MiB."""
    more_tokens = settings.llm.context_tokens - 2048
    return max(0, entry.memory_mb + round(entry.context_kib_per_token * more_tokens / 1024))


def _pick(stage: str, entries: Sequence[Entry], settings: Settings, room_mb: int) -> Pick:
    if not entries:
        reason = f"the profile has no model of it for language {settings.language!r}"
        return Pick(stage, None, 0, reason)
    for position, entry in enumerate(entries):
        need = _memory_mb(entry, settings)
        if need <= room_mb:
            first = "named in the settings" if _named(stage, settings) else "first choice"
            skipped = ", ".join(other.id for other in entries[:position])
            reason = f"{skipped} would not fit {room_mb} MB" if position else first
            return Pick(stage, entry, need, reason)
    needs = ", ".join(f"{entry.id} {_memory_mb(entry, settings)} MB" for entry in entries)
    return Pick(stage, None, 0, f"{max(0, room_mb)} MB are left for it and it needs {needs}")


def _refusal(
    profile: Profile,
    hardware: Hardware,
    budget_mb: int,
    least: Mapping[str, Entry],
    needs: Mapping[str, int],
) -> str:
    terms = " + ".join(f"{least[stage].id} {need}" for stage, need in needs.items())
    there = (
        f"the profile's ceiling is {budget_mb} MB"
        if budget_mb == profile.memory_ceiling_mb
        else f"{hardware.available_mb} MB are free and {hardware.swap_mb} MB are swap"
    )
    return (
        f"profile {profile.name} does not fit: at least {BASE_MB + sum(needs.values())} MB are "
        f"needed (program {BASE_MB} + {terms}) and {there}. End other programs, add swap (zram), "
        "lower llm.context_tokens or choose smaller models"
    )
