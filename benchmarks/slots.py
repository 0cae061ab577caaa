"""Slots: our readers and the known libraries on the same spoken forms; milliseconds a text.

The forms are those of the tests (``tests/unit/nlu_slots/forms_<language>.yaml``), which our readers
were made for; the spoken forms of NeMo's inverse text normalisation (``shared/data``), which they
were not, stand beside them. Libraries that are not installed are left out. Where a form leaves
open which half of the day is meant, either counts; where it names only a day, the day counts. A
library that finds a value inside words that hold none is wrong, as is no answer.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from benchmarks.common import SHARED_DATA, say, summary, table, write_result
from edgebot.nlu.slots import find, read
from edgebot.nlu.slots.utterance import remembered

NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))
FORMS = Path(__file__).resolve().parents[1] / "tests" / "unit" / "nlu_slots"
LANGUAGES = ("en", "de")
COMPARED = ("number", "ordinal", "duration", "moment", "recurrence", "quantity")

Reader = Callable[[str, str], Any]
"""(text, language) → a number, seconds, a datetime, ``(value, unit)`` or None."""


def forms(language: str) -> Mapping[str, Mapping[str, Any]]:
    """Kind → text → what it means, in the tests' shorthand."""
    loaded: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
        (FORMS / f"forms_{language}.yaml").read_text("utf-8")
    )
    return loaded


def ours(kind: str) -> Reader:
    def reader(text: str, language: str) -> Any:
        value = read(kind, text, language, NOW)
        if value is not None and kind == "moment":
            return datetime.fromisoformat(value["at"])
        if value is not None and kind == "quantity":
            return value["value"], value["unit"]
        return value

    return reader


def libraries() -> dict[str, dict[str, Reader]]:
    """Name → kind → reader, for each library that is installed."""
    found: dict[str, dict[str, Reader]] = {"edgebot": {kind: ours(kind) for kind in COMPARED}}
    for name, (module, build) in _LIBRARIES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            say(f"{name}: not installed, left out")
            continue
        found[name] = build()
    return found


def _ovos_numbers() -> dict[str, Reader]:
    from ovos_number_parser import extract_number

    def number(text: str, language: str) -> Any:
        value = extract_number(text, lang=language)
        return None if value is False else value

    def ordinal(text: str, language: str) -> Any:
        value = extract_number(text, lang=language, ordinals=True)
        return None if value is False else value

    return {"number": number, "ordinal": ordinal}


def _ovos_dates() -> dict[str, Reader]:
    from ovos_date_parser import extract_datetime, extract_duration

    def duration(text: str, language: str) -> Any:
        value = extract_duration(text, language)[0]
        return value.total_seconds() if value is not None else None

    def moment(text: str, language: str) -> Any:
        value = extract_datetime(text, lang=language, anchorDate=NOW)
        return value[0] if value else None

    return {"duration": duration, "moment": moment}


def _dateparser() -> dict[str, Reader]:
    import dateparser

    settings = {
        "RELATIVE_BASE": NOW.replace(tzinfo=None),
        "TIMEZONE": "Europe/Berlin",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "PREFER_DATES_FROM": "future",
    }

    def moment(text: str, language: str) -> Any:
        return dateparser.parse(text, languages=[language], settings=settings)

    return {"moment": moment}


def _parsedatetime() -> dict[str, Reader]:
    import parsedatetime

    calendars = {lang: parsedatetime.Calendar() for lang in LANGUAGES}

    def moment(text: str, language: str) -> Any:
        value, status = calendars[language].parseDT(text, sourceTime=NOW, tzinfo=NOW.tzinfo)
        return value if status else None

    return {"moment": moment}


def _text2num() -> dict[str, Reader]:
    from text_to_num import text2num

    return {"number": lambda text, language: text2num(text, language)}


def _word2number() -> dict[str, Reader]:
    from word2number import w2n

    return {"number": lambda text, language: w2n.word_to_num(text)}


def _pint() -> dict[str, Reader]:
    import pint

    registry = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)

    def quantity(text: str, language: str) -> Any:
        value = registry.parse_expression(text)
        return value.magnitude, str(value.units)

    return {"quantity": quantity}


def _recurrent() -> dict[str, Reader]:
    from recurrent.event_parser import RecurringEvent

    def recurrence(text: str, language: str) -> Any:
        event = RecurringEvent(now_date=NOW.replace(tzinfo=None))
        event.parse(text)
        return event.get_params() if event.is_recurring else None

    def moment(text: str, language: str) -> Any:
        value = RecurringEvent(now_date=NOW.replace(tzinfo=None)).parse(text)
        return value.replace(tzinfo=NOW.tzinfo) if isinstance(value, datetime) else None

    return {"recurrence": recurrence, "moment": moment}


_LIBRARIES: dict[str, tuple[str, Callable[[], dict[str, Reader]]]] = {
    "ovos-number-parser": ("ovos_number_parser", _ovos_numbers),
    "ovos-date-parser": ("ovos_date_parser", _ovos_dates),
    "dateparser": ("dateparser", _dateparser),
    "parsedatetime": ("parsedatetime", _parsedatetime),
    "text2num": ("text_to_num", _text2num),
    "word2number": ("word2number", _word2number),
    "recurrent": ("recurrent", _recurrent),
    "pint": ("pint", _pint),
}


def right(kind: str, value: Any, expected: Any) -> bool:
    """Whether ``value`` is what the form means."""
    if expected is None or value is None:
        return value is None and expected is None
    if kind == "moment":
        return _right_moment(value, expected)
    if kind == "recurrence":
        return _right_recurrence(value, expected)
    if kind == "quantity":
        return bool(value[0] == expected[0] and str(value[1]) == expected[1])
    return abs(float(value) - float(expected)) < 1e-6


def _right_moment(value: Any, expected: str) -> bool:
    words = expected.removeprefix("past ").split()
    ambiguous = words[0] == "~"
    day, *clock = words[ambiguous:]
    if not clock or clock[0] in ("part", "keep"):
        return f"{value:%Y-%m-%d}" == day
    meant = datetime.fromisoformat(f"{day}T{clock[0]}").replace(tzinfo=NOW.tzinfo)
    if value.tzinfo is None:
        value = value.replace(tzinfo=NOW.tzinfo)
    apart = abs(value - meant)
    return apart < timedelta(seconds=1) or (ambiguous and apart == timedelta(hours=12))


def _right_recurrence(value: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    if "freq" not in value:  # ours
        return all(value.get(key) == expected.get(key) for key in ("days", "every_s", "at"))
    names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
    days = [names.index(day) for day in value.get("byday", "").split(",") if day in names]
    if "every_s" in expected:
        size = {"minutely": 60, "hourly": 3600, "daily": 86400, "weekly": 604800}
        return size.get(value["freq"], 0) * value.get("interval", 1) == expected["every_s"]
    if value["freq"] == "daily":
        days = list(range(7))
    at = None
    if value.get("byhour"):
        at = f"{int(value['byhour']):02}:{int(value.get('byminute') or 0):02}"
    return sorted(days) == expected["days"] and at == expected.get("at")


def attempt(reader: Reader, text: str, language: str) -> Any:
    """What the library says; an exception is no answer."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return reader(text, language)
    except Exception:  # noqa: BLE001 (a library's failure is a result here)
        return None


def scores(quick: bool) -> dict[str, Any]:
    """Right answers and milliseconds of each library on each kind and language."""
    figures: dict[str, Any] = {}
    for name, readers in libraries().items():
        for language in LANGUAGES:
            for kind, reader in readers.items():
                listed = forms(language)[kind]
                attempt(reader, "two", language)
                spans, correct = [], 0
                for text, expected in listed.items():
                    forget()
                    began = time.perf_counter()
                    value = attempt(reader, text, language)
                    spans.append((time.perf_counter() - began) * 1000.0)
                    correct += right(kind, value, expected)
                figures.setdefault(language, {}).setdefault(kind, {})[name] = {
                    "right": correct,
                    "of": len(listed),
                    "ms": summary(spans),
                }
    return figures


def foreign_forms() -> dict[str, dict[str, Any]]:
    """Numbers, ordinals and times of NeMo's tests, kind → spoken → value; empty where absent."""
    folder = SHARED_DATA / "textnorm" / "nemo_itn"
    found: dict[str, dict[str, Any]] = {"number": {}, "ordinal": {}, "moment": {}}
    for kind, name in (
        ("number", "cardinal"),
        ("number", "decimal"),
        ("ordinal", "ordinal"),
        ("moment", "time"),
    ):
        file = folder / f"test_cases_{name}.txt"
        for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
            spoken, _, written = line.partition("~")
            value = _foreign_value(kind, written)
            if value is not None:
                found[kind][spoken] = value
    return found


def _foreign_value(kind: str, written: str) -> Any:
    """The value NeMo writes; None for what is of no kind of ours (foreign time zones)."""
    if kind == "moment":
        clock, _, half = written.partition(" ")
        hour, _, minute = clock.partition(":")
        if not minute.isdecimal() or half not in ("", "a.m.", "p.m."):
            return None
        return int(hour) % 12 * 60 + int(minute) + (720 if half == "p.m." else 0), half != ""
    scales = {"million": 10**6, "billion": 10**9, "trillion": 10**12}
    figure, _, scale = written.rstrip("stndrh" if kind == "ordinal" else "").partition(" ")
    try:
        return float(figure) * scales.get(scale, 1)
    except ValueError:
        return None


def _right_foreign(kind: str, value: Any, expected: Any) -> bool:
    if value is None:
        return False
    if kind == "moment":
        minute = value.hour * 60 + value.minute
        minutes, half_said = expected
        return bool(minute == minutes if half_said else (minute - minutes) % 720 == 0)
    return abs(float(value) / expected - 1) < 1e-9


def foreign_scores() -> dict[str, Any]:
    """Right answers of each library on NeMo's forms (English)."""
    figures: dict[str, Any] = {}
    for name, readers in libraries().items():
        for kind, listed in foreign_forms().items():
            if kind in readers and listed:
                right = sum(
                    _right_foreign(kind, attempt(readers[kind], text, "en"), expected)
                    for text, expected in listed.items()
                )
                figures.setdefault(kind, {})[name] = {"right": right, "of": len(listed)}
    return figures


def import_cost(module: str) -> dict[str, float]:
    """Seconds and MB that importing ``module`` (and a first use) adds in a fresh interpreter."""
    first_use = {
        "dateparser": "dateparser.parse('tomorrow', languages=['en'])",
        "edgebot.nlu.slots": "edgebot.nlu.slots.read('number','two','en',"
        "__import__('datetime').datetime.now().astimezone())",
        "pint": "pint.UnitRegistry()",
    }.get(module, "pass")
    code = (
        "import time,resource,sys;a=time.perf_counter();"
        "rss=lambda:int(open('/proc/self/statm').read().split()[1])*resource.getpagesize()/1e6;"
        "m=rss();"
        f"import {module};{first_use};"
        "print(time.perf_counter()-a,rss()-m)"
    )
    costs = []
    for _ in range(3):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        costs.append(tuple(map(float, out.stdout.split()[-2:])))
    seconds, megabytes = min(costs)
    return {"import_s": round(seconds, 3), "memory_mb": round(megabytes, 1)}


def forget() -> None:
    """Drop what our readers remember of texts they have read."""
    remembered.cache_clear()


def speed(quick: bool) -> dict[str, Any]:
    """Milliseconds of :func:`read` and of :func:`find` over all forms of all kinds."""
    runs = 2 if quick else 10
    reads, finds = [], []
    for language in LANGUAGES:
        for kind, listed in forms(language).items():
            for text in listed:
                for spans, call in ((reads, read), (finds, find)):
                    best = []
                    for _ in range(runs):
                        forget()  # the same text again would be answered from memory
                        began = time.perf_counter()
                        call(kind, text, language, NOW)
                        best.append((time.perf_counter() - began) * 1000.0)
                    spans.append(sorted(best)[len(best) // 2])
    return {"read_ms": summary(reads), "find_ms": summary(finds), "texts": len(reads)}


def run(quick: bool = False) -> dict[str, Any]:
    """All figures of this part."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    modules = ["edgebot.nlu.slots"]
    for module, _ in _LIBRARIES.values():
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
            modules.append(module)
    return {
        "scores": scores(quick),
        "foreign": foreign_scores(),
        "imports": {module: import_cost(module) for module in modules},
        "speed": speed(quick),
    }


def report(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown tables."""
    rows = [
        (
            language,
            kind,
            name,
            f"{one['right']} of {one['of']}",
            one["ms"]["median"],
            one["ms"]["p95"],
        )
        for language, kinds in figures["scores"].items()
        for kind, names in kinds.items()
        for name, one in names.items()
    ]
    rows.sort(key=lambda row: (LANGUAGES.index(row[0]), COMPARED.index(row[1])))
    foreign = [
        (kind, name, f"{one['right']} of {one['of']}")
        for kind, names in figures["foreign"].items()
        for name, one in names.items()
    ]
    foreign = [
        (kind, name, f"{one['right']} of {one['of']}")
        for kind, names in figures["foreign"].items()
        for name, one in names.items()
    ]
    costs = [(name, c["import_s"], c["memory_mb"]) for name, c in figures["imports"].items()]
    return "\n\n".join(
        [
            table(["language", "kind", "reader", "right", "ms median", "ms p95"], rows),
            table(["NeMo's spoken forms", "reader", "right"], foreign),
            table(["module", "import and first use, s", "memory, MB"], costs),
            f"read: {figures['speed']['read_ms']}  find: {figures['speed']['find_ms']}",
        ]
    )


if __name__ == "__main__":
    result = run("--quick" in sys.argv)
    write_result("slots", result, "python -m benchmarks.slots")
    print(report(result))
