"""Countries: the table is complete, and what is spoken agrees with it."""

from __future__ import annotations

import re

CONTINENTS = {"Africa", "Asia", "Europe", "North America", "Oceania", "South America"}
# The United Nations' own count (un.org, "Member States", 2011 to 2025).
UN_MEMBERS = 193


def test_all_members_of_the_united_nations_are_there(table):
    rows = table("facts/countries.csv")
    assert sum(row["status"] == "UN member" for row in rows) == UN_MEMBERS
    assert sum(row["status"] == "UN observer state" for row in rows) == 2


def test_every_country_has_all_that_is_asked_for(table):
    for row in table("facts/countries.csv"):
        for column in ("country", "capital", "continent", "currency", "calling code", "status"):
            assert row[column], row
        assert set(row["continent"].split(" and ")) <= CONTINENTS, row
        assert row["drives on the"] in ("left", "right"), row
        assert re.fullmatch(r"\+\d{1,3}( \d{3})?", row["calling code"]), row
        assert re.fullmatch(r"\.[a-z]{2}", row["internet domain"]) or row["country"] == "Kosovo"


def test_capitals_domains_and_codes_are_not_mixed_up(table):
    rows = table("facts/countries.csv")
    capitals = [row["capital"] for row in rows]
    assert {c for c in capitals if capitals.count(c) > 1} == {"London"}  # of Britain and England
    domains = [row["internet domain"] for row in rows if row["internet domain"]]
    assert {d for d in domains if domains.count(d) > 1} == {".uk"}
    codes = [row["calling code"] for row in rows]
    shared = {code for code in codes if codes.count(code) > 1}
    assert shared == {"+44", "+7", "+39", "+1"}  # Britain, Russia, Italy, North America


def test_people_drive_on_the_left_in_about_a_third_of_them(table):
    rows = table("facts/countries.csv")
    left = {row["country"] for row in rows if row["drives on the"] == "left"}
    assert {"United Kingdom", "Ireland", "Japan", "India", "Australia", "South Africa"} <= left
    assert not left & {"United States", "Germany", "China", "Brazil", "Gibraltar", "Myanmar"}
    assert len(left) == sum(row["drives on the"] == "left" for row in rows)


def _answer(row, pairs, start):
    wanted = re.compile(rf"{start} (the country of |the )?{re.escape(row['country'])}$")
    found = [pair.answer for pair in pairs if any(wanted.match(q) for q in pair.questions)]
    assert len(found) == 1, (row["country"], found)
    return found[0]


def test_the_spoken_capital_is_that_of_the_table(table, pairs):
    spoken = pairs("facts/countries.yaml")
    for row in table("facts/countries.csv"):
        answer = _answer(row, spoken, "What is the capital of")
        if "own capital" in answer:
            assert row["capital"] == row["country"], row
        elif row["country"] == "Switzerland":
            assert row["capital"] in answer and "federal city" in answer
        else:
            assert row["capital"] in answer or row["note"] in answer, (row, answer)
        if "own capital" not in answer and "lies" not in answer and "claims" not in answer:
            known = row["continent"] in answer or row["country"] in (
                "Israel",
                "Cyprus",
                "Kazakhstan",
            )
            assert known, (row, answer)


def test_the_spoken_money_and_side_are_those_of_the_table(table, pairs):
    spoken = pairs("facts/countries.yaml")
    for row in table("facts/countries.csv"):
        answer = _answer(row, spoken, "What is the currency of")
        assert row["currency"] in answer, (row, answer)
        assert f"drive on the {row['drives on the']}" in answer, (row, answer)
        languages = row["official languages"].removesuffix(" in practice")
        assert languages in answer, (row, answer)
        several = " and " in languages or "," in languages
        assert ("languages are" in answer) == several, (row, answer)


def test_every_spoken_country_is_in_the_table(table, pairs):
    assert len(pairs("facts/countries.yaml")) == 2 * len(table("facts/countries.csv"))


def test_the_euro_list_agrees_with_the_table(table, answers):
    said = answers("facts/geography.yaml")["Which countries use the euro"]
    outside = {"Andorra", "Monaco", "San Marino", "Vatican City", "Kosovo", "Montenegro"}
    rows = table("facts/countries.csv")
    euro = {row["country"] for row in rows if row["currency"] == "euro"} - outside
    assert len(euro) == 21
    assert all(country in said for country in euro)
    assert "21" in answers("facts/geography.yaml")["How many countries use the euro"]


def test_states_of_the_united_states(pairs):
    said = re.compile(
        r"The capital of (?:the state of )?(.+?)(?: state)? is (.+)\. "
        r"Its abbreviation is ([A-Z]) ([A-Z]), and it joined the union in (\d{4})\."
    )
    states = [said.fullmatch(pair.answer) for pair in pairs("facts/us_states.yaml")]
    assert len(states) == 50 and all(states)
    assert len({state[1] for state in states}) == len({state[2] for state in states}) == 50
    assert len({state[3] + state[4] for state in states}) == 50
    for state in states:
        # The two letters of the post office stand in the name, the first one first.
        name = state[1].upper().replace(" ", "")
        assert name[0] == state[3] and state[4] in name[1:], state[0]
        assert 1787 <= int(state[5]) <= 1959, state[0]
    # The thirteen colonies joined first, Alaska and Hawaii last.
    years = sorted(int(state[5]) for state in states)
    assert years[12] == 1790 and years[13] == 1791 and years[-2:] == [1959, 1959]
