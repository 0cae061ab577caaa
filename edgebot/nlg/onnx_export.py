"""What stands in the directory of an exported ONNX language model, and whether it holds together.

``model.json`` describes the model: its geometry, how its weights are stored, what it was made
from, its vocabulary's special tokens and its chat template. Beside it lie ``model.onnx`` (the
graph), ``model.onnx.data`` (the weights) and ``tokenizer.json``. The description carries size and
SHA-256 of the three, so its own hash stands for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from edgebot.core.errors import EngineError

DESCRIPTION = "model.json"
GRAPH = "model.onnx"
WEIGHTS = "model.onnx.data"
TOKENIZER = "tokenizer.json"

FORMAT = 1
_LARGEST_DESCRIPTION = 4_000_000

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Geometry:
    """The measures of a decoder."""

    layers: int
    width: int
    """Of the residual stream."""

    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    vocabulary: int
    context_tokens: int
    """Longest context the model was trained for."""

    rope_base: float
    rope_interleaved: bool
    """Rotary pairs are neighbours (Llama in GGUF) instead of halves (Qwen)."""

    norm_epsilon: float

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(layers, 2, kv_heads) come before (positions, head_width) in the key-value state."""
        return self.layers, 2, self.kv_heads

    @property
    def state_bytes_per_token(self) -> int:
        """Bytes of 32-bit key-value state a token of context takes."""
        return self.layers * 2 * self.kv_heads * self.head_width * 4


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it was written."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Description:
    """What ``model.json`` says."""

    architecture: str
    bits: int
    """4 (the two large matrices of each layer; the others have 8), 8, or 32 (not quantized)."""

    source_sha256: str
    """Of the GGUF file it was made from."""

    geometry: Geometry
    chat_template: str
    first_token: int | None
    """The token every prompt begins with, where the model wants one."""

    end_tokens: tuple[int, ...]
    control_tokens: tuple[int, ...]
    """Tokens that write nothing."""

    files: Mapping[str, FileFacts]
    format: int = FORMAT

    def to_json(self) -> str:
        """The content of ``model.json``."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def read_description(path: Path) -> Description:
    """Read ``model.json`` at ``path`` and hold it against the files beside it.

    Raises ``EngineError`` when it is no such description, or a file is absent or of another size.
    """
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_LARGEST_DESCRIPTION))
        description = _parse(data)
    except OSError as problem:
        raise EngineError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise EngineError(
            f"{path}: this does not describe an exported model ({problem}); make it anew with "
            "`edgebot build onnx`"
        ) from None
    if description.format != FORMAT:
        raise EngineError(
            f"{path}: the export has format {description.format} and this version reads "
            f"{FORMAT}; make it anew with `edgebot build onnx`"
        )
    for name, facts in description.files.items():
        _check_file(path.with_name(name), facts)
    return description


def _check_file(path: Path, facts: FileFacts) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        raise EngineError(
            f"{path}: belongs to the model and is not there; copy the whole directory, or make "
            "it anew with `edgebot build onnx`"
        ) from None
    if size != facts.size:
        raise EngineError(
            f"{path}: {size} bytes of {facts.size}; copy it again, or make it anew with "
            "`edgebot build onnx`"
        )


def _parse(data: dict[str, Any]) -> Description:
    files = {name: _typed(FileFacts, facts) for name, facts in data["files"].items()}
    if missing := {GRAPH, WEIGHTS, TOKENIZER} - set(files):
        raise ValueError(f"it names no {', '.join(sorted(missing))}")
    description = _typed(
        Description,
        {
            **data,
            "geometry": _typed(Geometry, data["geometry"]),
            "files": files,
            "end_tokens": tuple(map(int, data["end_tokens"])),
            "control_tokens": tuple(map(int, data["control_tokens"])),
        },
    )
    g = description.geometry
    measures = (g.layers, g.width, g.heads, g.kv_heads, g.head_width, g.feed_forward, g.vocabulary)
    if min(measures) < 1 or g.heads % g.kv_heads or g.head_width % 2 or g.context_tokens < 1:
        raise ValueError("its geometry is impossible")
    return description


def _typed(kind: type[T], values: dict[str, Any]) -> T:
    """``kind`` from ``values``; raises ``ValueError`` for numbers that are none."""
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    for name, value in values.items():
        wanted = _KINDS.get(known[name], (object,))
        if not isinstance(value, wanted) or (isinstance(value, bool) and int in wanted):
            raise ValueError(f"{name} is {value!r}")
    return kind(**values)
