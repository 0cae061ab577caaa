"""What the engines have in common: the interface of a loaded model below the prompt and the reply.

llama.cpp and ONNX Runtime each implement these three; everything above them (templates, the kept
state, the window of the context, stop texts, loops) is written once, in ``edgebot/nlg/engine.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

TOP_K = 40
"""Candidates that reach the costlier samplers: sorting 150 000 of them a token is waste."""

PENALTY_WINDOW = 64
"""Tokens of the reply that the repetition penalty looks back."""


class StopFlag(Protocol):
    """Stops a running decode from another thread."""

    @property
    def is_set(self) -> bool:
        """True once :meth:`set` was called."""

    def set(self) -> None:
        """Make the decode that watches this flag end."""


class StateDecoder(Protocol):
    """The key-value state of one sequence: what :class:`~edgebot.nlg.kept_state.KeptState` keeps
    in step with its tokens."""

    batch_tokens: int
    """Most tokens of one :meth:`decode`."""

    def decode(self, tokens: Sequence[int]) -> bool:
        """Append ``tokens`` to the sequence; False when stopped.

        Raises ``EngineError`` when the engine fails. After False or an error the state holds an
        unknown part of ``tokens``: :meth:`forget` from where they began.
        """

    def forget(self, start: int, end: int = -1) -> bool:
        """Drop the state of positions ``start`` … ``end`` (-1: all that follow); False when the
        model cannot."""

    def close_gap(self, start: int, width: int) -> bool:
        """Move what lies from ``start`` on down by ``width``; False when the model cannot."""

    def state(self) -> bytes:
        """The state of the whole sequence as bytes."""

    def restore(self, state: bytes) -> bool:
        """Take a state that :meth:`state` gave; False when it does not fit."""


class Decoder(StateDecoder, Protocol):
    """A loaded model: text to tokens, tokens to scores. Not thread-safe; the engine has a lock."""

    vocabulary_size: int

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Tokens of ``text``; control tokens written out in it count only when ``special``."""

    @property
    def first_token(self) -> int | None:
        """The token every prompt begins with, where the model wants one."""

    def piece(self, token: int) -> bytes:
        """The bytes ``token`` writes; none for control tokens."""

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends a reply."""

    def logits(self) -> npt.NDArray[np.float32]:
        """Scores of the next token, shape (vocabulary_size,); valid until the next decode."""

    def close(self) -> None:
        """Free the weights."""


class TokenSampler(Protocol):
    """Chooses the tokens of one reply."""

    def sample(self) -> int:
        """The next token; raises ``EngineError`` when the scores are no numbers."""

    def close(self) -> None:
        """Free what it holds."""
