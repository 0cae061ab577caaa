"""The key-value state of one sequence and the tokens it stands for, kept from prompt to prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence

from edgebot.core.language import GenerationStats
from edgebot.nlg.native import StateDecoder, StopFlag
from edgebot.nlg.prefix_store import PrefixState, PrefixStore
from edgebot.nlg.reuse import common_prefix, plan_reuse


class KeptState:
    """What the model has read, in step with what the engine holds of it."""

    def __init__(self, native: StateDecoder, store: PrefixStore | None) -> None:
        """``store``: where states of static prompts outlast the process; nowhere when None."""
        self._native = native
        self._store = store
        self._prepared: PrefixState | None = None
        self.tokens: list[int] = []

    def read(self, prompt: list[int], flag: StopFlag, stats: GenerationStats) -> bool:
        """Bring the state to the end of ``prompt``; False when cancelled on the way.

        Notes in ``stats`` what was reused and how long the rest took.
        """
        began = time.perf_counter()
        stats.prompt_tokens = len(prompt)
        stats.reused_tokens = self._reuse(prompt)
        size = self._native.batch_tokens
        try:
            while len(self.tokens) < len(prompt):
                if flag.is_set or not self.append(prompt[len(self.tokens) :][:size]):
                    return False
            return True
        finally:
            stats.prefill_s = time.perf_counter() - began

    def append(self, tokens: Sequence[int]) -> bool:
        """Read ``tokens`` on; False when aborted (nothing of them stays)."""
        known = len(self.tokens)
        done = False
        try:
            done = self._native.decode(tokens)
        finally:
            if done:
                self.tokens.extend(tokens)
            else:
                self.forget(known)
        return done

    def forget(self, start: int = 0) -> None:
        """Drop everything from position ``start`` on."""
        if not self._native.forget(start):  # some architectures can only forget everything
            self._native.forget(0)
            start = 0
        del self.tokens[start:]

    def prepare(self, static: list[int], flag: StopFlag, stats: GenerationStats) -> None:
        """Have the state of ``static`` at hand: from disk where it fits, else read and saved."""
        saved = self._store.load(static) if self._store else None
        if saved and self._restore(saved):
            stats.prompt_tokens = stats.reused_tokens = len(static)
        else:
            self.forget()
            self.read(static, flag, stats)
            saved = PrefixState(tuple(static), self._native.state())
            if self._store:
                self._store.save(saved.tokens, saved.state)
        self._prepared = saved

    def unprepare(self) -> None:
        """Forget everything, the prepared state too: as after a first start."""
        self._prepared = None
        self.forget()

    def _reuse(self, prompt: list[int]) -> int:
        plan = plan_reuse(self.tokens, prompt)
        saved = self._prepared
        if (
            saved
            and plan.total < len(saved.tokens) < len(prompt)
            and common_prefix(saved.tokens, prompt) == len(saved.tokens)
            and self._restore(saved)
        ):
            return len(saved.tokens)
        if plan.gap:
            end = plan.keep + plan.gap
            if self._native.forget(plan.keep, end) and self._native.close_gap(end, plan.gap):
                del self.tokens[plan.keep : end]
            else:
                self.forget(plan.keep)
        self.forget(min(plan.total, len(self.tokens)))
        return len(self.tokens)

    def _restore(self, saved: PrefixState) -> bool:
        if self._native.restore(saved.state):
            self.tokens = list(saved.tokens)
            return True
        self.forget()
        return False
