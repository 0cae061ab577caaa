"""Planets: held against Kepler's third law and against the table."""

from __future__ import annotations

import re

EARTH_KM = 149.6e6


def _years(row):
    number = float(re.match(r"[\d.]+", row["year"])[0])
    return number if "years" in row["year"] else number / 365.25


def test_distances_and_years_obey_kepler(table):
    for row in table("facts/planets.csv"):
        distance = float(row["distance from the Sun in million km"]) * 1e6 / EARTH_KM
        assert abs(_years(row) ** 2 / distance**3 - 1) < 0.03, row["planet"]


def test_order_is_by_distance(table):
    planets = [row for row in table("facts/planets.csv") if row["order from the Sun"]]
    assert [int(row["order from the Sun"]) for row in planets] == list(range(1, 9))
    distances = [int(row["distance from the Sun in million km"]) for row in planets]
    assert distances == sorted(distances)


def test_the_order_is_spoken_as_it_is(table, answers):
    said = answers("facts/science.yaml")["What are the planets in order"]
    names = [row["planet"] for row in table("facts/planets.csv") if row["order from the Sun"]]
    assert re.findall("|".join(names), said) == names


def test_superlatives_follow_from_the_table(table, answers):
    planets = [row for row in table("facts/planets.csv") if row["order from the Sun"]]
    said = answers("facts/science.yaml")
    by_size = sorted(planets, key=lambda row: int(row["diameter in km"]))
    assert said["What is the largest planet"].startswith(by_size[-1]["planet"])
    assert said["What is the smallest planet"].startswith(by_size[0]["planet"])
    assert said["Which planet is closest to the Sun"].startswith(planets[0]["planet"])
    assert said["Which planet is farthest from the Sun"].startswith(planets[-1]["planet"])


def test_what_is_spoken_is_what_the_table_says(table, answers):
    said = answers("facts/planets.yaml")
    for row in table("facts/planets.csv"):
        name = row["planet"]
        if name == "Earth":
            continue
        assert f"{int(row['diameter in km']):,}" in said[f"How big is {name}"]
        distance = int(row["distance from the Sun in million km"])
        assert f"about {distance:,} million" in said[f"How far is {name} from the Sun"]
        assert row["year"] in said[f"How long is a year on {name}"]


def test_venus_and_mercury_turn_as_the_table_says(answers):
    """One sunrise to the next: 1 / day = 1 / rotation - 1 / year, rotation backwards on Venus."""
    said = answers("facts/planets.yaml")
    mercury = 1 / (1 / 58.65 - 1 / 87.97)
    venus = 1 / (1 / 243.02 + 1 / 224.7)
    assert f"takes {mercury:.0f} Earth days" in said["How long is a day on Mercury"]
    assert f"takes {venus:.0f} Earth days" in said["How long is a day on Venus"]


def test_the_moon_and_the_sun_are_where_they_are(answers):
    said = answers("facts/science.yaml")
    assert "384,400" in said["How far away is the Moon"]
    light_s = 149_597_870.7 / 299_792.458
    assert (
        f"{int(light_s // 60)} minutes and {round(light_s % 60, -1):.0f} seconds"
        in (said["How long does sunlight take to reach the Earth"])
    )
    assert "109 times" in said["How big is the Sun"] and round(1_392_700 / 12_742) == 109
