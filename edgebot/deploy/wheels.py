"""Python packages for a board, unpacked on this machine: there is no pip on the board."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebot.core.errors import BundleError, UsageError
from edgebot.deploy import wheels_llama
from edgebot.deploy.tools import run_tool
from edgebot.setup import llama as setup_llama

GLIBC = "2.35"
"""Of the wheels that are asked for: the wake words need it. Debian 12 and Ubuntu 22.04 have it."""

NOT_ON_THE_BOARD = ("pip",)
"""Locked, because a package names it, and used by nothing that runs."""

PURE = ("srt",)
"""Packages that come as source without any machine code."""

_MACHINES = {"aarch64": 183, "x86_64": 62}
"""``e_machine`` of ELF files (elf.h)."""

_AVX512 = (f"avx512{part}" for part in ("f", "bw", "vl", "dq", "_vbmi", "_vnni", "_bf16"))
_ISA = frozenset(
    ("sse4_2", "avx", "f16c", "fma", "avx2", "bmi2", "avx_vnni", *_AVX512, "amx_tile", "amx_int8")
)
"""What a compiler may have used of x86, as ``/proc/cpuinfo`` names it."""

_PRUNED = ("tests", "include", "f2py", "__pycache__")
"""Directories of packages that nothing on a board reads; and the programs in ``bin``."""

_LEFT_OUT = (".pyi", ".pyc", ".a", ".lib", ".h")
_NOTES = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock")
"""What an unpacking writes about itself, differently from one time to the next."""


@dataclass(frozen=True, slots=True)
class LlamaWheel:
    """The llama.cpp wheel of a bundle."""

    path: Path
    cpu: tuple[str, ...] = ()
    """Processor features it cannot run without; none for one that dispatches at run time."""


def locked(lock: Path) -> dict[str, str]:
    """Package → version in a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def llama_wheel(
    lock: Path, cache: Path, arch: str, say: Callable[[str], None], *, portable: bool
) -> LlamaWheel:
    """The wheel for ``arch``, built first where the cache has none.

    The one that was built for this very machine is taken for its own architecture unless
    ``portable``; it says what it needs.
    """
    version = locked(lock)["llama-cpp-python"]
    if found := wheels_llama.find(cache, version, arch):
        return LlamaWheel(found)
    if arch == platform.machine() and not portable and (native := _native(lock.parent)):
        return LlamaWheel(native, features())
    return LlamaWheel(wheels_llama.build(cache, version, arch, say))


def _native(root: Path) -> Path | None:
    """The wheel that ``make setup`` built for this machine."""
    shelf = setup_llama.cache_dir() / "wheels" / setup_llama.fingerprint(root)[:16]
    return next(shelf.glob("*.whl"), None)


def features(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """What this machine's processor has of what compilers use."""
    match = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(errors="replace"), re.MULTILINE)
    return tuple(sorted(_ISA & set(match[1].split()))) if match else ()


def install_command(site: Path, lock: Path, arch: str, python: str) -> list[str | Path]:
    """Unpacks every locked package but llama.cpp into ``site``, wheels only; whatever this is."""
    command: list[str | Path] = [uv(), "pip", "install", "--quiet", "--no-deps", "--no-config"]
    command += ["--python-platform", f"{arch}-manylinux_{GLIBC.replace('.', '_')}"]
    command += ["--python-version", python, "--only-binary", ":all:"]
    for name in PURE:
        command += ["--no-binary", name]
    absent = (*NOT_ON_THE_BOARD, "llama-cpp-python")
    wanted = [f"{name}=={version}" for name, version in locked(lock).items() if name not in absent]
    return [*command, "--target", site, *wanted]


def unpack(
    site: Path, lock: Path, llama: LlamaWheel, arch: str, python: str, say: Callable[[str], None]
) -> None:
    """Unpack every locked package for ``arch`` and ``python`` into ``site``.

    Raises :class:`BundleError` when a package has no wheel for them, or brings a library of
    another architecture.
    """
    command = install_command(site, lock, arch, python)
    number = sum("==" in str(word) for word in command) + 1
    say(f"unpacking {number} packages for {arch}, Python {python}")
    run_tool(command)
    # The wheel is for a platform without a manylinux tag; what is in it is checked below.
    _unzip(llama.path, site)
    prune(site)
    check_machine(site, arch)


def _unzip(wheel: Path, site: Path) -> None:
    run_tool([sys.executable, "-m", "zipfile", "-e", wheel, site])
    for inner in ("lib", "include"):  # a second copy of the libraries that the wheel installs
        if (site / inner).is_dir():
            shutil.rmtree(site / inner)
    for library in (site / "llama_cpp" / "lib").glob("*.so.*.*"):
        library.unlink()  # wheels hold no links: the same library once more


def uv() -> str:
    """The program uv; raises :class:`UsageError` where there is none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise UsageError("making a bundle needs the program uv: run `pip install uv`")
    return found


def prune(site: Path) -> None:
    """Remove what nothing on a board reads, and what differs from one unpacking to the next."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for folder in sorted(site.rglob("*"), reverse=True):
        if folder.is_dir() and folder.name in _PRUNED:
            shutil.rmtree(folder)
    for path in sorted(site.rglob("*")):
        if path.suffix in _LEFT_OUT or path.name in _NOTES:
            path.unlink()


def check_machine(site: Path, arch: str) -> None:
    """Raise :class:`BundleError` for the first library in ``site`` that is not for ``arch``."""
    for path in libraries(site):
        with path.open("rb") as file:
            head = file.read(20)
        if head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") != _MACHINES[arch]:
            raise BundleError(
                f"{path.relative_to(site)} is not for {arch}; the package has no wheel for it"
            )


def libraries(site: Path) -> list[Path]:
    """Shared libraries below ``site``."""
    return [path for path in sorted(site.rglob("*.so*")) if path.is_file()]


def needed_glibc(site: Path) -> str:
    """Newest version of the C library that a symbol in ``site`` asks for, at least ``2.17``."""
    newest = 17
    for path in libraries(site):
        for minor in re.findall(rb"GLIBC_2\.(\d+)\b", path.read_bytes()):
            newest = max(newest, int(minor))
    return f"2.{newest}"


def interpreter() -> str:
    """This Python, as far as it shapes what is compiled."""
    return sys.version


def compile_bytecode(site: Path, python: str) -> bool:
    """Write ``.pyc`` files where this Python is of the board's minor version; whether it did.

    Their validity hangs on nothing but the release (PEP 552, unchecked hashes), so that the
    date of a file on the board does not matter and the bytes are the same each time.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" != python:
        return False
    environ = {**os.environ, "PYTHONHASHSEED": "0"}  # the order of sets, which -I would ignore
    command = [sys.executable, "-s", "-P", "-m", "compileall", "-q", "-j", "1", "-s", str(site)]
    command += ["-p", "site", "--invalidation-mode", "unchecked-hash", str(site)]
    # Some packages ship templates that are no Python; what does not compile is not imported.
    subprocess.run(command, env=environ, check=False, stdout=subprocess.DEVNULL)
    return True
