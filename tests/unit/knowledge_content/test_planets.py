"""Planets: held against Kepler's third law, and what is spoken against itself."""

from __future__ import annotations

import re

import pytest

EARTH_MILLION_KM = 149.6
ORDER = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
OTHERS = tuple(name for name in ORDER if name != "Earth")


@pytest.fixture
def said(answers):
    """Wording → answer."""
    return answers("facts/planets.yaml")


def _number(pattern: str, text: str) -> float:
    return float(re.search(pattern, text)[1].replace(",", ""))


def _million_km(said, name: str) -> float:
    return _number(r"([\d,]+) million", said[f"How far is {name} from the Sun"])


def _diameter(said, name: str) -> float:
    return _number(r"([\d,]+) kilometres", said[f"How big is {name}"])


def _years(said, name: str) -> float:
    year = said[f"How long is a year on {name}"].partition(". ")[0]
    number = _number(r"lasts ([\d.]+)", year)
    return number if "Earth years" in year else number / 365.25


@pytest.mark.parametrize("name", [*OTHERS, "Pluto"])
def test_distances_and_years_obey_kepler(said, name):
    distance = _million_km(said, name) / EARTH_MILLION_KM
    assert _years(said, name) ** 2 / distance**3 == pytest.approx(1, abs=0.03)


def test_order_is_by_distance(said, answers):
    distances = [_million_km(said, name) for name in OTHERS]
    assert distances == sorted(distances)
    listed = answers("facts/science.yaml")["What are the planets in order"]
    assert tuple(re.findall("|".join(ORDER), listed)) == ORDER
    places = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
    for name, place in zip(ORDER, places, strict=True):
        assert said[f"Which planet is the {place} from the Sun"].startswith(name)


def test_superlatives_follow_from_the_figures(said, answers):
    by_size = sorted(OTHERS, key=lambda name: _diameter(said, name))
    science = answers("facts/science.yaml")
    assert science["What is the largest planet"].startswith(by_size[-1])
    assert science["What is the smallest planet"].startswith(by_size[0])
    assert science["Which planet is closest to the Sun"].startswith(ORDER[0])
    assert science["Which planet is farthest from the Sun"].startswith(ORDER[-1])
    assert _number(r"about ([\d,]+) kilometres", science["How big is the Earth"]) < _diameter(
        said, "Neptune"
    )


def test_days_of_venus_and_mercury(said):
    """Sunrise to sunrise: 1 / day = 1 / rotation - 1 / year, the rotation backwards on Venus."""
    mercury = 1 / (1 / 58.65 - 1 / 87.97)
    venus = 1 / (1 / 243.02 + 1 / 224.7)
    assert f"takes {mercury:.0f} Earth days" in said["How long is a day on Mercury"]
    assert f"takes {venus:.0f} Earth days" in said["How long is a day on Venus"]


def test_counts_that_grow_are_dated(said):
    for name in ("Jupiter", "Saturn", "Uranus", "Neptune"):
        assert re.search(r"as of 20\d\d", said[f"How many moons does {name} have"])


def test_the_moon_and_the_sun_are_where_they_are(answers):
    science = answers("facts/science.yaml")
    assert "384,400" in science["How far away is the Moon"]
    light_s = 149_597_870.7 / 299_792.458
    assert (
        f"{int(light_s // 60)} minutes and {round(light_s % 60, -1):.0f} seconds"
        in (science["How long does sunlight take to reach the Earth"])
    )
    assert "109 times" in science["How big is the Sun"] and round(1_392_700 / 12_742) == 109
