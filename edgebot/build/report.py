"""``report.html``: what a build is, what it can do and what it cost, understood in a minute."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from edgebot.build.building import Built, Done
from edgebot.build.charts import Bar, bars
from edgebot.build.evaluator import SOURCE
from edgebot.build.pictures import curves, field, write_chart
from edgebot.build.recipe import Recipe

CHART_FILE, REPORT_FILE = "figures.svg", "report.html"

LABELS: Mapping[str, tuple[str, str]] = {
    "size_mb": ("size", "MB"),
    "zipped_mb": ("size, zipped", "MB"),
    "kl": ("divergence from the source", "nats"),
    "kl_p95": ("divergence, 95th percentile", "nats"),
    "top1": ("same likeliest token", "share"),
    "ppl": ("perplexity", ""),
    "bits_per_byte": ("bits per byte of text", ""),
    "book_ppl": ("perplexity, book text", ""),
    "book_kl": ("divergence, book text", "nats"),
    "book_bits_per_byte": ("bits per byte, book text", ""),
    "lost_share": ("given to dropped tokens", "share"),
    "answers_same": ("greedy answers unchanged", "of those asked"),
    "answers_asked": ("answers asked for", ""),
    "questions_right": ("questions answered right", "share"),
    "tools_right": ("tools called rightly", "share"),
    "tools_false": ("tools called wrongly", "share"),
    "prompt_tok_s": ("reads a prompt", "tokens/s"),
    "reply_tok_s": ("writes a reply", "tokens/s"),
    "prompt_cpu_ms_per_tok": ("processor time, prompt", "ms/token"),
    "reply_cpu_ms_per_tok": ("processor time, reply", "ms/token"),
    "book_kl_p95": ("divergence, book text, 95th percentile", "nats"),
    "book_top1": ("same likeliest token, book text", "share"),
    "answers_empty": ("empty answers", ""),
    "cosine_mean": ("likeness of its vectors to the source's", "cosine"),
    "cosine_least": ("the same, least like sentence", "cosine"),
    "relation": ("likeness of its similarities", "correlation"),
    "own_accuracy": ("our own intents told", "share"),
    "own_lost": ("our own intents lost", "points"),
    "own_gained": ("our own intents, over n-grams alone", "points"),
    "recall_at_1": ("passage found first", "share"),
    "recall_at_5": ("passage among five", "share"),
    "wer": ("words misheard when it speaks", "share"),
    "wer_lost": ("more words misheard", "points"),
    "spectral_db": ("difference of the sound", "dB"),
    "own_db": ("difference of the source from itself", "dB"),
    "spectral_ratio": ("difference, of the source's own", "×"),
    "same_decision": ("same decision as the source", "share"),
    "right": ("right decisions", "share"),
    "item_ms": ("takes for an item", "ms"),
    "item_cpu_ms": ("processor time for an item", "ms"),
    "times_faster": ("as fast as the source", "times"),
    "load_s": ("loads", "s"),
    "peak_rss_mb": ("peak memory", "MB"),
}

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{margin-bottom:0}.lead{font-size:1.15rem}.pass{color:#3a7d44}.miss{color:#c1440e}
table{border-collapse:collapse;margin:1rem 0;width:100%}
th,td{padding:.3rem .7rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}small{color:#666}
td.n,th.n{white-space:nowrap}details{margin:1rem 0}summary{cursor:pointer;color:#444}
svg{max-width:100%;height:auto;border:1px solid #eee}code{font-size:.85em}
code.w{overflow-wrap:anywhere}
"""

_DRAWN = ("curves", "attention_first")
"""Notes that are shown as a picture."""

_SIGNS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}

_MEANINGS = (
    "Divergence says how far its guesses of the next word are from the source's: below 0.05 nats "
    "one hardly notices, above 0.3 it is another model."
)


def write_report(built: Built, manifest: Mapping[str, Any], folder: Path) -> None:
    """Write the report and its charts (SVG, PNG beside it) into ``folder``."""
    charts = {CHART_FILE: bars(f"{built.recipe.name} against its source", list(_bars(built)))}
    charts |= dict(_seen_by_steps(built))
    for name, chart in charts.items():
        write_chart(chart, folder / name)
    page = _page(built, manifest, list(charts.values()))
    (folder / REPORT_FILE).write_text(page, encoding="utf-8")


def _seen_by_steps(built: Built) -> Iterable[tuple[str, str]]:
    """File and chart of what steps put into their notes: curves of a training, attention."""
    for at, done in enumerate(built.done, 1):
        notes, name = done.kept.notes, done.step.name
        if losses := notes.get("curves"):
            yield f"{at}-{name}.svg", curves(f"{name}: losses while it learnt", losses)
        if shares := notes.get("attention_first"):
            title = "Attention that heads give to the first token: dark ones do little else"
            yield f"{at}-{name}.svg", field(title, "head", "layer", shares)


def summary(figures: Mapping[str, float]) -> str:
    """The figures in a sentence."""
    said = []
    if "size_mb" in figures:
        said.append(f"{figures['size_mb']:.0f} MB instead of {figures[f'{SOURCE}size_mb']:.0f} MB")
    # By processor time: what else the machine does meanwhile would falsify the clock's.
    for part, verb in (("prompt", "reads prompts"), ("reply", "writes replies")):
        name = f"{part}_cpu_ms_per_tok"
        if name in figures:
            said.append(f"{verb} {figures[SOURCE + name] / figures[name]:.2f} × as fast")
    if "kl" in figures:
        said.append(f"{figures['kl']:.3f} nats from its source")
    if "answers_same" in figures:
        same, asked = figures["answers_same"], figures["answers_asked"]
        said.append(f"{same:.0f} of {asked:.0f} greedy answers unchanged")
    return ", ".join(said)


def _bars(built: Built) -> Iterable[Bar]:
    better = directions(built.recipe)
    for name, value in built.figures.items():
        reference = built.figures.get(SOURCE + name)
        if name not in better or not reference or value <= 0 or reference <= 0:
            continue
        ratio = value / reference
        good = ratio <= 1.0 if better[name] == "low" else ratio >= 1.0
        unit = LABELS.get(name, (name, ""))[1]
        yield Bar(label(name), ratio, f"{value:.4g} {unit}  ({ratio:.2f} ×)", good)


def directions(recipe: Recipe) -> dict[str, str]:
    """Figure → ``low`` or ``high``, as the evaluators of ``recipe`` say."""
    found: dict[str, str] = {}
    for evaluator in recipe.made_evaluators():
        prefix = getattr(evaluator.parameters, "prefix", "")
        found |= {f"{prefix}{name}": way for name, way in evaluator.better.items()}
    return found


def label(name: str) -> str:
    """What people call the figure ``name``."""
    return LABELS.get(name, (name.replace("_", " "), ""))[0]


def _page(built: Built, manifest: Mapping[str, Any], charts: Sequence[str]) -> str:
    recipe, missed = built.recipe, [v for v in built.verdicts if not v.passed]
    verdict = (
        '<span class="miss">must not be shipped: '
        f"{escape(', '.join(verdict.gate.text for verdict in missed))} is missed</span>"
        if missed
        else f'<span class="pass">may be shipped: all {len(built.verdicts)} gates are passed</span>'
    )
    skipped = f"<p><small>Left out: {escape(', '.join(built.skipped))}.</small></p>"
    pictures = f"<h2>What the steps saw</h2>{''.join(charts[1:])}" if charts[1:] else ""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{escape(recipe.name)}</title>
<style>{_STYLE}</style>
<h1>{escape(recipe.name)}</h1>
<p>{escape(recipe.description)}; from <b>{escape(built.origin.name)}</b>
({escape(str(manifest["licence"]))})</p>
<p class="lead">{escape(summary(built.figures))}.<br>It {verdict}.</p>
<h2>Gates</h2>
{_gates(built)}
<h2>Against its source</h2>
<p><small>To the left of the line: less than the source; to the right: more. Green is better, red is
worse. {_MEANINGS if "kl" in built.figures else ""}</small></p>
{charts[0]}
<details><summary>All figures</summary>
{_figures(built.figures)}
</details>
{skipped if built.skipped else ""}
{pictures}
<h2>How it was made</h2>
{_steps(built)}
<p><small>{escape(", ".join(f"{k} {v}" for k, v in manifest["versions"].items()))}</small></p>
</html>
"""


def _gates(built: Built) -> str:
    rows = []
    for v in built.verdicts:
        unit = LABELS.get(v.gate.figure, ("", ""))[1]
        rows.append(
            (
                f'<span class="{"pass" if v.passed else "miss"}">{"✓" if v.passed else "✗"}</span>',
                f"{escape(label(v.gate.figure))} <small>{escape(unit)}</small>",
                "not measured" if v.found is None else f"{v.found:.4g}",
                "" if v.bound is None else f"{escape(_SIGNS[v.gate.comparison])} {v.bound:.4g}",
                f"<code>{escape(v.gate.text)}</code>",
            )
        )
    return _table(("", "what", "found", "limit", "gate"), rows, numbers=(2, 3))


def _figures(figures: Mapping[str, float]) -> str:
    names = [name for name in LABELS if name in figures]
    names += [n for n in figures if n not in LABELS and not n.startswith(SOURCE)]
    rows = []
    for name in names:
        reference = figures.get(SOURCE + name)
        ratio = f"{figures[name] / reference:.2f} ×" if reference else ""
        unit = LABELS.get(name, ("", ""))[1]
        rows.append(
            (
                f"{escape(label(name))} <small>{escape(unit)}</small>",
                f"{figures[name]:.4g}",
                "" if reference is None else f"{reference:.4g}",
                ratio,
            )
        )
    return _table(("figure", "this build", "source", ""), rows, numbers=(1, 2, 3))


def _steps(built: Built) -> str:
    rows = [
        (
            escape(done.step.name),
            f"<code class=w>{escape(_parameters(done))}</code>",
            f"<small>{escape(_short(done.kept.notes))}</small>",
            f"{done.kept.seconds:.1f} s",
            f"{done.kept.peak_mb:.0f} MB",
        )
        for done in built.done
    ]
    return _table(("step", "parameters", "notes", "time", "peak memory"), rows, numbers=(3, 4))


def _parameters(done: Done) -> str:
    asked = done.step.parameters.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(asked) if asked else ""


def _short(notes: Mapping[str, Any]) -> str:
    """Figures of a step; long lists by their length."""
    said = []
    for name, value in notes.items():
        shown = value
        if name in _DRAWN or value in ({}, []):
            continue
        if isinstance(value, Mapping | list) and len(value) > 8:
            shown = f"{len(value)} of them"
        said.append(f"{name.replace('_', ' ')}: {shown}")
    return "; ".join(said)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    cells = "".join(
        f'<th class="n">{escape(cell)}</th>' if at in numbers else f"<th>{escape(cell)}</th>"
        for at, cell in enumerate(head)
    )
    lines = [
        "<tr>"
        + "".join(
            f'<td class="n">{cell}</td>' if at in numbers else f"<td>{cell}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    ]
    return f"<table><tr>{cells}</tr>{''.join(lines)}</table>"
