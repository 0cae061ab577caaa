"""A language model of a few thousand weights in a GGUF file: random, but whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, KV_HEADS, FEED_FORWARD, CONTEXT = 2, 128, 4, 2, 96, 512
HEAD = WIDTH // HEADS
MERGES = ["t h", "th e", "Ġ the", "i n", "Ġ a", "e r", "o n", "Ġ s", "1 2"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Tensors = dict[str, np.ndarray]


def letters() -> list[str]:
    """The 256 letters of a byte-level vocabulary."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    known = {byte: chr(byte) for byte in plain}
    known |= {byte: chr(256 + at) for at, byte in enumerate(others)}
    return [known[byte] for byte in range(256)]


def vocabulary() -> list[str]:
    merged = [merge.replace(" ", "") for merge in MERGES]
    return [*SPECIAL, *letters(), *dict.fromkeys([*merged, "Ġ", "Ġthe"])][: 3 + 256 + len(MERGES)]


def tensors(architecture: str, seed: int = 1) -> Tensors:
    """Weights large enough that positions and heads matter."""
    random = np.random.default_rng(seed)

    def make(*shape: int, size: float = 1.0) -> np.ndarray:
        scale = size / np.sqrt(shape[-1])
        return (random.standard_normal(shape) * scale).astype(np.float32)

    tokens, side = len(vocabulary()), KV_HEADS * HEAD
    found = {
        "token_embd.weight": make(tokens, WIDTH, size=2.0),
        "output_norm.weight": 1 + make(WIDTH),
    }
    if architecture == "qwen2":
        found["output.weight"] = make(tokens, WIDTH, size=2.0)
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        found |= {
            f"{name}attn_norm.weight": 1 + make(WIDTH),
            f"{name}attn_q.weight": make(WIDTH, WIDTH, size=2.0),
            f"{name}attn_k.weight": make(side, WIDTH, size=2.0),
            f"{name}attn_v.weight": make(side, WIDTH),
            f"{name}attn_output.weight": make(WIDTH, WIDTH),
            f"{name}ffn_norm.weight": 1 + make(WIDTH),
            f"{name}ffn_gate.weight": make(FEED_FORWARD, WIDTH),
            f"{name}ffn_up.weight": make(FEED_FORWARD, WIDTH),
            f"{name}ffn_down.weight": make(WIDTH, FEED_FORWARD),
        }
        if architecture == "qwen2":
            for part, rows in (("q", WIDTH), ("k", side), ("v", side)):
                found[f"{name}attn_{part}.bias"] = make(rows, size=4.0)
    return found


def write_gguf(
    path: Path,
    architecture: str = "llama",
    *,
    pre: str = "smollm",
    change: Callable[[Tensors], Any] = lambda tensors: None,
    leave_out: frozenset[str] = frozenset(),
    more: Mapping[str, str] | None = None,
) -> Path:
    """Write a model; ``change`` may alter its tensors, ``leave_out`` names entries to omit."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    texts = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(texts)
    writer.add_token_types([3 if text in SPECIAL else 1 for text in texts])
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(1)
    writer.add_bos_token_id(0)
    writer.add_add_bos_token(False)
    if "chat_template" not in leave_out:
        writer.add_chat_template(TEMPLATE)
    for key, value in (more or {}).items():
        writer.add_string(key, value)
    weights = tensors(architecture)
    change(weights)
    for name, array in weights.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
