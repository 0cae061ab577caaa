"""The llama.cpp wheel: built once for this processor, kept outside the checkout.

The package comes as source. The build goes on where an interrupted one stopped, because source
and build directory live in the cache. The wheel is cached under a key that holds everything its
machine code depends on, so that a home directory shared by two machines never hands out
instructions the processor lacks.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import sys
import tarfile
from pathlib import Path

from edgebot.setup.console import Console, StepFailed, run
from edgebot.setup.packages import python
from edgebot.setup.stamps import digest

CMAKE_ARGS = "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF"
"""Tuned for this processor; image and audio encoders and downloads are left out."""


def cache_dir() -> Path:
    """Where wheels and half-done builds are kept."""
    if named := os.environ.get("EDGEBOT_CACHE_DIR"):
        return Path(named)
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "edgebot"


def version(root: Path) -> str:
    """The locked version of llama-cpp-python."""
    lock = (root / "requirements.lock").read_text()
    match = re.search(r"^llama-cpp-python==(\S+)", lock, re.MULTILINE)
    if not match:
        raise StepFailed("requirements.lock does not pin llama-cpp-python")
    return match[1]


def fingerprint(root: Path) -> str:
    """Changes with version, Python, processor features and build options."""
    return digest(version(root), sys.implementation.cache_tag, _processor(), CMAKE_ARGS)


def install(root: Path, console: Console) -> None:
    """Install the wheel, building it first where the cache has none."""
    shelf = cache_dir() / "wheels" / fingerprint(root)[:16]
    shelf.mkdir(parents=True, exist_ok=True)
    with (shelf / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheel = next(shelf.glob("*.whl"), None) or _build(root, shelf, console)
    console.show("installing the cached wheel")
    run(
        [python(root), "-m", "pip", "install", "--no-deps", "--force-reinstall", str(wheel)],
        console,
        distil=lambda _: None,
    )


def _build(root: Path, shelf: Path, console: Console) -> Path:
    work = cache_dir() / "build" / shelf.name
    source = _source(root, work, console)
    out = work / "out"
    environ = dict(os.environ)
    environ["CMAKE_ARGS"] = f"{environ.get('CMAKE_ARGS', '')} {CMAKE_ARGS}".strip()
    environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(_jobs()))

    def distil(line: str) -> str | None:
        match = re.search(r"\[(\d+)/(\d+)\]", line)
        return f"building, {match[1]} of {match[2]} files" if match else None

    console.show("building (5–15 minutes on two cores, once)")
    command = [python(root), "-m", "pip", "wheel", "-v", "--no-deps", "-w", str(out)]
    run(
        [*command, "-C", f"build-dir={work / 'cmake'}", str(source)],
        console,
        distil=distil,
        environ=environ,
    )
    built = next(out.glob("*.whl"))
    wheel = shelf / built.name
    built.replace(wheel)
    shutil.rmtree(work)
    return wheel


def _source(root: Path, work: Path, console: Console) -> Path:
    """The unpacked source, from an earlier interrupted build if there is one."""
    done = work / "source"
    if not done.is_dir():
        console.show("fetching the source")
        fresh = work / "fetch"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        package = f"llama-cpp-python=={version(root)}"
        pip = [
            python(root),
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-binary",
            "llama-cpp-python",
        ]
        run([*pip, "-d", str(fresh), package], console, distil=lambda _: "fetching the source")
        with tarfile.open(next(fresh.glob("*.tar.gz"))) as archive:
            archive.extractall(fresh, filter="data")
        next(path for path in fresh.iterdir() if path.is_dir()).replace(done)
        shutil.rmtree(fresh)
    return done


def _jobs() -> int:
    """As many compilers at once as there are cores and 1.5 GB of memory for each."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, pages // 1_500_000_000))


def _processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return platform.machine()
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", info, re.MULTILINE)
    return f"{platform.machine()} {' '.join(sorted(set(flags[1].split()))) if flags else ''}"
