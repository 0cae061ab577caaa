"""A BERT of two layers whose weights are drawn by chance, with a vocabulary of some words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from edgebot.build.artefact import Artefact
from edgebot.build.minilm_weights import AFTER, INNER, KEY, OUTER, QUERY, VALUE, Bert, layer_name
from edgebot.build.step import Job, Texts
from edgebot.embed.safetensors_file import write_safetensors

WIDTH, HEADS, LAYERS, NEURONS = 32, 4, 2, 64
_SAID = (
    "turn the light on off in kitchen bedroom play some jazz music what is weather like today "
    "set a timer for ten minutes stop please tell me time dim lamp louder softer next song"
)
WORDS = _SAID.split()
PIECES = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", *WORDS]


def config() -> dict:
    return {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12,
        "vocab_size": len(PIECES),
    }


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def drawn(*shape: int, spread: float = 0.3) -> np.ndarray:
        return rng.normal(0.0, spread, shape).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": drawn(len(PIECES), WIDTH, spread=1.0),
        "embeddings.position_embeddings.weight": drawn(512, WIDTH, spread=0.1),
        "embeddings.token_type_embeddings.weight": drawn(2, WIDTH, spread=0.1),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        shapes = {
            **dict.fromkeys((QUERY, KEY, VALUE, AFTER), (WIDTH, WIDTH)),
            INNER: (NEURONS, WIDTH),
            OUTER: (WIDTH, NEURONS),
        }
        for part, shape in shapes.items():
            found[f"{layer_name(layer, part)}.weight"] = drawn(*shape)
            found[f"{layer_name(layer, part)}.bias"] = drawn(shape[0], spread=0.05)
        norms += [
            layer_name(layer, part) for part in ("attention.output.LayerNorm", "output.LayerNorm")
        ]
    for name in norms:
        found[f"{name}.weight"] = 1.0 + drawn(WIDTH, spread=0.05)
        found[f"{name}.bias"] = drawn(WIDTH, spread=0.05)
    return found


def bert(seed: int = 0) -> Bert:
    return Bert(tensors(seed), config())


def tokenizer() -> Tokenizer:
    made = Tokenizer(WordPiece({piece: at for at, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)]
    )
    return made


def artefact(folder: Path, weights: dict[str, np.ndarray] | None = None) -> Artefact:
    """The encoder as the catalogue has it: safetensors, tokenizer, config."""
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", weights or tensors())
    (folder / "config.json").write_text(json.dumps(config()))
    tokenizer().save(str(folder / "tokenizer.json"))
    return Artefact(
        folder,
        {"model": "model.safetensors", "tokenizer": "tokenizer.json", "config": "config.json"},
    )


def sentences(count: int, seed: int = 1) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(count)]


def job(folder: Path, artefact: Artefact, source: Artefact | None = None, **texts: object) -> Job:
    """A job in ``folder``; texts are lists of lines or paths."""
    files = {}
    for name, lines in texts.items():
        path = folder / f"{name}.txt"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))  # type: ignore[arg-type]
        files[name] = [path]
    for part in ("files", "scratch"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return Job(artefact, source or artefact, folder / "files", folder / "scratch", Texts(files))


def made(step: object, work: Job) -> tuple[Artefact, dict]:
    """What ``step`` makes of ``work``."""
    result = step.run(work)  # type: ignore[attr-defined]
    return Artefact(work.folder, result.roles), dict(result.notes)
