"""``edgebot flash``: put a release onto a board over ssh, or onto a card."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgebot.cli.bundle import key_file
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human, progress
from edgebot.cli.table import table
from edgebot.core.errors import UsageError
from edgebot.deploy import flash_bundle
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.flash import Board, Told, Wish
from edgebot.deploy.ssh import Ssh
from edgebot.models.signatures import PublicKey, SigningKey

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.argument("host", required=False)
@click.option("--profile", "name", default="auto", show_default=True, help="Device profile.")
@click.option("--bundle", "bundle_file", type=_FILE, help="This bundle instead of a fresh one.")
@click.option("--key", type=_FILE, help="Private key to sign a fresh bundle with.")
@click.option("--trust", type=_FILE, multiple=True, help="Public key the board is to trust.")
@click.option("--settings", "settings_file", type=_FILE, help="Settings for a board without any.")
@click.option("--question", type=_FILE, help="A spoken health question of your own (WAV).")
@click.option("--expect", help="What its answer must hold, as a regular expression.")
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(1, 7200),
    default=600,
    show_default=True,
    help="Seconds for the new release to answer it.",
)
@click.option("--allow-older", is_flag=True, help="Take a bundle older than the board has had.")
@click.option("--again", is_flag=True, help="Install what is in force already.")
@click.option("--rollback", is_flag=True, help="Go back to the release before, or to --release.")
@click.option("--release", default="", help="Which one --rollback goes back to.")
@click.option("--status", is_flag=True, help="Tell what runs and how the last update went.")
@click.option("--list", "list_", is_flag=True, help="List the releases on the board.")
@click.option("--prune", is_flag=True, help="Remove all but the release in force and the last.")
@click.option("--dry-run", is_flag=True, help="Check everything and send nothing.")
@click.option("--root", default="/", help="A folder of the board instead of the whole board.")
@click.option("--ssh-config", type=_FILE, help="Instead of ~/.ssh/config.")
@click.option(
    "--device",
    type=click.Path(path_type=Path),
    help="Write --image onto this card instead (such as /dev/sdX).",
)
@click.option("--image", type=_FILE, help="A disk image made by `edgebot image`.")
@json_option
@click.pass_context
def flash(
    ctx: click.Context,
    /,
    host: str | None,
    root: str,
    ssh_config: Path | None,
    device: Path | None,
    image: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Put a release onto the board HOST (as for ssh: pi@kitchen.local) and prove that it works.

    The board answers a spoken question with the new release, or goes back to the old one.
    """
    if device is not None:
        from edgebot.cli.image import write_card

        write_card(device, image, as_json)
        return
    if host is None:
        raise UsageError("name the board: edgebot flash pi@kitchen.local")
    with progress() as shown, Ssh(host, ssh_config) as ssh:
        board = Board(ssh, Told(shown.say, shown.begin, shown.advance), root)
        for verb, show in _QUESTIONS.items():
            if options[verb]:
                answer = board.call(verb.rstrip("_"))
                emit(answer) if as_json else show(answer)
                return
        if options["rollback"]:
            state = board.rollback(options["release"], options["limit_s"])
        else:
            state = _install(ctx, board, shown, options)
    if as_json:
        emit({key: value for key, value in state.items() if key not in ("ok", "pid")})
    else:
        _tell(state)


def _install(ctx: click.Context, board: Board, shown: Any, options: Any) -> dict[str, Any]:
    file = options["bundle_file"]
    first: bytes | None = None
    store = assembly_of(ctx).store
    profile = flash_bundle.profile_for(options["name"], board.facts, store.root)
    if file is None:
        private = options["key"] or key_file()
        if not private.is_file():
            raise UsageError(
                f"there is no key {private} to sign with; run `edgebot bundle keygen`, or name "
                "a bundle (--bundle)"
            )
        key = SigningKey.read(private)
        first = _public_of(private, key)
        file = flash_bundle.made_for(
            board.facts, profile, store, key, shown, options["settings_file"]
        )
    elif (public := key_file().with_suffix(".pub")).is_file():
        first = public.read_bytes()
    trust = [PublicKey.read(path).to_bytes() for path in options["trust"]]
    wish = Wish(
        first_key=trust[0] if trust else first,
        trust=trust,
        allow_older=options["allow_older"],
        again=options["again"],
        limit_s=options["limit_s"],
        question=_question(options["question"], options["expect"]),
    )
    with BundleReader(file) as bundle:
        if options["dry_run"]:
            return _dry(bundle, board.look(bundle, wish), profile.name)
        if options["name"] == "auto" and bundle.manifest.profile != profile.name:
            raise UsageError(
                f"the bundle is for another board: it is made for {bundle.manifest.profile} and "
                f"this one is a {profile.name}; name the profile (--profile) to flash it anyway"
            )
        shown.say(f"{board.facts.hardware.board or board.facts.arch}: profile {profile.name}")
        state = board.install(bundle, wish)
    return {**state, **_figures(board)}


def _public_of(private: Path, key: SigningKey) -> bytes:
    public = private.with_suffix(".pub")
    return public.read_bytes() if public.is_file() else key.public.to_bytes()


def _question(wav: Path | None, expected: str | None) -> dict[str, str]:
    if (wav is None) != (expected is None):
        raise UsageError("--question and --expect belong together")
    if wav is None or expected is None:
        return {}
    return {"wav": base64.b64encode(wav.read_bytes()).decode(), "expected": expected}


def _figures(board: Board) -> dict[str, Any]:
    figures = board.figures
    return {
        "objects_sent": figures.objects_sent,
        "bytes_sent": figures.bytes_sent,
        "send_s": figures.send_s,
        "total_s": figures.total_s,
    }


def _dry(bundle: BundleReader, offered: dict[str, Any], profile: str) -> dict[str, Any]:
    objects = bundle.manifest.objects()
    size = sum(objects[sha256].size for sha256 in offered["missing"])
    release = offered["release"]
    return {
        "outcome": "dry-run",
        "release": release,
        "profile": profile,
        "message": f"release {release} fits; {len(offered['missing'])} files ({human(size)}) "
        "would be sent",
    }


def _tell(state: dict[str, Any]) -> None:
    click.echo(state.get("message", "done"))
    if reply := state.get("reply"):
        click.echo(f"its answer: {reply}")
    if state.get("total_s"):
        sent = human(state["bytes_sent"])
        click.echo(f"{sent} sent in {state['send_s']:.1f} s, {state['total_s']:.1f} s in all")


def _show_status(answer: dict[str, Any]) -> None:
    click.echo(f"in force   {answer['current'] or 'nothing'}")
    click.echo(f"before     {answer['previous'] or 'nothing'}")
    if probation := answer["probation"]:
        click.echo(f"probation  {probation['boots']} boots without an answer so far")
    if answer["busy"] or answer["broken_off"]:
        click.echo(f"now        {answer['busy'] or 'broken off during ' + answer['broken_off']}")
    if last := answer["last"]:
        click.echo(f"last       {last.get('message') or last.get('step')}")


def _show_list(answer: dict[str, Any]) -> None:
    rows = []
    for one in answer["releases"]:
        mark = "in force" if one["in_force"] else "before" if one["previous"] else ""
        made = time.strftime("%Y-%m-%d", time.gmtime(one["created"]))
        rows.append(
            [one["release"], one["version"], one["profile"], made, human(one["bytes"]), mark]
        )
    click.echo(table(["RELEASE", "VERSION", "PROFILE", "MADE", "SIZE", ""], rows, right=(4,)))


def _show_prune(answer: dict[str, Any]) -> None:
    click.echo(f"{len(answer['removed'])} releases removed, {human(answer['freed'])} freed")


_QUESTIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "status": _show_status,
    "list_": _show_list,
    "prune": _show_prune,
}
