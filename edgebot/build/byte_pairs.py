"""Byte-pair vocabularies of GGUF files: read, and encoded with, word by word."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgebot.build.gguf_file import GgufFile
from edgebot.core.errors import EngineError


def _byte_characters() -> dict[int, str]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + at) for at, byte in enumerate(others)
    }


SYMBOLS = _byte_characters()
"""Byte → the printable character GPT-2's vocabulary writes it as."""

BYTES = {symbol: byte for byte, symbol in SYMBOLS.items()}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens of a byte-pair vocabulary."""

    texts: Sequence[str]
    """As the file writes them: bytes as printable characters."""

    types: Sequence[int]
    merges: Sequence[tuple[str, str]]


def read_vocabulary(source: GgufFile) -> Vocabulary:
    """The vocabulary of ``source``; raises ``EngineError`` when it is of another kind."""
    kind = source.field("tokenizer.ggml.model")
    if kind != "gpt2":
        raise EngineError(
            f"{source.path}: its vocabulary ({kind}) is no byte-pair encoding; leave "
            "prune-vocabulary out"
        )
    texts = source.field("tokenizer.ggml.tokens", [])
    types = source.field("tokenizer.ggml.token_type", [])
    merges = [_pair(merge) for merge in source.field("tokenizer.ggml.merges", [])]
    rows = len(source.tensor("token_embd.weight").data)
    if not len(texts) == len(types) == rows:
        raise EngineError(
            f"{source.path}: {len(texts)} tokens, {len(types)} types and {rows} rows of weights do "
            "not match; fetch it again"
        )
    return Vocabulary(texts, types, merges)


class BytePairs:
    """Byte-pair encoding of single words, with what it goes through."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ranks = {pair: rank for rank, pair in enumerate(vocabulary.merges)}
        self.alphabet = sorted(BYTES)

    def encode(self, word: str) -> list[str]:
        """The tokens of ``word`` (plain text), as the file writes them."""
        return self.parts([SYMBOLS[byte] for byte in word.encode("utf-8")])[0]

    def parts(self, symbols: list[str]) -> tuple[list[str], set[str]]:
        """What ``symbols`` become, and everything that was made on the way."""
        made: set[str] = set()
        while len(symbols) > 1:
            ranks = [self._ranks.get(pair, len(self._ranks)) for pair in _pairs(symbols)]
            best = min(ranks)
            if best == len(self._ranks):
                break
            at = ranks.index(best)
            symbols = [*symbols[:at], symbols[at] + symbols[at + 1], *symbols[at + 2 :]]
            made.add(symbols[at])
        return symbols, made

    def closed(self, kept: Iterable[int], ids: dict[str, int]) -> set[int]:
        """``kept`` and everything that leads to it."""
        texts = {at: text for text, at in ids.items()}
        known = set(self.alphabet)
        found = set(kept)
        for at in list(found):
            text = texts[at]
            if all(symbol in known for symbol in text):
                _, made = self.parts(list(text))
                found |= {ids[part] for part in made if part in ids}
        return found


def _pair(merge: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    return left, right


def _pairs(symbols: Sequence[str]) -> Iterable[tuple[str, str]]:
    return itertools.pairwise(symbols)
