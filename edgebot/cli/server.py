"""``edgebot server``: the token and the certificate of the HTTP door."""

from __future__ import annotations

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.server.http.certificate import certificate_of
from edgebot.server.http.tokens import TokenFile


@click.group()
def server() -> None:
    """Make the token and show the certificate of the HTTP door."""


@server.command()
@click.option("--remove", is_flag=True, help="Go without a token (only on the loopback address).")
@json_option
@click.pass_context
def token(ctx: click.Context, remove: bool, as_json: bool) -> None:
    """Make a new token and show it, this once; the one before opens nothing any more.

    Only its hash is kept. As long as there is a token, every call needs it.
    """
    file = TokenFile(settings_of(ctx).state_dir)
    if remove:
        removed = file.remove()
        emit({"removed": removed}) if as_json else click.echo(
            "no token is needed any more" if removed else "there was no token"
        )
        return
    made = file.make()
    if as_json:
        emit({"token": made})
        return
    click.echo(made)
    click.echo("Keep it: it is shown only now. Send it as `Authorization: Bearer …`.", err=True)


@server.command()
@json_option
@click.pass_context
def certificate(ctx: click.Context, as_json: bool) -> None:
    """Show the certificate's SHA-256 fingerprint, to compare with what the browser shows.

    Without a certificate in the settings one is generated.
    """
    settings = settings_of(ctx)
    wanted = settings.server
    found = certificate_of(settings.state_dir, wanted.tls_certificate, wanted.tls_key, wanted.names)
    if as_json:
        shown = {"file": str(found.certificate), "sha256": found.fingerprint, "own": found.own}
        emit(shown)
    else:
        click.echo(f"{found.certificate}\nSHA-256 {found.fingerprint}")
