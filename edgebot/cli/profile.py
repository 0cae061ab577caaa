"""``edgebot profile``: what this machine is, which profile follows, what that means."""

from __future__ import annotations

import difflib
import os
from dataclasses import asdict
from typing import Any

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.config.hardware import Hardware, ask_nvidia_smi, read_accelerator
from edgebot.config.loader import load_settings
from edgebot.config.profiles import AUTO, load_profiles, profile_files, profile_settings
from edgebot.config.settings import Settings
from edgebot.core.errors import ProfileUnfit, UsageError
from edgebot.runtime.wiring import Assembly


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_context
def profile(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Show the hardware, and the profile it leads to or the one called NAME.

    Exits 78 when that profile does not fit this machine.
    """
    settings = settings_of(ctx)
    if name:
        _refuse_unknown(name, settings)
        chosen = ctx.find_root().obj or {}
        environ = {**os.environ, "EDGEBOT_PROFILE": name}
        settings = load_settings(chosen.get("config_file"), environ, profile_settings)
    with Assembly(settings) as assembly:
        facts, refusal = _facts(assembly)
    if as_json:
        emit(facts)
    else:
        _tell(assembly.hardware, facts)
    if refusal:
        raise refusal


def _refuse_unknown(name: str, settings: Settings) -> None:
    names = [*load_profiles(profile_files(settings.models_dir)).names, AUTO]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        raise UsageError(f"no profile is called {name!r}; {hint}")


def _facts(assembly: Assembly) -> tuple[dict[str, Any], ProfileUnfit | None]:
    found = assembly.hardware
    hardware = asdict(found) | {"features": sorted(found.features)}
    if found.accelerator and found.accelerator.kind == "cuda":
        hardware["accelerator"] = asdict(
            read_accelerator(nvidia_smi=ask_nvidia_smi) or found.accelerator
        )
    facts: dict[str, Any] = {"hardware": hardware, "profile": None, "reason": "", "fits": False}
    try:
        choice = assembly.choice
        facts |= {
            "profile": choice.profile.name,
            "description": choice.profile.description,
            "reason": choice.reason,
            "requires": choice.profile.requires.model_dump(),
            "threads": assembly.settings.threads.model_dump(),
            "context_tokens": assembly.settings.llm.context_tokens,
            "memory_ceiling_mb": choice.profile.memory_ceiling_mb,
        }
        plan = assembly.plan
    except ProfileUnfit as refusal:
        return facts | {"refusal": str(refusal)}, refusal
    facts["fits"] = True
    facts["budget_mb"] = plan.budget_mb
    facts["memory_mb"] = plan.memory_mb
    facts["models"] = {
        stage: {
            "id": pick.entry.id if pick.entry else None,
            "memory_mb": pick.memory_mb,
            "reason": pick.reason,
        }
        for stage, pick in plan.picks.items()
    }
    return facts, None


def _tell(hardware: Hardware, facts: dict[str, Any]) -> None:
    limit = " (limit of the container)" if hardware.memory_limit == "cgroup" else ""
    accelerator = facts["hardware"]["accelerator"]
    rows = [
        ("board", hardware.board or "gives no name"),
        ("processor", f"{hardware.cpu or 'gives no name'} ({hardware.arch})"),
        ("cores", f"{hardware.physical_cores} ({hardware.cores} threads)"),
        ("memory", f"{hardware.memory_mb} MB{limit}, {hardware.available_mb} MB free"),
        ("swap", f"{hardware.swap_mb} MB"),
        ("accelerator", _accelerator(accelerator) if accelerator else "none"),
        ("features", " ".join(_telling(hardware.features)) or "unknown"),
    ]
    if hardware.temperature_c is not None:
        rows.append(("temperature", f"{hardware.temperature_c:.0f} °C"))
    if facts["profile"]:
        rows.append(("profile", f"{facts['profile']}: {facts['reason']}"))
    if facts["fits"]:
        threads = ", ".join(f"{name} {count}" for name, count in facts["threads"].items())
        rows.append(("threads", threads))
        rows.append(("context", f"{facts['context_tokens']} tokens"))
        rows.append(("models take", f"up to {facts['memory_mb']} of {facts['budget_mb']} MB"))
    click.echo("\n".join(f"{name + ':':13}{value}" for name, value in rows))
    if facts["fits"]:
        lines = [
            (stage, pick["id"] or "-", f"{pick['memory_mb']} MB", pick["reason"])
            for stage, pick in facts["models"].items()
        ]
        click.echo("\n" + table(("STAGE", "MODEL", "MEMORY", "WHY"), lines, right=(2,)))


def _accelerator(found: dict[str, Any]) -> str:
    memory = f", {found['memory_mb']} MB" if found["memory_mb"] else ""
    return f"{found['name']} ({found['kind']}{memory}); not used: all engines run on the CPU"


def _telling(features: frozenset[str]) -> list[str]:
    """Those of the many features that matter to engines like ours."""
    return [name for name in _TELLING if name in features]


_TELLING = (
    *("asimd", "asimdhp", "asimddp", "i8mm", "sve", "bf16"),
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8"),
)
