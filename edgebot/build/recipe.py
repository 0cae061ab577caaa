"""Recipes: what is made from which model, in which steps, and what it must be able to do then."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from edgebot.build.evaluator import Evaluator, make_evaluator
from edgebot.build.gates import Gate
from edgebot.build.step import Step, Texts, make_step
from edgebot.config import paths
from edgebot.config.sections.base import Section
from edgebot.config.validation import problems, validate
from edgebot.config.yaml_file import dotted, read_mapping
from edgebot.core.errors import ConfigError, UsageError

DATA = "$DATA"
"""Begins the path of a text that lies in a directory of development data, if there is one."""


class Part(Section):
    """One step or evaluator of a recipe: its name and its parameters."""

    name: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone_or_with_parameters(cls, written: Any) -> Any:
        if isinstance(written, str):
            return {"name": written}
        if isinstance(written, Mapping) and len(written) == 1 and "name" not in written:
            ((name, parameters),) = written.items()
            return {"name": name, "parameters": parameters or {}}
        return written


class Recipe(Section):
    """One file of ``models/recipes``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")
    """That of its file, and the catalogue id of what it makes."""

    description: str
    source: str
    """Catalogue id of a model, or the path of a file (relative to the recipe)."""

    profiles: tuple[str, ...] = ()
    """Device profiles that this is built for."""

    texts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Name → files, relative to the recipe; ``$DATA/`` begins those of the development data."""

    steps: tuple[Part, ...] = Field(min_length=1)
    evaluate: tuple[Part, ...] = ()
    gates: tuple[Gate, ...] = ()
    """What the figures must show on every profile."""

    profile_gates: Mapping[str, tuple[Gate, ...]] = Field(default_factory=dict)
    """What they must show besides on one profile."""

    options: Mapping[str, Any] = Field(default_factory=dict)
    """Of the catalogue's entry, over those of the source (``calls_tools: false`` …)."""

    encrypt: bool = False
    """Store it encrypted: for models that nobody may read off the board."""

    licence: str | None = None
    """Of what is made, where the source is a file that no catalogue knows."""

    @field_validator("steps")
    @classmethod
    def _known_steps(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        for part in parts:
            _checked(part, make_step)
        return parts

    @field_validator("evaluate")
    @classmethod
    def _known_evaluators(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        for part in parts:
            _checked(part, make_evaluator)
        return parts

    def gates_on(self, profile: str | None) -> tuple[Gate, ...]:
        """All gates that count for ``profile``."""
        return (*self.gates, *self.profile_gates.get(profile or "", ()))

    def made_steps(self) -> list[Step[Any]]:
        """The steps, ready to run."""
        return [make_step(part.name, part.parameters) for part in self.steps]

    def made_evaluators(self) -> list[Evaluator[Any]]:
        """The evaluators, ready to run."""
        return [make_evaluator(part.name, part.parameters) for part in self.evaluate]


def _checked(part: Part, make: Any) -> None:
    try:
        made = make(part.name, part.parameters)
    except ValidationError as error:
        schema = (make.__globals__["STEPS" if make is make_step else "EVALUATORS"]).load(part.name)
        found = problems(schema.schema, error)
        raise ValueError(
            f"{part.name}: " + "; ".join(f"{dotted(key)}: {text}" for key, text in found)
        ) from None
    except ConfigError as error:
        raise ValueError(str(error)) from None
    except ImportError as missing:
        raise UsageError(
            f"the step {part.name} needs the package {missing.name}: pip install 'edgebot[build]'"
        ) from None
    del made


def read_recipe(path: Path) -> Recipe:
    """The recipe in ``path``; raises ``ConfigError`` with every mistake, with file and line."""
    document = read_mapping(path)
    if isinstance(document.data, dict):
        document.data = {"name": path.stem, **document.data}
    recipe, mistakes = validate(Recipe, document)
    if recipe is None:
        lines = "\n  ".join(map(str, mistakes))
        raise ConfigError(f"the recipe is wrong:\n  {lines}\nMend these lines.")
    return recipe


def recipe_files(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Name → file of the shipped recipes and of ``extra`` directories."""
    folders = [paths.share_dir("models") / "recipes", *extra]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def find_recipe(name: str) -> Path:
    """The file of the recipe ``name`` (a name or a path); raises ``UsageError``."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError(f"{path}: there is no such recipe; see `edgebot build list`")
        return path
    known = recipe_files()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see `edgebot build list`"
        raise UsageError(f"no recipe is called {name!r}; {hint}")
    return known[name]


def texts_of(recipe: Recipe, file: Path, data: Path | None = None) -> Texts:
    """The texts of ``recipe``, read from ``file``; ``data``: where ``$DATA`` is.

    A text of the development data that is not here is left out: what needs it is skipped. Any other
    file that is missing raises ``ConfigError``.
    """
    found: dict[str, list[Path]] = {}
    for name, patterns in recipe.texts.items():
        files = []
        for pattern in patterns:
            files += _matching(pattern, file, data, name)
        if files:
            found[name] = files
    return Texts(found)


def _matching(pattern: str, file: Path, data: Path | None, name: str) -> list[Path]:
    optional = pattern.startswith(f"{DATA}/")
    if optional and data is None:
        return []
    folder = data if optional and data else file.parent
    inner = pattern.removeprefix(f"{DATA}/")
    there = [folder / inner] if not any(c in inner for c in "*?[") else sorted(folder.glob(inner))
    there = [Path(os.path.normpath(path)) for path in there if path.is_file()]
    if not there and not optional:
        raise ConfigError(
            f"{file}: no file is there for the text {name!r} ({pattern}); write one or name another"
        )
    return there
