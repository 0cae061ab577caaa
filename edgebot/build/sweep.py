"""A grid of variations of a recipe, built and measured by several processes or by a cluster."""

from __future__ import annotations

import itertools
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgebot.build.building import Building, find_origin
from edgebot.build.recipe import Recipe
from edgebot.build.report import directions
from edgebot.core.errors import EdgebotError, UsageError
from edgebot.models.progress import Progress, Silent
from edgebot.models.store import ModelStore

_HOST = re.compile(r"^(?:ray://)?([\w.-]+):(\d{1,5})$")
_ANSWER_S = 5.0
_VARY = re.compile(r"^([a-z0-9-]+)\.([a-z_]+)=(.+)$")


@dataclass(frozen=True, slots=True)
class Variant:
    """One point of the grid."""

    label: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a variant: figures, or why there are none."""

    label: str
    figures: Mapping[str, float]
    problem: str = ""
    passed: bool = False


def variants(recipe: Recipe, vary: Sequence[str]) -> list[Variant]:
    """``recipe`` in every combination of ``vary`` (``step.parameter=value,value``)."""
    axes: list[list[tuple[str, str, Any]]] = []
    for text in vary:
        found = _VARY.match(text)
        if not found:
            raise UsageError(
                f"{text!r} varies nothing; write for example 'quantize.type=Q4_0,IQ4_NL'"
            )
        step, parameter, values = found.groups()
        if step not in [part.name for part in recipe.steps]:
            known = ", ".join(part.name for part in recipe.steps)
            raise UsageError(f"{recipe.name} has no step {step!r}; it has {known}")
        axes.append([(step, parameter, yaml.safe_load(value)) for value in values.split(",")])
    made = []
    for choice in itertools.product(*axes):
        data = recipe.model_dump()
        data["gates"] = [gate.text for gate in recipe.gates]
        data["profile_gates"] = {}
        for step, parameter, value in choice:
            for part in data["steps"]:
                if part["name"] == step:
                    part["parameters"] = {**part["parameters"], parameter: value}
        label = " ".join(f"{parameter}={value}" for _, parameter, value in choice)
        try:
            made.append(Variant(label or recipe.name, Recipe.model_validate(data)))
        except ValueError as error:
            raise UsageError(f"{recipe.name} with {label}: {_short(error)}") from None
    return made


def run_variant(
    variant: Variant,
    file: Path,
    store: ModelStore,
    data: Path | None,
    threads: int,
    progress: Progress,
) -> Outcome:
    """Build and measure one; what goes wrong with it is its outcome, not the end of the sweep."""
    try:
        origin = find_origin(variant.recipe, file, store)
        building = Building(
            variant.recipe, file, origin, data=data, threads=threads, progress=progress
        )
        built = building.run()
    except EdgebotError as error:
        return Outcome(variant.label, {}, str(error))
    return Outcome(variant.label, built.figures, passed=built.passed)


def run_here(
    grid: Sequence[Variant],
    file: Path,
    store: ModelStore,
    *,
    data: Path | None,
    jobs: int,
    threads: int,
    told: Callable[[Outcome], None],
) -> list[Outcome]:
    """The grid on this machine, ``jobs`` at a time; each step is a process of its own anyway."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [
            pool.submit(run_variant, variant, file, store, data, threads, Silent())
            for variant in grid
        ]
        outcomes = []
        try:
            for future in futures:
                outcomes.append(future.result())
                told(outcomes[-1])
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return outcomes


def run_on_ray(
    grid: Sequence[Variant],
    file: Path,
    store: ModelStore,
    *,
    address: str,
    data: Path | None,
    threads: int,
    told: Callable[[Outcome], None],
) -> list[Outcome]:
    """The grid over the Ray cluster at ``address`` (``local``: one that is started here).

    Its machines must see the same files (a network file system). Raises ``UsageError`` when Ray is
    not installed, nobody answers or the cluster wants another token.
    """
    if address != "local":
        _use_token()
    try:
        import ray
    except ImportError:
        raise UsageError("a cluster needs the package ray: pip install 'edgebot[ray]'") from None
    _require_answer(address)
    try:
        ray.init(address=None if address == "local" else address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        said = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{address}: no Ray cluster answers there, or it wants another token ({said}); "
            "see `ray status` on its head"
        ) from None
    try:
        remote = ray.remote(num_cpus=threads)(run_variant)
        waiting = [remote.remote(variant, file, store, data, threads, Silent()) for variant in grid]
        outcomes = []
        for reference in waiting:
            outcomes.append(ray.get(reference))
            told(outcomes[-1])
        return outcomes
    finally:
        ray.shutdown()


def _use_token() -> None:
    """Newer clusters want the token in ``~/.ray``, and Ray does not offer it by itself."""
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    if named or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _require_answer(address: str) -> None:
    """Raise ``UsageError`` when nobody listens at ``address``: Ray would try for minutes."""
    found = _HOST.match(address)
    if not found:
        if address in ("local", "auto"):
            return
        raise UsageError(f"{address!r} is no address of a cluster; write HOST:PORT, or 'local'")
    try:
        socket.create_connection((found[1], int(found[2])), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"{address}: no Ray cluster answers there ({error})") from None


def pareto(outcomes: Iterable[Outcome], by: Mapping[str, str]) -> list[Outcome]:
    """Those that no other beats in everything: ``by`` is figure → ``low`` or ``high``."""
    known = [
        outcome
        for outcome in outcomes
        if not outcome.problem and all(name in outcome.figures for name in by)
    ]
    return [one for one in known if not any(_beats(other, one, by) for other in known)]


def objectives(recipe: Recipe, names: Sequence[str]) -> dict[str, str]:
    """``names`` with their directions; raises ``UsageError`` for one that is not measured."""
    known = directions(recipe)
    for name in names:
        if name not in known:
            raise UsageError(
                f"{recipe.name} does not measure {name!r}; it measures {', '.join(sorted(known))}"
            )
    return {name: known[name] for name in names}


def _beats(one: Outcome, other: Outcome, by: Mapping[str, str]) -> bool:
    signs = [1.0 if way == "low" else -1.0 for way in by.values()]
    pairs = [
        (sign * one.figures[name], sign * other.figures[name])
        for sign, name in zip(signs, by, strict=True)
    ]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _short(error: ValueError) -> str:
    return " ".join(str(error).split())[:300]
