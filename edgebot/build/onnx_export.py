"""``edgebot build onnx``: from a GGUF file to a directory the onnx engine runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebot.build.decoder_graph import write_decoder
from edgebot.build.gguf_vocabulary import write_tokenizer
from edgebot.build.gguf_weights import GgufWeights
from edgebot.build.quantize import BLOCK
from edgebot.core.errors import EngineError, UsageError
from edgebot.models.digest import sha256_of, sync_directory, writing
from edgebot.nlg.onnx_export import (
    DESCRIPTION,
    GRAPH,
    TOKENIZER,
    WEIGHTS,
    Description,
    FileFacts,
)

BITS = (4, 8, 32)
"""What weights can be stored in; 32 is for comparing only."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export."""

    folder: Path
    description: Description


def export(
    source: Path,
    target: Path,
    bits: int = 4,
    *,
    source_sha256: str = "",
    begin: Callable[[str, int], None] = lambda label, total: None,
    advance: Callable[[int], None] = lambda done: None,
) -> Exported:
    """Make the directory ``target`` from the GGUF file ``source``.

    It appears whole or not at all; an older export of that name is replaced, anything else is left
    alone. ``source_sha256`` where it is known. ``begin`` is told what is done and how many bytes of
    weights there are, ``advance`` how many of them are done. Raises ``UsageError`` (a target that
    holds something else), ``EngineError`` (a file that cannot be exported), ``ModelError`` (no
    space).
    """
    if bits not in BITS:
        raise UsageError(f"weights can be stored in {', '.join(map(str, BITS))} bits, not {bits}")
    _check_target(target)
    weights = GgufWeights(source)
    _check_blocks(weights, bits)
    begin(f"{target.name}: {bits} bits", weights.bytes)
    count = _count(weights)

    def done(numbers: int) -> None:
        advance(weights.bytes * numbers // count)

    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            part.chmod(0o755)
            digest = source_sha256 or sha256_of(source)
            description = _write(weights, bits, part, digest, done)
            _settle(part)
            _replace(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Exported(target, description)


def _write(
    source: GgufWeights, bits: int, folder: Path, digest: str, advance: Callable[[int], None]
) -> Description:
    special = write_tokenizer(source, folder / TOKENIZER)
    template = source.field("tokenizer.chat_template")
    if not template:
        raise EngineError(f"{source.path}: it has no chat template; choose a chat model")
    known = {WEIGHTS: write_decoder(source, bits, folder, advance)}
    files = {
        name: FileFacts((folder / name).stat().st_size, known.get(name) or sha256_of(folder / name))
        for name in (GRAPH, WEIGHTS, TOKENIZER)
    }
    description = Description(
        architecture=source.architecture,
        bits=bits,
        source_sha256=digest,
        geometry=source.geometry,
        chat_template=template,
        first_token=special.first,
        end_tokens=special.ends,
        control_tokens=special.control,
        files=files,
    )
    (folder / DESCRIPTION).write_text(description.to_json(), encoding="utf-8")
    return description


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir() or (any(target.iterdir()) and not (target / DESCRIPTION).is_file()):
        raise UsageError(f"{target} holds something that is no export; name another directory")


def _check_blocks(source: GgufWeights, bits: int) -> None:
    g = source.geometry
    widths = (g.width, g.feed_forward, g.heads * g.head_width)
    if bits < 32 and any(width % BLOCK for width in widths):
        raise EngineError(f"{source.path}: its layers are no multiples of {BLOCK} wide")


def _count(source: GgufWeights) -> int:
    g = source.geometry
    heads = g.heads + 2 * g.kv_heads
    layer = g.width * g.head_width * (heads + g.heads) + 3 * g.width * g.feed_forward
    return g.layers * layer + g.vocabulary * g.width * (1 if source.tied else 2)


def _settle(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_directory(folder)


def _replace(part: Path, target: Path) -> None:
    old = part.with_name(f"{part.name}.old")
    if target.exists():
        target.rename(old)
    part.rename(target)
    sync_directory(target.parent)
    shutil.rmtree(old, ignore_errors=True)
