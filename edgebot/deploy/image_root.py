"""Files into an ext4 file system that is not mounted: a script for ``debugfs``."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edgebot.core.errors import FlashError


class Root:
    """The root file system of an image, in a file of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none."""
        done = self._run(["debugfs", "-R", f"cat {_quoted(path)}", str(self._file)])
        if b"File not found" in done.stderr or b"not found by ext2_lookup" in done.stderr:
            return None
        return done.stdout

    def resize(self) -> None:
        """Grow into the whole of its file."""
        self.check()
        done = self._run(["resize2fs", str(self._file)])
        if done.returncode:
            raise FlashError(f"the file system cannot grow ({_last(done.stderr)}); see its image")

    def check(self) -> None:
        """Have its own tool look at it and mend it; raises :class:`FlashError`."""
        done = self._run(["e2fsck", "-f", "-y", str(self._file)])
        if done.returncode > 1:
            raise FlashError(
                f"the file system of the image is damaged ({_last(done.stdout)}); fetch it anew"
            )

    def put(self, tree: Path) -> None:
        """Copy everything below ``tree`` in, owned by root; hard links stay hard links."""
        lines: list[str] = []
        names: dict[int, list[str]] = {}
        for folder, folders, files in os.walk(tree):
            folders.sort()
            for name in sorted(folders):
                path = Path(folder) / name
                if path.is_symlink():
                    files.append(name)
                else:
                    lines += self._folder(path, _inside(path, tree))
            for name in sorted(files):
                path = Path(folder) / name
                lines += self._file_lines(path, _inside(path, tree), names)
        for paths in names.values():
            if len(paths) > 1:
                lines.append(f"sif {_quoted(paths[0])} links_count {len(paths)}")
        self.run(lines)

    def _folder(self, path: Path, inside: str) -> list[str]:
        ours = inside.startswith("/opt/edgebot/")  # there are thousands of these, and all are new
        if not ours and self.read_kind(inside) == "directory":
            return []
        mode = stat.S_IMODE(path.stat().st_mode) | stat.S_IFDIR
        return [f"mkdir {_quoted(inside)}", *_owned(inside, mode)]

    def _file_lines(self, path: Path, inside: str, names: dict[int, list[str]]) -> list[str]:
        look = path.lstat()
        away = [f"rm {_quoted(inside)}"]
        if path.is_symlink():
            return [*away, f"symlink {_quoted(inside)} {_quoted(str(path.readlink()))}"]
        others = names.setdefault(look.st_ino, [])
        others.append(inside)
        if len(others) > 1:
            return [*away, f"ln {_quoted(others[0])} {_quoted(inside)}"]
        mode = stat.S_IMODE(look.st_mode) | stat.S_IFREG
        return [*away, f"write {_quoted(str(path))} {_quoted(inside)}", *_owned(inside, mode)]

    def read_kind(self, path: str) -> str:
        """``directory``, ``regular``, ``symlink`` …; empty when there is nothing."""
        done = self._run(["debugfs", "-R", f"stat {_quoted(path)}", str(self._file)])
        for line in done.stdout.decode(errors="replace").splitlines():
            if "Type:" in line:
                return line.partition("Type:")[2].split()[0]
        return ""

    def run(self, lines: Sequence[str]) -> None:
        """Run a script of debugfs; raises :class:`FlashError` with its first complaint."""
        done = self._run(
            ["debugfs", "-w", "-f", "-", str(self._file)], "\n".join(lines).encode() + b"\n"
        )
        for line in done.stderr.decode(errors="replace").splitlines():
            harmless = ("debugfs ", "rm: File not found")
            if line.strip() and not line.startswith(harmless) and "not found by ext2" not in line:
                raise FlashError(f"the image cannot be written to ({line.strip()}); has it room?")

    @staticmethod
    def _run(words: Sequence[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environ = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
        try:
            return subprocess.run(words, input=stdin, capture_output=True, check=False, env=environ)
        except FileNotFoundError:
            raise FlashError(f"{words[0]} is not on this machine; install e2fsprogs") from None


def _inside(path: Path, tree: Path) -> str:
    return "/" + path.relative_to(tree).as_posix()


def _owned(path: str, mode: int) -> list[str]:
    name = _quoted(path)
    return [f"sif {name} mode 0{mode:o}", f"sif {name} uid 0", f"sif {name} gid 0"]


def _quoted(path: str) -> str:
    if '"' in path or "\n" in path:
        raise FlashError(f"{path!r} cannot be put into an image; rename it")
    return f'"{path}"'


def _last(raw: bytes) -> str:
    lines = raw.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
