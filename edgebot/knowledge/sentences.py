"""Where sentences end."""

from __future__ import annotations

import re

_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s+["'“‘(\[]*[A-Z0-9À-ÖØ-Þ])|\n""")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]|"
    r"Mr|Mrs|Ms|Dr|Prof|Rev|Fr|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|Hon|Pres|St|Ste|Mt|Ft|Jr|Sr|"
    r"No|Nos|Vol|Fig|Figs|Sec|Ch|pp|ed|eds|cf|vs|viz|etc|al|ca|approx|est|Inc|Ltd|Co|Corp|Bros|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|Ave|Blvd|Rd|Univ|Dept|lit|Lat|Gk|Ger)\.$"
)
_ENDS_ANYWAY = re.compile(r"(?:etc|al|Inc|Ltd|Co|Corp|a\.m|p\.m|U\.S|U\.K)\.$")
_STARTS = re.compile(r"(?:The|A|An|In|It|He|She|They|This|These|That|But|And|However|Its|On|At)\b")


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text``, trimmed; a line end always ends one.

    Full stops behind initials and usual abbreviations do not end a sentence, nor do those within
    numbers.
    """
    sentences: list[str] = []
    start = 0
    for found in _END.finditer(text):
        if found[0] != "\n" and not _ends(text, start, found.end()):
            continue
        if piece := text[start : found.end()].strip():
            sentences.append(piece)
        start = found.end()
    if piece := text[start:].strip():
        sentences.append(piece)
    return sentences


def _ends(text: str, start: int, end: int) -> bool:
    before = text[max(start, end - 24) : end].rstrip("\"'”’)]")
    if not _ABBREVIATION.search(before):
        return True
    after = text[end : end + 24].lstrip()
    return bool(_ENDS_ANYWAY.search(before) and _STARTS.match(after))
