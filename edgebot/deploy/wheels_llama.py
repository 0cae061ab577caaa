"""llama.cpp for boards: cross-built once on this machine, kept as a wheel in the cache.

The package comes as source and would be compiled on the board, for an hour and more than a Pi
Zero's memory. Here one build serves all boards of an architecture: ``GGML_BACKEND_DL`` makes the
processor's code a library of its own, built once a level, of which llama.cpp takes the best that
the processor has when it starts. Levels that no board of ours has, and that Debian 12's compiler
does not know, are left out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import sys
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from edgebot.core.errors import BundleError, UsageError
from edgebot.deploy.tools import run_tool

RECIPE = 1
"""Goes up when the build is done in another way."""

FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_SYSTEM_NAME=Linux",
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",  # wheels hold no links: one file, one name
    "-DCMAKE_INSTALL_RPATH=$ORIGIN",
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_SHARED_LINKER_FLAGS=-s",
    "-DCMAKE_MODULE_LINKER_FLAGS=-s",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_OPENMP=OFF",  # its own threads do; one Debian package less on the board
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DLLAMA_BUILD_COMMON=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_TOOLS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_CURL=OFF",
)

LEVELS = {
    "aarch64": ("armv8.0_1", "armv8.2_1", "armv8.2_2"),
    "x86_64": ("x64", "haswell", "skylakex"),
}
"""Cortex-A53 and A72; A76 and A78 without and with half precision; any x86, AVX2, AVX-512."""

_VARIANT = re.compile(
    r"^[ \t]*ggml_add_cpu_backend_variant\(([\w.]+)[^)\n]*\)[ \t]*$", re.MULTILINE
)


def find(cache: Path, version: str, arch: str) -> Path | None:
    """The wheel in the cache, if it was built before."""
    return next(_shelf(cache, version, arch).glob("*.whl"), None)


def build(
    cache: Path, version: str, arch: str, say: Callable[[str], None], jobs: int | None = None
) -> Path:
    """The wheel for ``arch``, built now unless the cache has it (about 11 minutes of one core).

    Raises :class:`UsageError` naming the Debian packages that are missing, and
    :class:`BundleError` with the compiler's last lines when the build fails. An interrupted build
    goes on where it stopped.
    """
    shelf = _shelf(cache, version, arch)
    shelf.mkdir(parents=True, exist_ok=True)
    with (shelf / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wheel := find(cache, version, arch):
            return wheel
        work = cache / "build" / shelf.name
        compilers = _compilers(arch)
        source = _source(work, version, arch, say)
        tree = work / "cmake"
        configure: list[str | Path] = [
            "cmake",
            "-G",
            "Ninja",
            "-S",
            str(source / "vendor/llama.cpp"),
            "-B",
            tree,
        ]
        prefix = f"-ffile-prefix-map={source}=."
        run_tool(
            [
                *configure,
                *FLAGS,
                *compilers,
                f"-DCMAKE_SYSTEM_PROCESSOR={arch}",
                f"-DCMAKE_C_FLAGS={prefix}",
                f"-DCMAKE_CXX_FLAGS={prefix}",
            ],
            lambda line: None,
        )
        say(f"building llama.cpp for {arch} (about 11 minutes of one core, once)")
        number = jobs or os.cpu_count() or 1
        run_tool(["nice", "-n", "15", "cmake", "--build", tree, "-j", str(number)], _share_of(say))
        wheel = _wheel(shelf, source, tree / "bin", version, arch)
        shutil.rmtree(work)
        return wheel


def _shelf(cache: Path, version: str, arch: str) -> Path:
    recipe = " ".join((*FLAGS, *LEVELS[arch], str(RECIPE)))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    return cache / "wheels" / f"llama-cpp-python-{version}-{arch}-{key}"


def _compilers(arch: str) -> list[str]:
    prefix = "" if arch == platform.machine() else f"{arch}-linux-gnu-"
    needed = {
        "cmake": "cmake",
        "ninja": "ninja-build",
        f"{prefix}gcc": f"gcc-{arch}-linux-gnu" if prefix else "gcc",
        f"{prefix}g++": f"g++-{arch}-linux-gnu" if prefix else "g++",
    }
    missing = [package for tool, package in needed.items() if not shutil.which(tool)]
    if missing:
        packages = " ".join(missing).replace("_", "-")
        raise UsageError(
            f"building llama.cpp for {arch} needs more: run `apt-get install {packages}`"
        )
    return [f"-DCMAKE_C_COMPILER={prefix}gcc", f"-DCMAKE_CXX_COMPILER={prefix}g++"]


def _source(work: Path, version: str, arch: str, say: Callable[[str], None]) -> Path:
    done = work / "source"
    if done.is_dir():
        return done
    say("fetching the source of llama.cpp")
    fresh = work / "fetch"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "-d",
        fresh,
    ]
    package = f"llama-cpp-python=={version}"
    run_tool([*pip, "-d", fresh, "--no-binary", "llama-cpp-python", package], lambda line: None)
    with tarfile.open(next(fresh.glob("*.tar.gz"))) as archive:
        archive.extractall(fresh, filter="data")
    unpacked = next(path for path in fresh.iterdir() if path.is_dir())
    keep_levels(unpacked / "vendor/llama.cpp/ggml/src/CMakeLists.txt", LEVELS[arch])
    unpacked.replace(done)
    shutil.rmtree(fresh)
    return done


def keep_levels(recipe: Path, levels: tuple[str, ...]) -> None:
    """Take every processor level but ``levels`` out of ggml's CMakeLists.txt."""
    text = recipe.read_text()
    absent = set(levels) - set(_VARIANT.findall(text))
    if absent:
        raise BundleError(
            f"this llama.cpp has no level {', '.join(sorted(absent))}; "
            "adapt LEVELS in edgebot/deploy/wheels_llama.py"
        )
    recipe.write_text(_VARIANT.sub(lambda m: m[0] if m[1] in levels else "", text))


def _share_of(say: Callable[[str], None]) -> Callable[[str], None]:
    said = [0]

    def line(text: str) -> None:
        if match := re.match(r"\[(\d+)/(\d+)\]", text):
            tenth = 10 * int(match[1]) // int(match[2])
            if tenth > said[0]:
                said[0] = tenth
                say(f"building llama.cpp: {match[1]} of {match[2]} files")

    return line


def _wheel(shelf: Path, source: Path, built: Path, version: str, arch: str) -> Path:
    """Put the Python files and the libraries into a wheel; the same files, the same bytes."""
    files = {
        f"llama_cpp/{path.relative_to(source / 'llama_cpp')}": path.read_bytes()
        for path in sorted((source / "llama_cpp").rglob("*"))
        if path.is_file() and path.suffix in (".py", ".typed")
    }
    files |= {f"llama_cpp/lib/{path.name}": path.read_bytes() for path in built.glob("*.so")}
    info = f"llama_cpp_python-{version}.dist-info"
    tag = f"py3-none-linux_{arch}"
    files[f"{info}/METADATA"] = (source / "PKG-INFO").read_bytes()
    files[f"{info}/licenses/LICENSE.md"] = (source / "LICENSE.md").read_bytes()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: edgebot\nRoot-Is-Purelib: false\nTag: {tag}\n"
    ).encode()
    record = "".join(
        f"{name},{_digest(files[name])},{len(files[name])}\n" for name in sorted(files)
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = shelf / f"llama_cpp_python-{version}-{tag}.whl"
    half = wheel.with_suffix(".half")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    half.replace(wheel)
    return wheel


def _digest(content: bytes) -> str:
    raw = hashlib.sha256(content).digest()
    return "sha256=" + urlsafe_b64encode(raw).rstrip(b"=").decode()
