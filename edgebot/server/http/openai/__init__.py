"""The OpenAI-compatible API, so that programs made for it can be pointed here."""

from __future__ import annotations

from edgebot.server.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
