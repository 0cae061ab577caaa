"""A small line chart as SVG: one panel a series, one logarithmic axis for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, PANEL, LEFT, RIGHT, TOP = 640, 150, 70, 30, 40
COLOURS = ("#1b6ca8", "#c1440e", "#3a7d44", "#6b4fa0")


def line_chart(
    title: str, x_label: str, points: Sequence[float], series: Mapping[str, Sequence[float]]
) -> str:
    """SVG of ``series`` over ``points`` (above 0, drawn on a logarithmic axis)."""
    height = TOP + PANEL * len(series) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number, (name, values) in enumerate(series.items()):
        parts += _panel(name, points, values, TOP + PANEL * number, COLOURS[number % 4])
    bottom = TOP + PANEL * len(series)
    parts += [
        f'<text x="{_x(point, points):.0f}" y="{bottom + 12}" text-anchor="middle">{point:,}</text>'
        for point in points
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{bottom + 32}" text-anchor="middle">{x_label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    name: str, points: Sequence[float], values: Sequence[float], top: float, colour: str
) -> list[str]:
    highest = max(*values, 1e-9) * 1.15
    base, room = top + PANEL - 12, PANEL - 40
    places = [
        (_x(point, points), base - room * value / highest)
        for point, value in zip(points, values, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        f'<text x="{LEFT}" y="{top + 14}" fill="{colour}">{escape(name)}</text>',
        f'<path d="M{LEFT} {top + 20}V{base}H{WIDTH - RIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>',
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]
    for (x, y), value in zip(places, values, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{value:g}</text>')
    return parts


def _x(point: float, points: Sequence[float]) -> float:
    low, high = math.log10(min(points)), math.log10(max(points))
    share = (math.log10(point) - low) / ((high - low) or 1)
    return LEFT + 30 + share * (WIDTH - LEFT - RIGHT - 70)
