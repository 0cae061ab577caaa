"""A page that shows which words carried the classifier's decision."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Which words decided</title>
<style>
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; color: #1a1a1a; background: #fff;
         max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }}
  .words span {{ padding: .15em .35em; border-radius: .3em; margin: 0 .1em; }}
  .words {{ font-size: 1.5rem; line-height: 2.2; }}
  table {{ border-collapse: collapse; }} td, th {{ padding: .2em 1em .2em 0; text-align: left; }}
  td.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
<h1>Which words decided</h1>
<p>Intent <b>{intent}</b>, route {route}.
Warm words spoke for the decision, cold words against it.</p>
<p class="words">{words}</p>
<table><tr><th>word</th><th>share</th></tr>
{rows}
</table>
</html>
"""


def heat_map(text: str, record: Mapping[str, Any], words: Sequence[tuple[str, float]]) -> str:
    """An HTML page without anything from elsewhere; weights are -1 … 1."""
    spans = " ".join(_span(word, weight) for word, weight in words)
    rows = "\n".join(
        f'<tr><td>{html.escape(word)}</td><td class="n">{weight:+.2f}</td></tr>'
        for word, weight in words
    )
    return _PAGE.format(
        intent=html.escape(str(record["intent"] or "none")),
        route=html.escape(str(record["route"])),
        words=spans or html.escape(text),
        rows=rows,
    )


def _span(word: str, weight: float) -> str:
    strength = min(1.0, abs(weight))
    color = f"rgba({'214,69,29' if weight > 0 else '38,101,191'},{strength * 0.7:.2f})"
    return f'<span style="background:{color}" title="{weight:+.2f}">{html.escape(word)}</span>'
