"""Results to standard output: JSON lines for programs, plain words for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Add ``--json``: one JSON object a line."""
    add: Callable[[F], F] = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object a line."
    )
    return add(command)


def emit(result: Mapping[str, Any]) -> None:
    """Print ``result`` as one line of JSON and flush, so that a pipe sees it at once."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def lines(text: str) -> Iterator[str]:
    """``text`` itself, or each line of standard input where it is ``-``.

    Bytes that are no UTF-8 are replaced, never fatal.
    """
    if text != "-":
        yield text
        return
    for raw in sys.stdin.buffer:
        yield raw.decode("utf-8", errors="replace").rstrip("\r\n")
