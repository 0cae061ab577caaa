"""``edgebot explain``: why a turn was answered as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from edgebot.cli.context import assembly_of, settings_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.errors import UsageError
from edgebot.core.nlu import NluContext
from edgebot.core.turn import Turn
from edgebot.dialogue import turnlog
from edgebot.nlu.heat_map import heat_map


@click.command()
@click.argument("turn", required=False)
@click.option("--text", help="Explain what TEXT would be answered by, without doing it.")
@click.option("--session", default="local", show_default=True, help="Whose conversation it is.")
@click.option("--list", "all_turns", is_flag=True, help="Every turn that is kept, oldest first.")
@click.option(
    "--attention",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write an HTML page that shows which words carried the classifier's decision.",
)
@json_option
@click.pass_context
def explain(
    ctx: click.Context,
    turn: str | None,
    text: str | None,
    session: str,
    all_turns: bool,
    attention: Path | None,
    as_json: bool,
) -> None:
    """Tell which rungs of the ladder were asked about TURN and what they said.

    TURN is the id that `--list` shows (its beginning will do), or a number: 1 is the last turn, 2
    the one before. Without it the last turn is explained. How many turns are kept, and whether
    with their words, say `dialogue.keep_turns` and `dialogue.keep_words`.
    """
    if text is not None:
        records = _dry_runs(ctx, text, session)
    else:
        records = iter(_kept(ctx, turn, all_turns))
    for record in records:
        if as_json:
            emit(record)
        else:
            click.echo(_line(record) if all_turns else _page(record))
        if attention is not None:
            _write_attention(ctx, record, attention)


def _dry_runs(ctx: click.Context, text: str, session: str) -> Iterator[dict[str, Any]]:
    """What each text would be answered by; nothing is carried out."""
    if not text.strip():
        raise UsageError('there is nothing to explain; try: edgebot explain --text "stop"')
    dialogue = assembly_of(ctx).dialogue()
    for line in lines(text):
        turn = Turn(session)
        proposal = dialogue.propose(turn, line)
        turn.mark("parsed")
        yield turnlog.describe(turn, line, proposal.decision)


def _kept(ctx: click.Context, turn: str | None, all_turns: bool) -> list[dict[str, Any]]:
    settings = settings_of(ctx)
    records = turnlog.read(turnlog.turns_file(settings.state_dir))
    if all_turns:
        return records
    if not records:
        off = settings.dialogue.keep_turns == 0
        why = "dialogue.keep_turns is 0" if off else "nothing was asked since the machine started"
        raise UsageError(f'no turn is kept: {why}; try: edgebot explain --text "what time is it"')
    wanted = turn or "1"
    if wanted.isdigit() and 1 <= int(wanted) <= len(records):
        return [records[-int(wanted)]]
    found = [record for record in records if str(record.get("turn", "")).startswith(wanted)]
    if len(found) != 1:
        many = "no turn" if not found else "more than one turn"
        raise UsageError(f"{many} is called {wanted!r}; see: edgebot explain --list")
    return found


def _write_attention(ctx: click.Context, record: Mapping[str, Any], file: Path) -> None:
    text = record.get("text")
    if not text:
        raise UsageError(
            "the words of this turn were not kept (dialogue.keep_words); "
            'try: edgebot explain --text "…" --attention out.html'
        )
    understander = assembly_of(ctx).understander()
    found = understander.classify(str(text), NluContext())
    words = understander.attribute(str(text))
    file.write_text(heat_map(str(text), found.intent, found.score, words), encoding="utf-8")
    click.echo(f"{file} was written", err=True)


def _line(record: Mapping[str, Any]) -> str:
    said = record.get("text") or "(words not kept)"
    return (
        f"{record['turn']}  {record.get('at', '')[:19]}  {record['route']:<9} "
        f"{record['intent'] or '-'}  {said}"
    )


def _page(record: Mapping[str, Any]) -> str:
    """One turn for people."""
    rows = [
        f"turn {record['turn']}, session {record['session']}, {record.get('at', 'dry run')}",
        f"said:    {record.get('text') or '(words not kept; see dialogue.keep_words)'}",
        f"route:   {record['route']}"
        + (f", intent {record['intent']}" if record["intent"] else ""),
    ]
    slots = record["slots"]
    if slots:
        named = slots.items() if isinstance(slots, Mapping) else ((name, "…") for name in slots)
        rows.append("slots:   " + "\n         ".join(f"{name} = {value}" for name, value in named))
    if record["sources"]:
        rows.append("sources: " + ", ".join(record["sources"]))
    if record.get("failure"):
        rows.append(f"failed:  {record['failure']}")
    rows.append("rungs:")
    for rung in record["rungs"]:
        rows += _rung(rung)
    marks = record.get("marks_ms", {})
    rows.append("times:   " + ", ".join(f"{name} {ms:g} ms" for name, ms in marks.items()))
    return "\n".join(rows)


def _rung(rung: Mapping[str, Any]) -> Iterator[str]:
    score = "declined" if rung["score"] is None else f"{rung['score']:.2f}"
    yield f"  {rung['rung']:<10} {score:>8}  {rung['ms']:>7.1f} ms  {rung.get('reason', '')}"
    details = dict(rung.get("details") or {})
    if rung.get("templates"):
        details["templates"] = rung["templates"]
    for name, value in details.items():
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, "", [], {}):
                yield f"{'':<32}{name}: {_brief(one)}"


def _brief(value: Any) -> str:
    """A passage on one line, a message of a prompt in full; anything else as it is."""
    if isinstance(value, Mapping) and "title" in value and "score" in value:
        return f"{value['score']:.2f} {value['title']} ({Path(value['source']).name})"
    if isinstance(value, Mapping) and set(value) == {"role", "content"}:
        indented = str(value["content"]).replace("\n", f"\n{'':<42}")
        return f"{value['role']}: {indented}"
    return str(value)
