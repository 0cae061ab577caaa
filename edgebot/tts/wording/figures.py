"""Numbers and what stands beside them: units, money, fractions, ranges, telephone numbers."""

from __future__ import annotations

import re

from edgebot.tts.wording.tables import Tables

_POWERS = {"²": "square", "³": "cubic", "2": "square", "3": "cubic"}


def units(text: str, table: Tables) -> str:
    """``5 km/h`` → ``five kilometers per hour``; ``12 m²`` → ``twelve square meters``."""
    unit = table.unit_words
    pattern = re.compile(
        rf"(?<![\w.,])(?P<n>-?(?:{table.number}))(?P<gap>[\s-]?)(?P<unit>{unit})(?P<power>[²³])?"
        rf"(?:/(?P<per>{unit})(?P<per_power>[²³2])?)?(?!\w)"
    )

    def word(match: re.Match[str]) -> str:
        one = match["n"] == "1"
        if match["gap"] == "\n" or (match["gap"] == " " and _is_word_after_all(match, table)):
            return match[0]
        name = _unit(match["unit"], match["power"], table, one)
        if match["per"]:
            per_power = match["per_power"]
            name += f" {table['per']} {_unit(match['per'], per_power, table, True)}"
        return f"{table.say_number(match['n'])} {name}"

    return pattern.sub(word, text)


def _is_word_after_all(match: re.Match[str], table: Tables) -> bool:
    """``2 in 5`` and ``a 5 A 3``: a symbol that is a word as well counts only at a clear end."""
    if match["unit"] not in ("in", "A", "d", "K", "t", "L", "B"):
        return False
    rest = match.string[match.end() :].lstrip()
    return bool(rest) and (rest[0].isalnum())


def _unit(symbol: str, power: str | None, table: Tables, one: bool) -> str:
    name = str(table["units"][symbol][0 if one else 1])
    return f"{table[_POWERS[power]]} {name}" if power else name


def currencies(text: str, table: Tables) -> str:
    """``$3.50`` → ``three dollars fifty cents``; ``€1.2 billion`` → ``… billion euros``."""
    sign = "|".join(map(re.escape, table["currencies"]))
    size = "|".join(map(re.escape, sorted(table["magnitudes"], key=len, reverse=True)))
    before = rf"(?P<s1>{sign})\s?(?P<n1>{table.number})(?:\s?(?P<m1>{size})(?!\w))?"
    after = rf"(?<![\w.,])(?P<n2>{table.number})(?:\s(?P<m2>{size}))?\s?(?P<s2>{sign})(?!\w)"

    def word(match: re.Match[str]) -> str:
        symbol = match["s1"] or match["s2"]
        amount = match["n1"] or match["n2"]
        magnitude = match["m1"] or match["m2"]
        names = table["currencies"][symbol]
        if magnitude:
            size_word = table["magnitudes"][magnitude]
            return f"{table.say_number(amount)} {size_word} {names[1]}"
        return _money(amount, names, table)

    return re.sub(f"{before}|{after}", word, text)


def _money(amount: str, names: list[str], table: Tables) -> str:
    whole, _, rest = amount.replace(table["thousands"], "").partition(table["decimal"])
    exact = len(rest) > 2 and rest.strip("0") and len(rest.rstrip("0")) > 2
    if len(names) < 4 or exact:
        return f"{table.say_number(amount)} {names[1]}"
    units_, cents = int(whole or 0), int((rest + "00")[:2])
    parts = []
    if units_ or not cents:
        parts.append(f"{table.words(units_)} {names[0 if units_ == 1 else 1]}")
    if cents:
        parts.append(f"{table.words(cents)} {names[2 if cents == 1 else 3]}")
    return " ".join(parts)


def fractions(text: str, table: Tables) -> str:
    """``3/4`` → ``three quarters``; ``2 1/2`` → ``two and one half``."""
    pattern = re.compile(r"(?<![\w/.])(?:(?P<w>\d{1,4})\s)?(?P<a>\d{1,3})/(?P<b>\d{1,4})(?![\w/])")

    def word(match: re.Match[str]) -> str:
        above, below = int(match["a"]), int(match["b"])
        if below < 2:
            return match[0]
        names = table["fractions"].get(below)
        if names is None:
            ordinal = table.words(below, "ordinal")
            names = [ordinal, ordinal + table["fraction_plural"]]
        fraction = f"{table.words(above)} {names[0 if above == 1 else 1]}"
        if not match["w"]:
            return fraction
        return str(table["mixed"]).format(whole=table.words(int(match["w"])), fraction=fraction)

    return pattern.sub(word, text)


def ranges(text: str, table: Tables) -> str:
    """``5-10`` and ``5–10`` → ``5 to 10``."""
    number = r"\d+(?:[.,]\d+)?"
    return re.sub(
        rf"(?<![\w.,-])({number})\s?[–-]\s?({number})(?![\w-]|[.,]\d)",
        rf"\1 {table['to']} \2",
        text,
    )


def telephone_numbers(text: str, table: Tables) -> str:
    """Digit groups that are a telephone number are read digit by digit."""
    pattern = re.compile(
        r"(?<![\w.,/-])(?P<plus>\+)?(?=(?:[\d()]+[ .-]){2,}\d|\+\d)\(?\d{1,4}\)?"
        r"(?:[ .-]\(?\d{2,9}\)?){1,5}(?![\w/-]|[.,]\d)"
    )

    def word(match: re.Match[str]) -> str:
        digits = [character for character in match[0] if character.isdigit()]
        if not 7 <= len(digits) <= 15:
            return match[0]
        groups = re.findall(r"\d+", match[0])
        plus = f"{table['symbols'].get('+', '')} " if match["plus"] else ""
        return plus + ", ".join(table.say_digits(group) for group in groups)

    return pattern.sub(word, text)


def numbers(text: str, table: Tables) -> str:
    """What is left: signs, decimals and thousands in words; plain integers as they are."""
    point = re.escape(table["decimal"])
    dotted = re.compile(r"(?<![\w.])v?\d+(?:\.\d+){2,}(?![\w])")

    def version(match: re.Match[str]) -> str:
        parts = match[0].lstrip("v").split(".")
        return f" {table['point']} ".join(table.words(int(p)) if len(p) < 10 else p for p in parts)

    text = dotted.sub(version, text)
    signed = rf"(?<![\w.,])-(?=\d)|(?<![\w.,])(?:{table.number})(?![\w]|{point}\d)"

    def word(match: re.Match[str]) -> str:
        if match[0] == "-":
            return f"{table['minus']} "
        plain = match[0].isdigit() and len(match[0]) < 10 and match[0][0] != "0"
        return match[0] if plain else table.say_number(match[0])

    return re.sub(signed, word, text)
