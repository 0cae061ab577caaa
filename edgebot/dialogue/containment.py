"""Runs skills so that one that raises, hangs or returns nonsense harms nobody but its own turn."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgebot.core.errors import EdgebotError, SkillError, StoreError
from edgebot.dialogue.skill import Outcome, Request, Skill

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TEXT = 2000
"""Longest reply a skill may hand over as finished words, in characters."""


@dataclass(slots=True)
class Health:
    """How a skill has been doing."""

    failures: int = 0
    """In a row."""

    last: str = ""
    """What went wrong last."""

    aside: bool = False
    """Failed too often: not asked any more until the next start."""


class _Result(Generic[T]):
    value: T | None = None
    error: BaseException | None = None


def within(deadline_s: float, name: str, work: Callable[[], T]) -> T:
    """The result of ``work``, on a thread of its own.

    Raises what it raises, ``TimeoutError`` after ``deadline_s``. Threads cannot be killed: one
    that hangs stays behind as a daemon, its result is thrown away.
    """
    result: _Result[T] = _Result()
    finished = threading.Event()

    def run() -> None:
        try:
            result.value = work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            result.error = error
        finally:
            finished.set()

    threading.Thread(target=run, name=f"skill-{name}", daemon=True).start()
    if not finished.wait(deadline_s):
        raise TimeoutError(f"no answer within {deadline_s:g} s")
    if isinstance(result.error, Exception):
        raise result.error
    if result.error is not None:  # SystemExit and the like are no business of a skill
        raise RuntimeError(f"raised {result.error!r}")
    return result.value  # type: ignore[return-value]


class Containment:
    """Calls skills with a deadline and keeps count of their failures."""

    def __init__(self, deadline_s: float = 5.0, patience: int = 3) -> None:
        self._deadline_s = deadline_s
        self._patience = patience
        self.health: dict[str, Health] = {}

    def run(self, skill: Skill, request: Request) -> Outcome:
        """The outcome of ``skill``; raises ``SkillError`` (or ``StoreError``) naming it."""
        health = self.health.setdefault(skill.name, Health())
        if health.aside:
            raise SkillError(
                f"skill {skill.name!r} is put aside after {health.failures} failures in a row "
                f"(last: {health.last}); mend it and restart"
            )
        try:
            outcome = within(self._deadline_s, skill.name, lambda: skill.handle(request))
            _check(outcome)
        except StoreError:
            raise  # the disk's fault, not the skill's
        except Exception as error:
            self._note(skill.name, health, error)
            raise SkillError(f"skill {skill.name!r} failed: {health.last}") from error
        health.failures = 0
        return outcome

    def _note(self, name: str, health: Health, error: Exception) -> None:
        health.failures += 1
        health.last = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        health.aside = health.failures >= self._patience
        log.error(
            "skill %r failed (%d in a row%s): %s",
            name,
            health.failures,
            ", put aside" if health.aside else "",
            health.last,
            exc_info=not isinstance(error, TimeoutError | EdgebotError),
        )


def _check(outcome: object) -> None:
    if not isinstance(outcome, Outcome):
        raise TypeError(f"returned {type(outcome).__name__}, expected an Outcome")
    if not isinstance(outcome.text, str) or len(outcome.text) > MAX_TEXT:
        raise ValueError(f"the reply is no text of at most {MAX_TEXT} characters")
    if not (outcome.reply or outcome.text.strip() or outcome.question):
        raise ValueError("the outcome has neither reply nor text nor question")
