"""Opens whatever sentence encoder an artefact is, as the board's own engines do."""

from __future__ import annotations

from pathlib import Path

import onnx

from edgebot.build.artefact import Artefact
from edgebot.build.minilm_graph import bert_model
from edgebot.build.minilm_weights import CONFIG, read_bert
from edgebot.core.embedding import TokenEmbedder
from edgebot.core.errors import UsageError
from edgebot.embed.minilm import MiniLmEncoder
from edgebot.embed.static import StaticEncoder


def open_encoder(artefact: Artefact, scratch: Path, threads: int = 1) -> TokenEmbedder:
    """The encoder in ``artefact``; weights that no engine runs are exported into ``scratch``.

    Raises ``UsageError`` for a model that is no sentence encoder.
    """
    artefact = runnable(artefact, scratch)
    files = artefact.file(), artefact.file("tokenizer")
    if files[0].suffix == ".safetensors":
        return StaticEncoder(*files, threads=threads)
    return MiniLmEncoder(*files, threads=threads)


def runnable(artefact: Artefact, scratch: Path) -> Artefact:
    """``artefact``, or the float32 graph of its weights."""
    if not artefact.has("tokenizer"):
        raise UsageError(f"{artefact.file().name} has no tokenizer: it is no sentence encoder")
    if artefact.file().suffix != ".safetensors" or not artefact.has(CONFIG):
        return artefact
    folder = scratch / f"exported-{artefact.sha256[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "model.onnx").exists():
        onnx.save_model(bert_model(read_bert(artefact)), str(folder / "model.onnx"))
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        tokenizer.symlink_to(artefact.file("tokenizer").resolve())
    return Artefact(folder, {"model": "model.onnx", "tokenizer": "tokenizer.json"})
