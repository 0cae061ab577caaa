"""Text to tokens and back with a ``tokenizer.json``, where llama.cpp does not do it."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import tokenizers

from edgebot.core.errors import EngineError


def _letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (GPT-2's table)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    table = {chr(byte): byte for byte in plain}
    return table | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTE_OF = _letters()


class Vocabulary:
    """A byte-level BPE vocabulary with its control tokens."""

    def __init__(self, path: Path, control: Collection[int]) -> None:
        """Read ``path``; raises ``EngineError`` when it is no tokenizer."""
        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(path))
        except Exception as problem:  # noqa: BLE001 - the library raises nothing more precise
            raise EngineError(
                f"{path}: this is no tokenizer ({problem}); make the model anew with "
                "`edgebot build onnx`"
            ) from None
        self._control = frozenset(control)
        self._pieces: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self.size = int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Tokens of ``text``; control tokens written out in it count only when ``special``."""
        text = text.encode("utf-8", errors="replace").decode("utf-8")  # lone surrogates
        with self._lock:  # the choice is a state of the tokenizer
            self._tokenizer.encode_special_tokens = not special
            tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def piece(self, token: int) -> bytes:
        """The bytes ``token`` writes; none for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._bytes(token)
        return known

    def _bytes(self, token: int) -> bytes:
        text = None if token in self._control else self._tokenizer.id_to_token(token)
        if text is None:
            return b""
        try:
            return bytes(_BYTE_OF[letter] for letter in text)
        except KeyError:  # an added token that stands in the vocabulary as it is written
            return str(text).encode()

    def control_texts(self) -> list[str]:
        """How the control tokens are written, longest first (``<|im_end|>`` …)."""
        texts = (self._tokenizer.id_to_token(token) for token in self._control)
        return sorted((text for text in texts if text and len(text) > 2), key=len, reverse=True)
