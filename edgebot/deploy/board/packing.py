"""This folder as one file that Python runs: ``/opt/edgebot/board.pyz``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from .durable import write
from .layout import Layout
from .manifest import Manifest

PACKAGE = "edgebot_board"

_MAIN = f"""\
import sys

if sys.version_info < (3, 11):
    sys.exit("edgebot: this board's Python is %d.%d and 3.11 or newer is needed; "
             "install a newer system (Debian 12 or later)" % sys.version_info[:2])

from {PACKAGE}.program import main

sys.exit(main())
"""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The program made of ``files`` of this folder; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        named = {f"{PACKAGE}/{name}": content for name, content in files.items()}
        for name, content in sorted({**named, "__main__.py": _MAIN.encode()}.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def own_files() -> dict[str, bytes]:
    """The files of this folder."""
    folder = Path(__file__).parent
    kinds = (".py", ".wav")
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix in kinds}


def renew(layout: Layout, manifest: Manifest) -> None:
    """Take the program that a release brings, once that release has proved itself."""
    folder = layout.release(manifest.release)
    files = {
        entry.path.rpartition("/")[2]: (folder / entry.path).read_bytes()
        for entry in manifest.entries
        if entry.kind == "installer"
    }
    if "program.py" in files:
        packed = pack(files)
        if not layout.program.is_file() or layout.program.read_bytes() != packed:
            write(layout.program, packed, 0o755)
