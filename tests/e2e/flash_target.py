"""A board for tests: a real sshd with a root folder of its own and no network but itself.

The bundle is real as well: this checkout's edgebot and real models. Only the installed packages of
others are not copied but named by a ``sitecustomize.py`` of the release.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import edgebot
from edgebot.config import paths
from edgebot.deploy import bundle_contents as contents
from edgebot.deploy.bundle_contents import File
from edgebot.deploy.bundle_file import write_bundle
from edgebot.deploy.bundle_format import Manifest
from edgebot.deploy.wheels import compile_bytecode
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.signatures import SigningKey
from edgebot.models.store import ModelStore

PATIENCE_S = 120.0
MODELS = (
    "vosk-en-zamia",
    "piper-en-us-joe-medium",
    "minilm-l6-v2-int8",
    "silero-vad",
    "smart-turn-v3.2",
    "microwakeword-okay-nabu",
)
CREATED = 1_780_000_000

SETTINGS = """\
audio: {microphone: a microphone that is not there, speaker: none either, echo: none}
server: {enabled: false}
knowledge: {shipped: false}
"""

PACKAGES = f"""\
import site
site.addsitedir({sysconfig.get_path("purelib")!r})
"""
"""Named, not copied: half a gigabyte that is the same in every release."""


class Workshop:
    """Makes small real bundles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = folder / "site"
        site.mkdir(parents=True)
        contents.stage_package(site)
        (site / "sitecustomize.py").write_text(PACKAGES)
        self.bytecode = compile_bytecode(site, f"3.{sys.version_info[1]}")
        self.base: list[File] = contents.tree(site, "site", "python")
        store = ModelStore(paths.models_dir(), load_catalog(catalog_files(paths.models_dir())))
        for name in MODELS:  # packing them takes longer than everything else
            for file in contents.model_files(store.open(name)):
                self.base.append(replace(file, entry=replace(file.entry, stored="plain")))
        self.base.append(self._made("settings/edgebot.yaml", SETTINGS, "settings"))
        launcher = contents.LAUNCHER.format(python=f"3.{sys.version_info[1]}")
        self.base.append(self._made("bin/edgebot", launcher, "python"))

    def _made(self, path: str, text: str, kind: Any) -> File:
        place = Path(tempfile.mkdtemp(dir=self.folder)) / Path(path).name
        place.write_text(text)
        place.chmod(0o755 if path.startswith("bin/") else 0o644)
        return contents.one(place, path, kind)

    def bundle(
        self,
        name: str,
        key: SigningKey,
        changed: Mapping[str, str] | None = None,
        created: int = CREATED,
        **facts: Any,
    ) -> Path:
        """A bundle with the files in ``changed`` replaced or added; ``facts`` of its manifest."""
        files = {file.entry.path: file for file in self.base}
        for path, text in (changed or {}).items():
            folder, _, file = path.rpartition("/")
            compiled = f"{folder}/__pycache__/{file.removesuffix('.py')}."
            files = {p: f for p, f in files.items() if not p.startswith(compiled)}
            files[path] = self._made(path, text, "python")
        about = {
            "version": edgebot.__version__, "profile": "x86", "arch": os.uname().machine,
            "python": f"3.{sys.version_info[1]}", "glibc": "2.17", "cpu": (), "system": (),
            "bytecode": self.bytecode, "components": (),
        } | facts  # fmt: skip
        manifest = Manifest(
            created=created,
            entries=tuple(sorted((f.entry for f in files.values()), key=lambda e: e.path)),
            **about,
        )
        content = manifest.to_bytes()
        out = self.folder / f"{name}.bundle"
        where: dict[str, Path | bytes] = {f.entry.sha256: f.source for f in files.values()}
        write_bundle(out, manifest, key.sign(content), where)
        return out


class Target:
    """The board: a root folder, an sshd, a network namespace where that can be had."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        grammar = paths.cache_dir() / "grammar"
        if grammar.is_dir():  # worked out from the recogniser's words, the same on every board
            shutil.copytree(grammar, self.root / "var/cache/edgebot/grammar")
        self._processes: list[subprocess.Popen[bytes]] = []
        self.inside: list[str] = []
        self.cut_off = self._cut_off()
        self.port = _free_port()
        for name in ("host_key", "user_key"):
            self._call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        self._serve()
        self.known_hosts = folder / "known_hosts"
        public = (folder / "host_key.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {' '.join(public)}\n")
        self.config = folder / "ssh_config"
        self.write_config()

    def _cut_off(self) -> bool:
        """Whether the board has a network of its own, with nothing but itself in it."""
        if os.geteuid() != 0 or shutil.which("nsenter") is None:
            return False
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert holder.stdout is not None
        up = holder.stdout.readline() == b"up\n"
        self._processes.append(holder)
        if up:
            self.inside = ["nsenter", "--net", "--target", str(holder.pid)]
        return up

    def _serve(self) -> None:
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.folder}/authorized_keys", f"PidFile {self.folder}/sshd.pid",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no",
            "StrictModes no", "PermitRootLogin prohibit-password", "MaxStartups 100",
            f"SetEnv PATH={os.environ['PATH']} PYTHONDONTWRITEBYTECODE=1",
        ]  # fmt: skip
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        with (self.folder / "sshd.log").open("ab") as log:
            sshd = subprocess.Popen(
                [*self.inside, _sshd(), "-D", "-e", "-f", f"{self.folder}/sshd_config"], stderr=log
            )
        self._processes.append(sshd)
        wait_for(lambda: "listening" in (self.folder / "sshd.log").read_text())

    def write_config(self, user: str = "", known_hosts: Path | None = None, **more: str) -> Path:
        """The client's settings: how the board is reached."""
        lines = [
            "Host board", "HostName 127.0.0.1", f"Port {self.port}",
            f"User {user or pwd.getpwuid(os.getuid()).pw_name}",
            f"IdentityFile {self.folder}/user_key", "IdentitiesOnly yes", "IdentityAgent none",
            f"UserKnownHostsFile {known_hosts or self.known_hosts}",
            "GlobalKnownHostsFile /dev/null",
        ]  # fmt: skip
        if self.inside:
            lines.append(f"ProxyCommand {' '.join(self.inside)} {sys.executable} {_RELAY} %h %p")
        lines += [f"{name} {value}" for name, value in more.items()]
        self.config.write_text("\n".join(lines) + "\n")
        return self.config

    def _call(self, *words: str) -> None:
        subprocess.run(words, check=True, capture_output=True)

    def board(self, *words: str, check: bool = True) -> dict[str, Any]:
        """One command of the program that is on the board, called there."""
        program = self.root / "opt/edgebot/board.pyz"
        done = subprocess.run(
            [*self.inside, sys.executable, "-I", str(program), "--root", str(self.root), *words],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.stdout or not check, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
        return answer

    @property
    def current(self) -> str | None:
        link = self.root / "opt/edgebot/current"
        return os.readlink(link).rpartition("/")[2] if link.is_symlink() else None

    def close(self) -> None:
        if (self.root / "opt/edgebot/board.pyz").exists():
            self.board("stop", check=False)
        for process in reversed(self._processes):
            process.send_signal(signal.SIGKILL)
            process.wait()


_RELAY = Path(__file__).with_name("flash_relay.py")


def _sshd() -> str:
    return shutil.which("sshd") or "/usr/sbin/sshd"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(there: Callable[[], bool]) -> None:
    """Wait until ``there``."""
    end = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """A board that is gone afterwards."""
    one = Target(folder)
    try:
        yield one
    finally:
        one.close()


def outcomes(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The JSON objects among ``lines``."""
    return [json.loads(line) for line in lines if line.startswith("{")]
