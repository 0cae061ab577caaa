"""Markdown: headings, paragraphs, lists and tables as text that can be spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgebot.knowledge.document import Document, Section
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode
from edgebot.knowledge.readers.table import row_sentence

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_RULE = re.compile(r"^ {0,3}([-*_])([ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),  # pictures: their description
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"<(https?://[^>\s]+)>"), r"\1"),
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"\1"),
    (re.compile(r"~~(.+?)~~"), r"\1"),
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|-])"), r"\1"),
)


def read_markdown(content: bytes, name: str) -> Document:
    """A section for each heading. The first level-one heading, if it comes first, is the title."""
    front, lines = _front_matter(_COMMENT.sub("", decode(content)).split("\n"))
    title = front.get("title", "")
    sections: list[Section] = []
    path: list[str] = []
    for level, heading, body in _parts(lines):
        if level == 1 and not title and not sections:
            title, heading = heading, ""
        if level:
            path = [*path[: level - 1], *([""] * (level - 1 - len(path))), heading]
        if text := "\n\n".join(_paragraphs(body)):
            sections.append(Section(text, tuple(part for part in path if part)))
    return Document(title or title_from(name), tuple(sections))


def _front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    if not lines or lines[0].strip() != "---":
        return {}, lines
    for number, line in enumerate(lines[1:60], start=1):
        if line.strip() in ("---", "..."):
            pairs = (one.partition(":") for one in lines[1:number] if ":" in one)
            found = {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs}
            return found, lines[number + 1 :]
    return {}, lines


def _parts(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(level, heading, lines below it); level 0 for what stands above the first heading."""
    level, heading, body = 0, "", list[str]()
    fence = ""
    for line in lines:
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1][:3]
            elif line.lstrip().startswith(fence):
                fence = ""
            body.append("")
            continue
        if fence:
            body.append("    " + line)  # code: nothing in it is a mark
        elif found := _HEADING.match(line):
            yield level, heading, body
            level, heading, body = len(found[1]), inline(found[2]), []
        elif (under := _UNDERLINE.match(line)) and body and _plain(body[-1]):
            above = body.pop()
            yield level, heading, body
            level, heading, body = (1 if "=" in under[1] else 2), inline(above), []
        else:
            body.append(line)
    yield level, heading, body


def _plain(line: str) -> bool:
    return bool(line.strip()) and not _ITEM.match(line) and "|" not in line and line[:4] != "    "


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Paragraphs; each list item and each row of a table is one line of its paragraph."""
    paragraph: list[str] = []
    header: list[str] = []
    for position, line in enumerate(lines):
        if not line.strip() or _RULE.match(line):
            if paragraph:
                yield "\n".join(paragraph)
            paragraph, header = [], []
        elif "|" in line and _TABLE_RULE.match(line):
            continue
        elif "|" in line and (header or _is_header(lines, position)):
            cells = [inline(cell) for cell in _cells(line)]
            if header:
                paragraph.append(row_sentence(header, cells))
            else:
                header = cells
        elif _ITEM.match(line) or not paragraph:
            paragraph.append(_sentence(inline(_ITEM.sub("", line)), bool(_ITEM.match(line))))
        else:
            paragraph[-1] = f"{paragraph[-1].removesuffix('.')} {inline(line)}".strip()
    if paragraph:
        yield "\n".join(paragraph)


def _is_header(lines: list[str], position: int) -> bool:
    return position + 1 < len(lines) and bool(_TABLE_RULE.match(lines[position + 1]))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip(" |\t"))]


def _sentence(text: str, item: bool) -> str:
    return text + "." if item and text and text[-1] not in ".!?:;," else text


def inline(text: str) -> str:
    """``text`` without the marks of emphasis, links, code and pictures."""
    text = text.strip().removeprefix(">").strip()
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())
