"""Which words carried a decision, as a page that needs nothing but a browser."""

from __future__ import annotations

import html
from collections.abc import Sequence

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; }}
.words span {{ border-radius: .25rem; display: inline-block; font-size: 1.5rem; margin: .15rem;
  padding: .1rem .4rem; }}
table {{ border-collapse: collapse; margin-top: 1.5rem; }}
td, th {{ padding: .15rem .8rem .15rem 0; text-align: left; }}
td.weight {{ font-variant-numeric: tabular-nums; text-align: right; }}
.bar {{ display: inline-block; height: .8rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}</p>
<p class="words">{words}</p>
<p>Blue words speak for the decision, red ones against it; the deeper, the more. A word's weight is
how far the decision's lead falls when the word is left out.</p>
<table>
<tr><th>word</th><th>weight</th><th></th></tr>
{rows}
</table>
</body>
</html>
"""


def heat_map(
    text: str, intent: str | None, score: float, weights: Sequence[tuple[str, float]]
) -> str:
    """An HTML page. ``weights``: each word with -1 … 1; what is in ``text`` is escaped."""
    title = f"“{text}”"
    decision = f"understood as {intent}" if intent else "out of scope"
    ordered = sorted(weights, key=lambda pair: -abs(pair[1]))
    return _PAGE.format(
        title=html.escape(title),
        summary=html.escape(f"{decision}, score {score:.2f}"),
        words="\n".join(_word(word, weight) for word, weight in weights),
        rows="\n".join(_row(word, weight) for word, weight in ordered),
    )


def _word(word: str, weight: float) -> str:
    return (
        f'<span style="background: {_colour(weight)}" title="{weight:+.2f}">'
        f"{html.escape(word)}</span>"
    )


def _row(word: str, weight: float) -> str:
    width = round(abs(weight) * 12, 2)
    return (
        f'<tr><td>{html.escape(word)}</td><td class="weight">{weight:+.2f}</td><td>'
        f'<span class="bar" style="width: {width}rem; background: {_colour(weight)}"></span>'
        "</td></tr>"
    )


def _colour(weight: float) -> str:
    strength = round(min(1.0, abs(weight)), 3)
    return f"rgba(40, 110, 220, {strength})" if weight >= 0 else f"rgba(220, 60, 50, {strength})"
