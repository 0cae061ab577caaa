"""Recipes: what can be written in them, and what a mistake in one is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.build.gates import Gate, judge
from edgebot.build.recipe import find_recipe, read_recipe, recipe_files, texts_of
from edgebot.config.profiles import load_profiles, profile_files
from edgebot.core.errors import ConfigError, UsageError
from edgebot.models.catalog import catalog_files, load_catalog

GOOD = """
description: for a test
source: tiny.gguf
texts: {calibration: [text.txt], held: [$DATA/held.txt]}
steps:
  - importance: {tokens: 100}
  - quantize: {type: Q8_0}
evaluate: [files]
gates: ["size_mb <= 0.9 * source", "kl <= 0.05"]
profile_gates: {rpi4: ["peak_rss_mb <= 300"]}
"""


def write(folder: Path, text: str = GOOD) -> Path:
    (folder / "text.txt").write_text("Some words to be read. " * 50)
    path = folder / "small.yaml"
    path.write_text(text)
    return path


def test_a_recipe_says_its_steps_in_order(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path))
    assert [step.name for step in recipe.made_steps()] == ["importance", "quantize"]
    assert recipe.made_steps()[0].parameters.tokens == 100
    assert [gate.text for gate in recipe.gates_on("rpi4")][-1] == "peak_rss_mb <= 300"
    assert len(recipe.gates_on("rpi5")) == 2


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("importance: {tokens: 100}", "importence: {}", "did you mean 'importance'"),
        ("type: Q8_0", "type: Q9_9", "type: input should be"),
        ("type: Q8_0", "typ: Q8_0", "unknown key; did you mean 'type'"),
        ("[files]", "[filez]", "did you mean 'files'"),
        ("kl <= 0.05", "kl about 0.05", "is no gate"),
        ("kl <= 0.05", "kl <= 0.05 * sauce", "is no gate"),
        ("description: for a test\n", "", "description: must be given"),
        ("steps:\n  - importance: {tokens: 100}\n  - quantize: {type: Q8_0}", "steps: []", "steps"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    path = write(tmp_path, GOOD.replace(before, after))
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_text_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "text.txt").unlink()
    with pytest.raises(ConfigError, match=r"'calibration' \(text.txt\)"):
        texts_of(read_recipe(path), path)


def test_development_data_may_be_absent(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert "held" not in texts_of(read_recipe(path), path).files
    data = tmp_path / "data"
    data.mkdir()
    (data / "held.txt").write_text("words")
    assert texts_of(read_recipe(path), path, data).read("held") == "words"


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "text.txt").write_text("  \n")
    with pytest.raises(UsageError, match="is empty"):
        texts_of(read_recipe(path), path).read("calibration")


def test_an_unknown_recipe_names_the_nearest() -> None:
    name = next(iter(recipe_files()))
    with pytest.raises(UsageError, match=f"did you mean '{name}'"):
        find_recipe(name[:-1] + "z")
    with pytest.raises(UsageError, match="no such recipe"):
        find_recipe("nowhere/x.yaml")


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_shipped_recipes_are_right(name: str, tmp_path: Path) -> None:
    file = recipe_files()[name]
    recipe = read_recipe(file)
    assert recipe.source in load_catalog(catalog_files(tmp_path))
    assert recipe.gates, "a build without a gate ships whatever comes of it"
    texts_of(recipe, file)
    for profile in recipe.profiles:
        assert profile in load_profiles(profile_files(tmp_path)).names


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_every_gate_of_a_shipped_recipe_can_be_missed(name: str) -> None:
    recipe = read_recipe(recipe_files()[name])
    gates = [*recipe.gates, *(gate for more in recipe.profile_gates.values() for gate in more)]
    for gate in gates:
        source = {f"source.{gate.figure}": 100.0}
        bound = gate.limit * 100.0 if gate.times_source else gate.limit
        outwards = 1.0 if gate.comparison.startswith("<") else -1.0
        near = 1e-6 * max(1.0, abs(bound))
        for way, passed in ((-near, True), (near, False)):
            (verdict,) = judge([gate], {gate.figure: bound + outwards * way, **source})
            assert verdict.passed is passed, gate.text
        (unmeasured,) = judge([gate], source)
        assert not unmeasured.passed, gate.text


def test_profiles_take_builds_that_are_made_for_them(tmp_path: Path) -> None:
    catalog = load_catalog(catalog_files(tmp_path))
    for profile in load_profiles(profile_files(tmp_path)):
        for source, build in profile.builds.items():
            recipe = read_recipe(recipe_files()[build])
            # A student's source is the teacher in full precision, which no board runs.
            assert catalog[recipe.source].stage == catalog[source].stage
            assert profile.name in recipe.profiles


def test_what_is_built_for_a_profile_is_what_it_takes(tmp_path: Path) -> None:
    profiles = {p.name: p for p in load_profiles(profile_files(tmp_path))}
    made = {
        (profile, name)
        for name, file in recipe_files().items()
        for profile in read_recipe(file).profiles
    }
    assert made == {(p.name, build) for p in profiles.values() for build in p.builds.values()}


# --- gates


@pytest.mark.parametrize(
    ("gate", "figures", "passed"),
    [
        ("kl <= 0.05", {"kl": 0.05}, True),
        ("kl <= 0.05", {"kl": 0.0501}, False),
        ("kl <= 0.05", {}, False),
        ("kl <= 0.05", {"kl": float("nan")}, False),
        ("kl >= 0.05", {"kl": float("inf")}, False),
        ("size_mb <= 0.9 * source", {"size_mb": 80, "source.size_mb": 100}, True),
        ("size_mb <= 0.9 * source", {"size_mb": 91, "source.size_mb": 100}, False),
        ("size_mb <= 0.9 * source", {"size_mb": 80}, False),
        ("size_mb < source", {"size_mb": 100, "source.size_mb": 100}, False),
        ("reply_tok_s >= 1.1 * source", {"reply_tok_s": 12, "source.reply_tok_s": 10}, True),
        ("answers_same > 21", {"answers_same": 21}, False),
    ],
)
def test_gates(gate: str, figures: dict[str, float], passed: bool) -> None:
    (verdict,) = judge([Gate.parse(gate)], figures)
    assert verdict.passed is passed
