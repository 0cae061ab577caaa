"""Dates, years and clock times."""

from __future__ import annotations

import re

from edgebot.tts.wording.tables import Tables


def dates(text: str, table: Tables) -> str:
    """``2026-11-23``, ``11/23/2026``, ``May 3rd, 2026``, ``3 May``: day and year in words."""
    text = _numeric(text, table)
    month = table.month_words
    day = rf"(?P<day>\d{{1,2}})(?:{table['ordinal_suffix']})?"
    year = r"(?:,?\s(?P<year>\d{4})(?![\w.,]?\d))?"
    before = re.compile(rf"\b(?P<month>{month})\.?\s{day}(?!\d|[.:]\d){year}", re.IGNORECASE)
    after = re.compile(
        rf"(?<![\d.,/])(?:{table['day_article']}\s)?{day}\s(?:{table['day_of']}\s)?(?P<month>{month})\b\.?{year}",
        re.IGNORECASE,
    )

    def word(match: re.Match[str]) -> str:
        form = "month_first" if match.re is before else "day_first"
        case = table.ordinal_case(match.string[: match.start()])
        name = table.month(match["month"])
        return _date(match["day"], name, match["year"], form, table, match[0], case)

    return after.sub(word, before.sub(word, text))


def _numeric(text: str, table: Tables) -> str:
    def word(match: re.Match[str]) -> str:
        parts = match.groupdict()
        if parts.get("iso"):
            year, month, day = parts["y1"], parts["m1"], parts["d1"]
        else:
            order = table["numeric_order"] if "/" in match[0] else "dmy"
            first, second, year = parts["a"], parts["b"], parts["y2"]
            month, day = (first, second) if order == "mdy" else (second, first)
            if int(month) > 12:
                month, day = day, month
        if not 1 <= int(month) <= 12:
            return match[0]
        name = table["months"][int(month) - 1]
        form = "day_first" if "." in match[0] else "month_first"
        case = table.ordinal_case(match.string[: match.start()])
        return _date(day, name, year, form, table, match[0], case)

    iso = r"(?P<iso>(?P<y1>\d{4})[-/](?P<m1>\d{1,2})[-/](?P<d1>\d{1,2}))"
    other = r"(?P<a>\d{1,2})(?P<sep>[/.])(?P<b>\d{1,2})(?P=sep)(?P<y2>\d{4})"
    return re.sub(rf"(?<![\w./-])(?:{iso}|{other})(?![\w/-])", word, text)


def _date(
    day: str, month: str, year: str | None, form: str, table: Tables, unchanged: str, case: str
) -> str:
    if not 1 <= int(day) <= 31:
        return unchanged
    spoken = str(table[form]).format(day=table.ordinal(int(day), case), month=month)
    return f"{spoken}, {table.words(int(year), 'year')}" if year else spoken


def years(text: str, table: Tables) -> str:
    """``in 1999``: a number of four digits that stands where years stand."""
    cue = "|".join(map(re.escape, table["year_words"]))
    return re.sub(
        rf"\b({cue})\s(1[1-9]\d\d|20\d\d)(?![\w.,%]?\d|\w|\s?[a-z%°€$]{{1,3}}\b(?<!\band)(?<!\bor))",
        lambda match: f"{match[1]} {table.words(int(match[2]), 'year')}",
        text,
        flags=re.IGNORECASE,
    )


def decades(text: str, table: Tables) -> str:
    """``the 1980s`` → ``the nineteen eighties``, where the language writes decades like that."""
    if not table["decade_suffix"]:
        return text

    def decade(match: re.Match[str]) -> str:
        spoken = table.words(int(match[1]), "year")
        return spoken[:-1] + "ies" if spoken.endswith("y") else spoken + table["decade_suffix"]

    return re.sub(r"(?<!\w)(1[1-9]\d0|20\d0)s\b", decade, text)


def clock_times(text: str, table: Tables) -> str:
    """``10:05`` → ``ten oh five``; ``18:00`` → ``eighteen o'clock``; ``7am`` → ``seven A M``."""

    def word(match: re.Match[str]) -> str:
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        half = (match["half"] or "").lower()
        if hour > 24 or minute > 59:
            return match[0]
        if hour in (0, 24) and not minute and not half:
            return str(table["clock_midnight"])
        spoken_hour = table.words(hour)
        if minute:
            words = table.words(minute)
            words = str(table["clock_oh"]).format(minute=words) if minute < 10 else words
            spoken = str(table["clock"]).format(hour=spoken_hour, minute=words)
        else:
            spoken = spoken_hour if half else str(table["clock_full"]).format(hour=spoken_hour)
        return f"{spoken} {half[0].upper()} M" if half else spoken

    half = rf"(?P<half>{table['half_days']})"
    full = (
        rf"(?<![\w.:,])(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?:\s?{half})?"
        rf"(?:\s{table['clock_word']})?(?![\w:])"
    )
    text = re.sub(full, word, text, flags=re.IGNORECASE)
    short = rf"(?<![\w.:,])(?P<hour>\d{{1,2}})(?P<minute>(?!))?\s?{half}"
    return re.sub(short, word, text, flags=re.IGNORECASE)
