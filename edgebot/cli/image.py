"""``edgebot image``: a disk image whose first boot needs no network; writing it onto a card."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edgebot.cli.bundle import key_file
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human, progress
from edgebot.core.errors import UsageError
from edgebot.deploy import disk as disks
from edgebot.deploy.image import make_image
from edgebot.deploy.image_wishes import Wishes

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("base", type=_FILE)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Image."
)
@click.option("--bundle", type=_FILE, required=True, help="What `edgebot bundle` made.")
@click.option("--trust", type=_FILE, multiple=True, help="Public key the board is to trust.")
@click.option("--hostname", default="", help="Name of the board.")
@click.option("--ssh-key", type=_FILE, help="Public key that may log in.")
@click.option("--user", default="root", show_default=True, help="As whom.")
@click.option("--time-zone", default="", help="Such as Europe/Berlin.")
@click.option("--wifi", default="", help="Name of the Wi-Fi; its password: EDGEBOT_WIFI_PASSWORD.")
@click.option("--country", default="", help="Two letters, for the rules of the radio.")
@json_option
def image(
    base: Path,
    out: Path,
    bundle: Path,
    trust: tuple[Path, ...],
    hostname: str,
    ssh_key: Path | None,
    user: str,
    time_zone: str,
    wifi: str,
    country: str,
    as_json: bool,
) -> None:
    """Make a disk image from BASE (Raspberry Pi OS, Debian, JetPack; unpacked) and a bundle."""
    keys = list(trust) or [key_file().with_suffix(".pub")]
    if not keys[0].is_file():
        raise UsageError("name the public key of the bundle (--trust KEY.pub)")
    password = os.environ.get("EDGEBOT_WIFI_PASSWORD", "")
    if wifi and not password:
        password = click.prompt("Password of the Wi-Fi", hide_input=True, err=True)
    wishes = Wishes(
        hostname=hostname,
        ssh_key=ssh_key.read_text() if ssh_key else "",
        wifi=wifi,
        wifi_password=password,
        country=country,
        time_zone=time_zone,
        user=user,
    )
    with progress() as shown:
        manifest = make_image(
            base, out, bundle, [key.read_bytes() for key in keys], wishes, shown.say
        )
    size = out.stat().st_size
    if as_json:
        emit({"file": str(out), "bytes": size, "release": manifest.release})
    else:
        click.echo(f"{out}: {human(size)}, release {manifest.release} in force at its first boot")


def write_card(device: Path, image: Path | None, as_json: bool) -> None:
    """Write ``image`` onto ``device`` after its name was typed."""
    if image is None:
        raise UsageError("name the image to write: --image edgebot.img (made by `edgebot image`)")
    disk = disks.look(device)
    size = human(disk.size)
    click.echo(f"{disk.path}: {disk.model}, {size}; everything on it will be lost", err=True)
    if not disk.removable:
        click.echo("this disk is not removable: look twice", err=True)
    typed = click.prompt(f"Type {disk.name} to write {image.name} onto it", err=True)
    if typed.strip() != disk.name:
        raise UsageError(f"{typed!r} is not {disk.name!r}; nothing was written")
    with progress() as shown:
        sha256 = disks.write_image(disk, image, shown.begin, shown.advance)
    if as_json:
        emit({"device": str(device), "sha256": sha256, "bytes": image.stat().st_size})
    else:
        click.echo(f"written and read back: SHA-256 {sha256}")
