"""The vocabulary of a GGUF file as a ``tokenizer.json``, splitting text as llama.cpp does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers

from edgebot.build.gguf_weights import GgufWeights
from edgebot.core.errors import EngineError

_UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED = 2, 3, 4, 5
"""Token types of GGUF."""

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
_QWEN2 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_SPLITS = {"smollm": [r"\p{N}", _GPT2], "qwen2": [_QWEN2]}
"""``tokenizer.ggml.pre`` → the patterns that cut text into words, one after the other
(``llm_tokenizer_bpe`` in llama.cpp's ``src/llama-vocab.cpp``)."""

_ENDS = (
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
    "<|eom_id|>", "<EOT>", "</s>", "<|fim_pad|>", "<|repo_name|>", "<reponame>", "<|file_sep|>",
)  # fmt: skip
"""Tokens that end a reply whatever the file says of them, as in llama.cpp."""


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Tokens that are no text."""

    first: int | None
    ends: tuple[int, ...]
    control: tuple[int, ...]


def write_tokenizer(source: GgufWeights, path: Path) -> SpecialTokens:
    """Write the vocabulary of ``source`` to ``path``.

    Raises ``EngineError`` for a kind of vocabulary whose rules are not known here: tokens that
    differ from those the model was trained on make a model that babbles.
    """
    kind, pre = source.field("tokenizer.ggml.model"), source.field("tokenizer.ggml.pre")
    if kind != "gpt2" or pre not in _SPLITS:
        known = ", ".join(_SPLITS)
        raise EngineError(
            f"{source.path}: its vocabulary ({kind}, {pre}) cannot be exported; these can: {known}"
        )
    texts: list[str] = source.field("tokenizer.ggml.tokens", [])
    types = _types(source, texts)
    merges: list[str] = source.field("tokenizer.ggml.merges", [])
    if len(texts) != source.geometry.vocabulary:
        raise EngineError(
            f"{source.path}: {len(texts)} tokens and {source.geometry.vocabulary} rows of weights; "
            "fetch it again"
        )
    tokenizer = _tokenizer(texts, types, merges, _SPLITS[pre])
    tokenizer.save(str(path), pretty=False)
    return _special(source, texts, types)


def _types(source: GgufWeights, texts: list[str]) -> list[int]:
    types = list(source.field("tokenizer.ggml.token_type", []))
    if len(types) != len(texts):
        raise EngineError(f"{source.path}: tokens and their types do not match; fetch it again")
    return [_CONTROL if text in _ENDS else kind for text, kind in zip(texts, types, strict=True)]


def _tokenizer(texts: list[str], types: list[int], merges: list[str], splits: list[str]) -> Any:
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    vocabulary = {text: token for token, text in enumerate(texts)}
    tokenizer: Any = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in splits]
    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*cuts, bytewise])
    tokenizer.decoder = decoders.ByteLevel()
    for wanted, special in ((_CONTROL, True), (_UNKNOWN, True), (_USER_DEFINED, False)):
        added = [
            AddedToken(text, special=special, normalized=False)
            for text, kind in zip(texts, types, strict=True)
            if kind == wanted
        ]
        tokenizer.add_tokens(added)
    return tokenizer


def _special(source: GgufWeights, texts: list[str], types: list[int]) -> SpecialTokens:
    silent = (_UNKNOWN, _CONTROL, _UNUSED)
    control = tuple(token for token, kind in enumerate(types) if kind in silent)
    keys = ("eos", "eot", "eom")
    named = {source.field(f"tokenizer.ggml.{key}_token_id") for key in keys} - {None}
    ends = named | {token for token, text in enumerate(texts) if text in _ENDS}
    first = source.field("tokenizer.ggml.bos_token_id")
    wanted = source.field("tokenizer.ggml.add_bos_token", False)
    return SpecialTokens(
        int(first) if wanted and first is not None else None,
        tuple(sorted(int(token) for token in ends)),
        control,
    )
