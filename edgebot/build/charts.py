"""Charts of figures as SVG: bars against the source, and points of many builds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

GOOD, BAD, SAME, LINE = "#3a7d44", "#c1440e", "#6b7280", "#999"
WIDTH = 720


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure against its source's."""

    label: str
    ratio: float
    text: str
    good: bool


def bars(title: str, entries: Sequence[Bar]) -> str:
    """Bars from the source's figure (1) to the left or the right, on a logarithmic axis."""
    left, right, row = 220, 210, 30
    most = max([2.0, *(max(bar.ratio, 1 / bar.ratio) for bar in entries if bar.ratio > 0)])
    middle = left + (WIDTH - left - right) / 2
    half = (WIDTH - left - right) / 2
    height = 60 + row * len(entries)
    parts = [*head(title, height), f'<path d="M{middle} 40V{height - 14}" stroke="{LINE}"/>']
    parts.append(text(middle, 38, "source", "middle", SAME))
    for at, bar in enumerate(entries):
        y = 62 + row * at
        length = half * min(
            1.0, abs(math.log2(bar.ratio) / math.log2(most)) if bar.ratio > 0 else 0
        )
        x = middle if bar.ratio >= 1 else middle - length
        colour = GOOD if bar.good else BAD
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 12}" width="{max(length, 1):.1f}" height="16"'
            f' fill="{colour}" rx="2"/>'
        )
        parts.append(text(left - 10, y, bar.label, "end"))
        parts.append(text(WIDTH - right + 12, y, bar.text, "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class Point:
    """One build among others."""

    label: str
    x: float
    y: float
    size: float
    """What the area shows (a speed)."""

    front: bool
    """On the Pareto front."""


def points(
    title: str, x_label: str, y_label: str, size_label: str, entries: Sequence[Point]
) -> str:
    """Builds by two figures; the area of a point shows a third."""
    left, right, top, height = 80, 170, 60, 440
    bottom = height - 60
    xs, ys = [point.x for point in entries], [point.y for point in entries]
    low_x, high_x = _range(xs)
    low_y, high_y = _range(ys)
    largest = max([point.size for point in entries] + [1e-9])
    parts = [
        *head(title, height),
        f'<path d="M{left} {top}V{bottom}H{WIDTH - right}" fill="none" stroke="{LINE}"/>',
        text((left + WIDTH - right) / 2, height - 16, x_label, "middle"),
        text(left, top - 12, y_label, "start"),
        text(WIDTH - 16, 22, f"area: {size_label}", "end", SAME),
        text(WIDTH - 16, 40, "green: Pareto front", "end", GOOD),
    ]
    for share in (0.0, 0.5, 1.0):
        x = left + share * (WIDTH - right - left)
        y = bottom - share * (bottom - top)
        parts.append(text(x, bottom + 18, f"{low_x + share * (high_x - low_x):.3g}", "middle"))
        parts.append(text(left - 8, y + 4, f"{low_y + share * (high_y - low_y):.3g}", "end"))
    for point in sorted(entries, key=lambda entry: -entry.size):
        x = left + (point.x - low_x) / (high_x - low_x) * (WIDTH - right - left)
        y = bottom - (point.y - low_y) / (high_y - low_y) * (bottom - top)
        radius = 4 + 14 * (max(point.size, 0) / largest) ** 0.5
        colour = GOOD if point.front else SAME
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}"'
            f' fill-opacity="0.45" stroke="{colour}"/>'
        )
        parts.append(text(x + radius + 4, y + 4, point.label, "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def head(title: str, height: float) -> list[str]:
    """What every chart begins with."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        text(16, 22, title, "start", "#111", 15),
    ]


def text(x: float, y: float, words: str, anchor: str, colour: str = "#333", size: int = 12) -> str:
    """``words`` at a place; ``anchor``: start, middle, end."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
        f' font-size="{size}">{escape(words)}</text>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min([*values, 0.0]) if min(values) < 0.2 * max(values) else min(values), max(values)
    room = 0.08 * (high - low or abs(high) or 1.0)
    return low - (room if low else 0.0), high + room
