"""Durations, clock times, dates and recurrences in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from edgebot.dialogue.wording.numbers import in_words, say_list, say_number, say_ordinal
from edgebot.dialogue.wording.tables import tables_of

_UNITS = (("year", 365 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_WEEK_S = 604_800


def say_duration(
    seconds: float, language: str, parts: int | None = None, dative: bool = False
) -> str:
    """ "an hour and a half", "two minutes and five seconds".

    ``parts`` rounds to that many units, for what is only told and not promised; ``dative`` is the
    form behind "in" where a language has one.
    """
    table = tables_of(language)["durations"]
    if seconds < 0:
        words = say_duration(-seconds, language, parts, dative)
        return str(tables_of(language)["numbers"]["minus"].format(number=words))
    if seconds != int(seconds):
        if seconds < 10 and parts is None:
            return _counted(seconds, table["second"], language, dative)
        seconds = round(seconds)
    whole = _rounded(int(seconds), parts) if parts else int(seconds)
    if whole in table["special"]:
        return str(table["special"][whole][dative])
    if whole and whole % _WEEK_S == 0 and whole < 52 * _WEEK_S:
        return _counted(whole // _WEEK_S, table["week"], language, dative)
    said: list[str] = []
    for unit, size in _UNITS:
        count, whole = divmod(whole, size)
        if count or (unit == "second" and not said):
            said.append(_counted(count, table[unit], language, dative))
    return say_list(said, language)


def _rounded(seconds: int, parts: int) -> int:
    """To the ``parts`` greatest units."""
    sizes = [size for _, size in _UNITS if size <= seconds]
    if len(sizes) <= parts:
        return seconds
    size = sizes[parts - 1]
    return (seconds + size // 2) // size * size


def _counted(count: float, forms: list[str], language: str, dative: bool) -> str:
    one, many = forms[2:] if dative else forms[:2]
    return one if count == 1 else many.format(number=say_number(count, language))


def say_time(at: datetime, language: str) -> str:
    """ "half past six in the evening"; seconds are left out."""
    table = tables_of(language)["times"]
    minute_of_day = at.hour * 60 + at.minute
    if minute_of_day in table["special"]:
        return str(table["special"][minute_of_day])
    pattern, ahead = table["quarters"].get(
        at.minute, (table["minutes_below_ten" if at.minute < 10 else "minutes"], 0)
    )
    hour = (at.hour + ahead) % table["hours"]
    if table["hours"] == 12:
        hour = hour or 12
    said_hour = table["hour_words"].get(hour) or in_words(hour, language)
    time = pattern.format(hour=said_hour, minute=in_words(at.minute, language))
    part = max((start for start in table["parts"] if start <= minute_of_day), default=None)
    return str(time if part is None else table["parts"][part].format(time=time))


def say_date(day: date, now: datetime, language: str, in_sentence: bool = False) -> str:
    """ "tomorrow", "Tuesday", "Tuesday the third of May".

    ``in_sentence`` is the form of "I will remind you …": "on Tuesday".
    """
    table = tables_of(language)["dates"]
    ahead = (day - now.date()).days
    if ahead in table["relative"]:
        return str(table["relative"][ahead])
    form = "soon" if 0 < ahead < 7 else "far" if 0 < ahead < 300 else "with_year"
    return _dated(table[form][in_sentence], day, language, in_sentence)


def say_full_date(day: date, language: str) -> str:
    """ "Friday, the twenty seventh of March 2026"."""
    return _dated(tables_of(language)["dates"]["full"], day, language, False)


def _dated(pattern: str, day: date, language: str, in_sentence: bool) -> str:
    table = tables_of(language)["dates"]
    return pattern.format(
        weekday=table["weekdays"][day.weekday()],
        day=say_ordinal(day.day, language, "ordinals_dative" if in_sentence else "ordinals"),
        month=table["months"][day.month - 1],
        year=day.year,
    )


def say_when(at: datetime, now: datetime, language: str, behind_for: bool = False) -> str:
    """Day and time: "tomorrow at noon", "on Tuesday at half past six in the evening".

    ``behind_for`` is the form of "set for …": "Tuesday at noon".
    """
    table = tables_of(language)["dates"]
    day = at.date()
    if table["midnight_day_before"] and at.hour == at.minute == 0:
        day -= timedelta(days=1)  # "today at midnight" is the end of today
    said_day = say_date(day, now, language, in_sentence=not behind_for)
    return str(table["when"].format(day=said_day, time=say_time(at, language)))


def say_recurrence(value: Mapping[str, Any], language: str) -> str:
    """A recurrence slot: "every weekday at seven in the morning", "every ten minutes"."""
    table = tables_of(language)["recurrences"]
    if "every_s" in value:
        every = value["every_s"]
        if every in table["every_one"]:
            return str(table["every_one"][every])
        return str(table["every"].format(duration=say_duration(every, language)))
    days = _days(value, language)
    if not value.get("at"):
        return days
    hour, minute = map(int, value["at"].split(":"))
    time = say_time(datetime(2000, 1, 1, hour, minute), language)
    return str(table["at"].format(days=days, time=time))


def _days(value: Mapping[str, Any], language: str) -> str:
    table = tables_of(language)["recurrences"]
    if value.get("month_days"):
        return _month_days(value, language)
    weeks = value.get("weeks", 1)
    known = table["days"].get("".join(map(str, value["days"])))
    if known and weeks == 1 and value.get("nth") is None:
        return str(known)
    days = say_list([table["weekdays"][day] for day in value["days"]], language)
    if value.get("nth") is not None:
        return str(table["nth"][value["nth"]].format(day=days))
    if weeks == 1:
        return str(table["some"].format(days=days))
    if weeks in table["weeks"]:
        return str(table["weeks"][weeks].format(days=days))
    return str(table["many_weeks"].format(number=say_number(weeks, language), days=days))


def _month_days(value: Mapping[str, Any], language: str) -> str:
    tables = tables_of(language)
    table, month = tables["recurrences"], value.get("month")
    if 0 in value["month_days"]:  # the day it was agreed on
        return str(table["same_month_day" if month is None else "same_year_day"])
    if -1 in value["month_days"]:
        return str(table["last_month_day"])
    ordinals = [say_ordinal(day, language, "ordinals_dative") for day in value["month_days"]]
    days = say_list(ordinals, language)
    if month is None:
        return str(table["month_day"].format(day=days))
    return str(table["year_day"].format(day=days, month=tables["dates"]["months"][month - 1]))
