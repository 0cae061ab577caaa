"""Debian packages that a small board lacks, for a bundle: libraries that wheels are linked against.

They come from the mirror that this machine's apt uses, for the board's release and architecture,
by an apt that knows nothing but those; apt verifies them by the archive's own signature. The
cache keeps them, so that the next bundle has the same ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebot.core.errors import BundleError
from edgebot.deploy.bundle_format import Component
from edgebot.deploy.tools import run_tool
from edgebot.models.digest import locked

SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""Minor version of Python → the release of Debian that has it as its own."""

ARCHES = {"aarch64": "arm64", "x86_64": "amd64"}

BASE = re.compile(r"libc6|libcrypt1|libgcc-s1|libstdc\+\+6|gcc-\d+-base|zlib1g")
"""Every Debian has these; a second copy could only be the wrong one."""

CONFIG = """\
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
Dir "{home}";
Dir::State::status "{home}/status";
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "{home}/keys/";
Acquire::Languages "none";
"""

_KEYRINGS = ("/etc/apt/trusted.gpg.d", "/usr/share/keyrings")


@dataclass(frozen=True, slots=True)
class Deb:
    """One package file."""

    path: Path
    name: str
    version: str


def suite_of(python: str) -> str | None:
    """The Debian release whose own Python that is; None where none has it."""
    return SUITES.get(python)


def mirror() -> str | None:
    """The address of Debian's packages that this machine uses; None where it is no Debian."""
    text = ""
    for file in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        if file.suffix in (".list", ".sources") and file.is_file():
            text += file.read_text(errors="replace") + "\n"
    found = re.search(r"^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+/debian)/?(?:\s|$)", text, re.M)
    return found[1] if found else None


def packages(
    wanted: Sequence[str], arch: str, python: str, cache: Path, say: Callable[[str], None]
) -> list[Deb]:
    """``wanted`` and all that they need beside :data:`BASE`, sorted by name.

    Empty where there are none to be had: for a Python of no Debian, or on a machine without apt.
    Raises :class:`BundleError` when the mirror does not have them.
    """
    suite, address = suite_of(python), mirror()
    if not wanted or suite is None or address is None or not shutil.which("apt-get"):
        say("no Debian packages are in the bundle: the board must have them")
        return []
    shelf = cache / "debian" / f"{suite}-{ARCHES[arch]}-{'-'.join(wanted)}"
    with locked(shelf.with_name(f"{shelf.name}.lock"), lambda: None):
        if not shelf.is_dir():
            say(f"fetching {', '.join(wanted)} of Debian {suite} for {ARCHES[arch]}")
            _fetch(shelf, wanted, ARCHES[arch], suite, address)
    return [_described(path) for path in sorted(shelf.glob("*.deb"))]


def _fetch(shelf: Path, wanted: Sequence[str], arch: str, suite: str, address: str) -> None:
    home = shelf.with_name(f".half-{shelf.name}")
    shutil.rmtree(home, ignore_errors=True)
    fresh = home / "debs"
    for folder in (fresh, home / "var/lib/apt/lists/partial", home / "keys"):
        folder.mkdir(parents=True)
    for place in _KEYRINGS:
        for key in [*Path(place).glob("debian-archive*.gpg"), *Path(place).glob("debian*.asc")]:
            shutil.copy(key, home / "keys")
    (home / "status").touch()
    (home / "sources.list").write_text(f"deb {address} {suite} main\n")
    (home / "apt.conf").write_text(CONFIG.format(arch=arch, home=home))
    environ = {**os.environ, "APT_CONFIG": str(home / "apt.conf"), "LC_ALL": "C"}
    run_tool(["apt-get", "-q", "update"], environ=environ)
    names = _needed(wanted, environ)
    # The names are of packages that are there, so nothing but the mirror can go wrong.
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names]
    done = subprocess.run(
        command, cwd=fresh, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleError(f"Debian {suite} does not give {', '.join(names)}: {done.stderr[-300:]}")
    fresh.rename(shelf)
    shutil.rmtree(home)


def _needed(wanted: Sequence[str], environ: dict[str, str]) -> list[str]:
    """Names of ``wanted`` and what they need, as an empty machine would install them."""
    command = ["apt-get", "-q", "-q", "--print-uris", "-y", "install", *wanted]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"apt cannot find {', '.join(wanted)}: {done.stderr[-300:]}")
    names = re.findall(r"^'\S+' ([^_ ]+)_\S+\.deb ", done.stdout, re.M)
    return sorted(name for name in names if not BASE.fullmatch(name))


def _described(path: Path) -> Deb:
    name, version, _ = path.name.removesuffix(".deb").split("_")
    return Deb(path, name, version.replace("%3a", ":"))


def component(deb: Deb) -> Component:
    """What manifest and SBOM say about it; the licences as its copyright file calls them."""
    return Component(deb.name, deb.version, _licence(deb), "debian", deb.path.stat().st_size)


def _licence(deb: Deb) -> str:
    unpack = f"./usr/share/doc/{deb.name}/copyright"
    tar = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", deb.path], capture_output=True, check=False
    ).stdout
    text = subprocess.run(
        ["tar", "--extract", "--to-stdout", unpack], input=tar, capture_output=True, check=False
    ).stdout.decode(errors="replace")
    names = re.findall(r"^License:[ \t]*(\S+)", text, re.M)
    return " AND ".join(sorted(set(names))) or "see its copyright file"
