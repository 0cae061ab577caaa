"""Pictures of what a step saw: curves of a training, a field of shares; and SVG made into PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from edgebot.build.charts import LINE, WIDTH, head, text

_COLOURS = ("#1b6ca8", "#c1440e", "#3a7d44", "#6b4fa0", "#997404")
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts",
                 "/System/Library/Fonts/Supplemental")  # fmt: skip
_ZOOM = 2.0


def write_chart(svg: str, path: Path) -> list[Path]:
    """Write ``svg`` to ``path`` and as PNG beside it; returns what was written.

    Of a ``path`` that ends in ``.png`` the SVG is what lies beside. PNG is left out where the extra
    ``build`` or a font is missing: a chart without words says nothing.
    """
    drawn = path.with_suffix(".svg") if path.suffix == ".png" else path
    drawn.write_text(svg, encoding="utf-8")
    content = png(svg)
    if content is None:
        return [drawn]
    beside = drawn.with_suffix(".png")
    beside.write_bytes(content)
    return [drawn, beside]


def png(svg: str) -> bytes | None:
    """``svg`` drawn; None where that cannot be done here."""
    try:
        import resvg_py
    except ImportError:
        return None
    font = _font()
    if font is None:
        return None
    made: bytes = resvg_py.svg_to_bytes(
        svg_string=svg.replace('font-family="sans-serif"', f'font-family="{_family(font)}"'),
        font_files=[str(font)],
        skip_system_fonts=True,
        zoom=_ZOOM,
    )
    return bytes(made)


@cache
def _font() -> Path | None:
    found = {
        path.name: path
        for folder in map(Path, _FONT_FOLDERS)
        if folder.is_dir()
        for path in folder.rglob("*.ttf")
    }
    return next((found[name] for name in _FONTS if name in found), None)


def _family(font: Path) -> str:
    names = {"DejaVuSans": "DejaVu Sans", "LiberationSans": "Liberation Sans",
             "NotoSans": "Noto Sans"}  # fmt: skip
    stem = font.stem.partition("-")[0]
    return names.get(stem, stem)


def curves(title: str, series: Mapping[str, Sequence[float]]) -> str:
    """Losses over the stretches of a training, each from nought to its own highest."""
    left, row, right = 130, 92, 90
    parts = head(title, 50 + row * len(series))
    for at, (name, values) in enumerate(series.items()):
        colour = _COLOURS[at % len(_COLOURS)]
        top, bottom = 46 + row * at, 46 + row * at + 70
        known = [(n, v) for n, v in enumerate(values) if math.isfinite(v)]
        highest = max([value for _, value in known] + [1e-12])
        step = (WIDTH - left - right) / max(1, len(values) - 1)
        places = [(left + step * n, bottom - 60 * value / highest) for n, value in known]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts += [
            f'<path d="M{left} {top}V{bottom}H{WIDTH - right}" fill="none" stroke="{LINE}"/>',
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            text(left - 10, bottom - 30, name, "end", colour),
        ]
        if places:
            parts.append(text(left + 4, top + 4, f"{known[0][1]:.3g}", "start", colour))
            x, y = places[-1]
            parts.append(text(x + 6, y + 4, f"{known[-1][1]:.3g}", "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def field(title: str, x_label: str, y_label: str, shares: Sequence[Sequence[float]]) -> str:
    """Shares from 0 (white) to 1 (dark); each tells its number when it is pointed at."""
    rows, columns = len(shares), max((len(row) for row in shares), default=1)
    left, top = 70, 60
    width = min(40.0, (WIDTH - left - 180) / columns)
    high = 16
    bottom = top + high * rows
    parts = head(title, max(bottom, top + 110) + 20)
    parts.append(text(left, top - 12, f"{x_label} →", "start"))
    parts.append(text(16, top + 12, y_label, "start"))
    for y, row in enumerate(shares):
        if y % 5 == 0:
            parts.append(text(left - 8, top + high * y + 12, str(y), "end"))
        for x, share in enumerate(row):
            known = math.isfinite(share)
            told = f"{share:.2f}" if known else "none"
            colour = _shade(share) if known else "#eee"
            parts.append(
                f'<rect x="{left + width * x:.1f}" y="{top + high * y}" width="{width - 1:.1f}"'
                f' height="{high - 1}" fill="{colour}">'
                f"<title>{escape(y_label)} {y}, {escape(x_label)} {x}: {told}</title></rect>"
            )
    key = left + width * columns + 24
    for at, share in enumerate((0.0, 0.25, 0.5, 0.75, 1.0)):
        y = top + 22 * at
        parts.append(
            f'<rect x="{key:.1f}" y="{y}" width="18" height="18" fill="{_shade(share)}"'
            f' stroke="{LINE}"/>'
        )
        parts.append(text(key + 26, y + 13, f"{share:.0%}", "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _shade(share: float) -> str:
    share = min(1.0, max(0.0, share))
    light, dark = (255, 255, 255), (20, 60, 110)
    mixed = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
