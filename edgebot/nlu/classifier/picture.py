"""The confusion of a classifier as a picture: SVG to look at closely, PNG to put anywhere."""

from __future__ import annotations

import html
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

_CELL = 14
_FONT = 10
_WORST = 15

Confusion = Mapping[str, Mapping[str, int]]


def confusion_svg(confusion: Confusion, title: str) -> str:
    """Rows are what was meant, columns what was answered; darker is more often.

    The diagonal is what was right (blue), all else is mistakes (red). Cells tell their figures when
    pointed at. The worst mistakes are listed below.
    """
    labels = _labels(confusion)
    left = 12 + 6 * max((len(label) for label in labels), default=0)
    side = _CELL * len(labels)
    worst = _worst(confusion)
    width, height = left + side + 20, left + side + 60 + 14 * len(worst)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="{_FONT}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="8" y="16" font-size="13">{html.escape(title)}</text>',
    ]
    for index, label in enumerate(labels):
        name, along = html.escape(label), left + index * _CELL
        middle = along + _CELL - 4
        parts.append(f'<text x="{left - 4}" y="{middle}" text-anchor="end">{name}</text>')
        parts.append(f'<text transform="translate({middle},{left - 4}) rotate(-90)">{name}</text>')
    for row, meant in enumerate(labels):
        total = sum(confusion.get(meant, {}).values())
        for answered, count in confusion.get(meant, {}).items():
            column = labels.index(answered)
            parts.append(
                f'<rect x="{left + column * _CELL}" y="{left + row * _CELL}" width="{_CELL}" '
                f'height="{_CELL}" fill="{_hex(_colour(count / total, row == column))}">'
                f"<title>{html.escape(meant)} → {html.escape(answered)}: {count} of {total}"
                "</title></rect>"
            )
    parts.append(
        f'<rect x="{left}" y="{left}" width="{side}" height="{side}" fill="none" stroke="#999"/>'
    )
    for number, (meant, answered, count) in enumerate(worst):
        line = html.escape(f"{count} × {meant} taken for {answered}")
        parts.append(f'<text x="8" y="{left + side + 28 + 14 * number}">{line}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def confusion_png(confusion: Confusion, cell: int = 8) -> bytes:
    """The same without words: ``cell`` pixels a label each way."""
    labels = _labels(confusion)
    size = max(1, len(labels))
    pixels = np.full((size, size, 3), 255, np.uint8)
    for row, meant in enumerate(labels):
        total = sum(confusion.get(meant, {}).values())
        for answered, count in confusion.get(meant, {}).items():
            column = labels.index(answered)
            pixels[row, column] = _colour(count / total, row == column)
    return _png(pixels.repeat(cell, axis=0).repeat(cell, axis=1))


def write_pictures(confusion: Confusion, title: str, path: Path) -> list[Path]:
    """Write ``path`` as SVG and, beside it, as PNG; returns both paths."""
    svg, png = path.with_suffix(".svg"), path.with_suffix(".png")
    svg.write_text(confusion_svg(confusion, title), encoding="utf-8")
    png.write_bytes(confusion_png(confusion))
    return [svg, png]


def _labels(confusion: Confusion) -> list[str]:
    return sorted({*confusion, *(answer for row in confusion.values() for answer in row)})


def _worst(confusion: Confusion) -> list[tuple[str, str, int]]:
    mistakes = [
        (meant, answered, count)
        for meant, row in confusion.items()
        for answered, count in row.items()
        if meant != answered
    ]
    return sorted(mistakes, key=lambda mistake: -mistake[2])[:_WORST]


def _colour(share: float, right: bool) -> tuple[int, int, int]:
    """White to blue for what is right, white to red for mistakes; small shares still show."""
    depth = min(1.0, max(share, 0.0)) ** 0.5
    pale, deep = 255, round(255 - 225 * depth)
    return (deep, round(255 - 150 * depth), pale) if right else (pale, deep, deep)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """An 8-bit RGB image; ISO/IEC 15948."""
    height, width, _ = pixels.shape
    raw = b"".join(b"\0" + pixels[row].tobytes() for row in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )
