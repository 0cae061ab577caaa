"""Is this machine fit to be an assistant? One small check a question, each with its next step."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from edgebot.audio.platform_echo import platform_canceller
from edgebot.config.hardware import Hardware
from edgebot.config.key_names import code_of
from edgebot.config.sections.audio import AudioSettings
from edgebot.config.sections.panel import ButtonSettings
from edgebot.core.errors import EdgebotError
from edgebot.models.built import is_built, read_manifest
from edgebot.models.plan import unbuilt
from edgebot.panel.keys import devices_with
from edgebot.runtime.wiring import Assembly

Status: TypeAlias = Literal["ok", "warn", "fail"]

ENGINES = ("llama_cpp", "vosk", "piper", "onnxruntime")
"""Python modules with native code that the assistant cannot do without."""

HOT_C = 80.0
"""Degrees Celsius at which boards begin to slow down."""

LEAST_FREE_MB = 50
LITTLE_FREE_MB = 500
FIRST_YEAR = 2025
"""Clocks that have never been set are years behind it."""


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question about the machine."""

    name: str
    status: Status
    message: str
    next_step: str = ""
    """What mends it; empty when nothing needs mending."""


def run_checks(assembly: Assembly) -> Iterator[Check]:
    """All checks, in the order in which their next steps are best taken."""
    yield python()
    yield profile(assembly)
    yield cpu(assembly)
    yield memory(assembly)
    for module in ENGINES:
        yield engine(module)
    yield from models(assembly)
    yield from builds(assembly)
    yield from sound(assembly.settings.audio)
    yield from talk_key(assembly.settings.button)
    yield writable("state directory", assembly.settings.state_dir, "EDGEBOT_STATE_DIR")
    yield disk(assembly.settings.state_dir)
    yield temperature(assembly.hardware)
    yield clock()


def python() -> Check:
    """The interpreter."""
    bits = sys.maxsize.bit_length() + 1
    found = f"Python {platform.python_version()}, {bits} bit"
    if bits < 64:
        step = "install a 64-bit system; the engines have no 32-bit packages"
        return Check("python", "fail", found, step)
    return Check("python", "ok", found)


def profile(assembly: Assembly) -> Check:
    """A profile fits the machine."""
    try:
        choice = assembly.choice
    except EdgebotError as error:
        return Check("profile", "fail", _first_line(error), "see `edgebot profile`")
    return Check("profile", "ok", f"{choice.profile.name}: {choice.reason}")


def cpu(assembly: Assembly) -> Check:
    """The processor has what the profile's engines are built for."""
    hardware = assembly.hardware
    found = f"{hardware.cpu or hardware.arch}, {hardware.physical_cores} cores"
    try:
        wanted = assembly.profile.requires.cpu
    except EdgebotError:
        return Check("cpu", "warn", f"{found}; no profile fits", "see `edgebot profile`")
    missing = [name for name in wanted if name not in hardware.features]
    if missing:
        return Check("cpu", "fail", f"{found}; lacks {', '.join(missing)}", "see `edgebot profile`")
    return Check("cpu", "ok", f"{found}; has {', '.join(wanted)}")


def memory(assembly: Assembly) -> Check:
    """The models fit into what is free."""
    hardware = assembly.hardware
    found = f"{hardware.available_mb} of {hardware.memory_mb} MB are free"
    try:
        plan = assembly.plan
    except EdgebotError as error:
        return Check("memory", "fail", f"{found}; {_first_line(error)}", "see `edgebot profile`")
    out = [pick.stage for pick in plan.picks.values() if pick.entry is None]
    needs = f"{found}, the models take up to {plan.memory_mb} MB"
    if out:
        step = "end other programs or add swap (zram), then see `edgebot profile`"
        return Check("memory", "warn", f"{needs} without {', '.join(out)}", step)
    return Check("memory", "ok", needs)


def engine(module: str) -> Check:
    """``module`` can be imported. Tried in a process of its own: a wrong build dies of SIGILL."""
    command = [sys.executable, "-c", f"import {module}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return Check(module, "fail", "does not load within a minute", "run `make setup` again")
    if done.returncode == 0:
        return Check(module, "ok", "loads")
    said = done.stderr.strip().splitlines()
    why = said[-1] if said else f"killed by signal {-done.returncode}"
    return Check(module, "fail", why, "run `make setup` again: it installs or rebuilds what fails")


def models(assembly: Assembly) -> Iterator[Check]:
    """The files of every model that is needed are there and right."""
    try:
        needed = assembly.plan.needed()
    except EdgebotError:
        return  # told by the check of the profile
    try:
        needed = assembly.needed_models()
    except EdgebotError as error:
        step = "write one of these words in edgebot.yaml"
        yield Check("wake words", "fail", _first_line(error), step)
    for model_id in needed:
        state = assembly.store.state(model_id)
        step = f"run `edgebot models pull {model_id}`"
        if state == "ready":
            yield Check(f"model {model_id}", "ok", "there and verified")
        else:
            yield Check(f"model {model_id}", "fail", state, step)


def builds(assembly: Assembly) -> Iterator[Check]:
    """Models that were made for this profile are used, or the ones they are made from."""
    try:
        profile, plan = assembly.profile, assembly.plan
    except EdgebotError:
        return  # told by the check of the profile
    for source, build in unbuilt(profile, assembly.catalog, plan).items():
        step = f"`edgebot build --profile {profile.name}` makes it; everything works without"
        yield Check(f"build {build}", "ok", f"not built; {source} is used", step)
    for pick in plan.picks.values():
        if pick.entry and is_built(pick.entry):
            yield _fits(pick.entry.id, assembly)


def _fits(build: str, assembly: Assembly) -> Check:
    """Whether ``build`` was made for processors like this one."""
    told = read_manifest(assembly.store.directory(build)) or {}
    wanted = [str(name) for name in told.get("requires_cpu", ())]
    missing = sorted(set(wanted) - assembly.hardware.features)
    if missing:
        why = f"made for processors with {', '.join(missing)}, which this one lacks: it may be slow"
        step = f"run `edgebot build --profile {assembly.profile.name}` for this one"
        return Check(f"build {build}", "warn", why, step)
    made_for = f"made for processors with {', '.join(wanted)}" if wanted else "made for any"
    return Check(f"build {build}", "ok", f"is used; {made_for}")


def sound(wanted: AudioSettings) -> Iterator[Check]:
    """Somebody can be heard and spoken to. Without, recordings still work: warnings only."""
    try:
        import sounddevice
    except OSError:
        yield Check(
            "sound",
            "warn",
            "PortAudio, the sound library, is missing: no microphone, no loudspeaker",
            f"run `{_as_root('apt-get install libportaudio2')}`",
        )
        return
    except ImportError as error:
        yield Check("sound", "warn", str(error), "run `make setup` again")
        return
    yield sound_device(sounddevice, "microphone", wanted.microphone)
    yield sound_device(sounddevice, "speaker", wanted.speaker)
    yield echo(wanted.echo, platform_canceller())


def sound_device(sounddevice: Any, role: str, wanted: str | None) -> Check:
    """The device of the settings, or the system's default, is there."""
    kind, program = ("input", "arecord") if role == "microphone" else ("output", "aplay")
    try:
        found = sounddevice.query_devices(wanted, kind)
    except (sounddevice.PortAudioError, ValueError):
        if wanted:
            step = f"mend audio.{role}; `python3 -m sounddevice` lists the names"
            return Check(role, "warn", f"there is no {wanted!r}", step)
        step = f"plug one in; it must show in `{program} -l`, and you be in group audio"
        return Check(role, "warn", "there is none", step)
    rate_hz = int(found["default_samplerate"])
    return Check(role, "ok", f"{found['name']}, {rate_hz} Hz{'' if wanted else ', the default'}")


def echo(wanted: str, found: tuple[str, str] | None) -> Check:
    """Something takes our own voice out. ``found``: source and sink of the sound server."""
    if wanted == "none":
        return Check("echo", "ok", "no canceller wanted: fine with headphones only")
    if wanted == "software":
        return Check("echo", "ok", "edgebot's own canceller")
    if found is not None:
        return Check("echo", "ok", f"the sound server's canceller, {found[0]}")
    if wanted == "auto":
        return Check("echo", "ok", "edgebot's own canceller; the sound server has none")
    step = "set one up as docs/audio.md shows, or set audio.echo to auto"
    return Check("echo", "fail", "the sound server has no canceller", step)


def talk_key(wanted: ButtonSettings) -> Iterator[Check]:
    """The key for push to talk is there and can be read."""
    if wanted.key is None:
        return
    there = [one for one in devices_with(code_of(wanted.key), wanted.device) if one.exists()]
    readable = [str(one) for one in there if os.access(one, os.R_OK)]
    if readable:
        yield Check("talk key", "ok", f"{wanted.key} on {', '.join(readable)}")
    elif there:
        step = "add the user to the group input: " + _as_root("usermod -aG input edgebot")
        yield Check("talk key", "warn", f"no right to read {there[0]}", step)
    else:
        step = "plug it in, or set button.key and button.device anew"
        yield Check("talk key", "warn", f"no input device has {wanted.key}", step)


def writable(name: str, folder: Path, variable: str) -> Check:
    """Something can be written into ``folder``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = f"{folder}: {error.strerror or error}"
        return Check(name, "fail", why, f"mend its rights or name another one with {variable}")
    return Check(name, "ok", f"{folder} is writable")


def disk(folder: Path) -> Check:
    """There is room for databases."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    free_mb = shutil.disk_usage(there).free // 1_000_000
    found = f"{free_mb} MB are free in {there}"
    step = "make room there"
    if free_mb < LEAST_FREE_MB:
        return Check("disk", "fail", found, step)
    return (
        Check("disk", "warn", found, step)
        if free_mb < LITTLE_FREE_MB
        else Check("disk", "ok", found)
    )


def temperature(hardware: Hardware) -> Check:
    """Not so hot that the board slows down."""
    celsius = hardware.temperature_c
    if celsius is None:
        return Check("temperature", "ok", "this machine tells none")
    if celsius >= HOT_C:
        step = "give it air or a heat sink: hot boards slow down"
        return Check("temperature", "warn", f"{celsius:.0f} °C", step)
    return Check("temperature", "ok", f"{celsius:.0f} °C")


def clock(
    now: Callable[[], float] = time.time, synchronised: Callable[[], bool | None] | None = None
) -> Check:
    """The clock is set: boards without a battery wake up in the past."""
    year = time.gmtime(now()).tm_year
    shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(now()))
    if year < FIRST_YEAR:
        step = "connect it to a network once, or set it with `" + _as_root("date -s …") + "`"
        return Check("clock", "fail", f"{shown} cannot be right", step)
    in_step = (synchronised or _synchronised)()
    if in_step is False:
        step = (
            f"`{_as_root('timedatectl set-ntp true')}`; without a network, mind that timers drift"
        )
        return Check("clock", "warn", f"{shown}, not synchronised", step)
    return Check("clock", "ok", f"{shown}{', synchronised' if in_step else ''}")


def _synchronised() -> bool | None:
    """Whether the kernel's clock follows a better one (adjtimex(2)); None when it cannot tell."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != 5  # TIME_ERROR


def _first_line(error: EdgebotError) -> str:
    return str(error).partition("\n")[0]


def _as_root(command: str) -> str:
    return command if os.geteuid() == 0 else f"sudo {command}"
