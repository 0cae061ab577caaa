"""``edgebot bundle``: one signed file with everything a board needs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human, progress
from edgebot.cli.table import table
from edgebot.config import paths
from edgebot.core.errors import UsageError
from edgebot.deploy import bundle_build, bundle_contents, wheels, wheels_llama
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.bundle_format import ARCHES, PYTHONS, Manifest
from edgebot.deploy.bundle_order import make_order
from edgebot.models.signatures import PublicKey, SigningKey, make_pair, verify

_DAY_S = 86_400
_UNITS = {"d": 1, "m": 30, "y": 365}


def key_file() -> Path:
    """Where the key lies that bundles are signed with unless another one is named."""
    return Path.home() / ".config" / "edgebot" / "signing.key"


@click.group(invoke_without_command=True)
@click.option("--profile", "name", help="Device profile of the board, such as rpi5.")
@click.option("--arch", type=click.Choice(ARCHES), help="Where the profile allows several.")
@click.option(
    "--python",
    type=click.Choice(PYTHONS),
    default="3.11",
    show_default=True,
    help="Python of the board: 3.11 on Debian 12, 3.13 on Debian 13.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write, or a directory for one of the usual name.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Private key to sign with; ~/.config/edgebot/signing.key unless named.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An edgebot.yaml for boards that have none.",
)
@click.option("--portable", is_flag=True, help="Build llama.cpp for every x86-64, not for this.")
@json_option
@click.pass_context
def bundle(
    ctx: click.Context,
    name: str | None,
    arch: str | None,
    python: str,
    out: Path | None,
    key: Path | None,
    settings_file: Path | None,
    portable: bool,
    as_json: bool,
) -> None:
    """Make one signed file with everything a board needs, models included."""
    if ctx.invoked_subcommand:
        return
    if name is None or out is None:
        raise UsageError("name the board's profile and the file: --profile rpi5 --out FILE")
    if not (out.is_dir() or out.parent.is_dir()):
        raise UsageError(f"there is no directory {out.parent}; make it first")
    signing = SigningKey.read(_existing(key or key_file()))
    began = time.monotonic()
    with progress() as shown:
        order = make_order(
            assembly_of(ctx).store,
            shown,
            name,
            arch=arch,
            python=python,
            settings_file=settings_file,
            portable=portable,
        )
        manifest = bundle_build.make_bundle(
            order, out, signing, paths.cache_dir(), shown.say, shown.begin, shown.advance
        )
    target = out / manifest.file_name if out.is_dir() else out
    facts = {**_facts(manifest), "file": str(target), "bytes": target.stat().st_size}
    facts |= {"key": signing.public.id, "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        emit(facts)
        return
    _print(facts, manifest)
    click.echo(f"{target}: {human(facts['bytes'])}, signed by key {signing.public.id}")


@bundle.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Private key file; ~/.config/edgebot/signing.key unless named.",
)
@click.option("--owner", default="", help="Whose key it is, for people.")
@click.option("--expires", metavar="2y", help="When trust in it ends: days, months or years.")
@json_option
def keygen(out: Path | None, owner: str, expires: str | None, as_json: bool) -> None:
    """Make a key pair: the private file signs, boards trust the public one."""
    private = out or key_file()
    public = private.with_suffix(".pub")
    until = None if expires is None else int(time.time()) + _duration_s(expires)
    made = make_pair(private, public, owner, until)
    if as_json:
        emit({"key": made.id, "private": str(private), "public": str(public), "expires": until})
        return
    click.echo(f"key {made.id}\n  {private}: keep it secret, and a copy of it safe")
    click.echo(f"  {public}: for the boards")


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--trust",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Public key to check the signature with; again for several.",
)
@json_option
def show(file: Path, trust: tuple[Path, ...], as_json: bool) -> None:
    """Check every byte of a bundle and tell what is in it."""
    with BundleReader(file) as reader, progress() as shown:
        manifest = reader.manifest
        keys = [PublicKey.read(path) for path in trust]
        signed: str | None = None
        if keys:
            signed = verify(
                reader.manifest_bytes,
                reader.signature,
                keys,
                made=manifest.created,
                now=time.time(),
            ).id
        shown.begin(file.name, sum(entry.size for entry in manifest.objects().values()))
        reader.verify(shown.advance)
    facts = {**_facts(manifest), "file": str(file), "bytes": file.stat().st_size, "key": signed}
    if as_json:
        emit(facts)
        return
    _print(facts, manifest)
    by = f"signed by key {signed}" if signed else "signature not checked (name a key: --trust)"
    click.echo(f"{file}: whole, {human(facts['bytes'])}, {by}")


@bundle.command("llama")
@click.option(
    "--arch",
    type=click.Choice(ARCHES),
    default="aarch64",
    show_default=True,
    help="Architecture of the boards.",
)
@click.option("--jobs", type=click.IntRange(1, 64), help="Compilers at once; by default all cores.")
@json_option
def llama(arch: str, jobs: int | None, as_json: bool) -> None:
    """Build llama.cpp for boards now, so that no bundle has to wait for it (once, 11 minutes)."""
    version = wheels.locked(bundle_contents.lock_file())["llama-cpp-python"]
    with progress() as shown:
        wheel = wheels_llama.build(paths.cache_dir(), version, arch, shown.say, jobs)
    if as_json:
        emit({"wheel": str(wheel), "bytes": wheel.stat().st_size})
    else:
        click.echo(f"{wheel}: {human(wheel.stat().st_size)}")


def _existing(key: Path) -> Path:
    if not key.is_file():
        raise UsageError(f"there is no key {key} to sign with; run `edgebot bundle keygen`")
    return key


def _duration_s(text: str) -> int:
    match = re.fullmatch(r"([1-9]\d{0,3})([dmy])", text)
    if match is None:
        raise UsageError(f"{text!r} is no duration; write 90d, 6m or 2y")
    return int(match[1]) * _UNITS[match[2]] * _DAY_S


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "release": manifest.release,
        "version": manifest.version,
        "profile": manifest.profile,
        "arch": manifest.arch,
        "python": manifest.python,
        "glibc": manifest.glibc,
        "cpu": list(manifest.cpu),
        "system": list(manifest.system),
        "created": manifest.created,
        "files": len(manifest.entries),
        "sizes": {kind: size for kind, size in manifest.sizes.items() if size},
        "licences": _licences(manifest),
    }


def _licences(manifest: Manifest) -> dict[str, list[str]]:
    """Licence → what is under it."""
    found: dict[str, list[str]] = {}
    for component in manifest.components:
        found.setdefault(component.licence, []).append(component.name)
    return dict(sorted(found.items()))


def _print(facts: dict[str, Any], manifest: Manifest) -> None:
    for key in ("release", "version", "profile", "arch", "python", "glibc", "files"):
        click.echo(f"{key:9} {facts[key]}")
    click.echo(f"{'needs':9} {' '.join((*manifest.system, *manifest.cpu))}")
    rows = [[kind, human(size)] for kind, size in facts["sizes"].items()]
    parts = sorted(manifest.components, key=lambda part: -part.size)[:8]
    rows += [[f"  {part.name} {part.version}", human(part.size)] for part in parts]
    click.echo(table(["ON THE BOARD", "SIZE"], rows, right=(1,)))
    rows = [[licence, ", ".join(names)] for licence, names in facts["licences"].items()]
    click.echo(table(["LICENCE", "OF"], rows))
