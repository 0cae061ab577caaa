"""Tells the network where the services are (zeroconf), and takes it back at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

from edgebot.server.wyoming.gate import own_address

_LOG = logging.getLogger(__name__)

_KIND = "_wyoming._tcp.local."


@contextlib.asynccontextmanager
async def announced(name: str, host: str, port: int, on: bool = True) -> AsyncIterator[None]:
    """While inside, ``name`` is announced at ``host``:``port``.

    A network that cannot be announced in is told in the log: who knows the address finds it still.
    """
    from zeroconf import Error
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    if not on:
        yield
        return
    address = own_address() if host in ("0.0.0.0", "::") else host
    try:
        packed = socket.inet_aton(await _address_of(address))
        loud = AsyncZeroconf(interfaces=[socket.inet_ntoa(packed)])
        await loud.async_register_service(
            AsyncServiceInfo(
                _KIND,
                f"{name}.{_KIND}",
                addresses=[packed],
                port=port,
                properties={"product": "edgebot"},
            ),
            allow_name_change=True,
        )
    except (OSError, Error) as problem:
        _LOG.warning("not announced in the network: %s", problem)
        yield
        return
    try:
        yield
    finally:
        await loud.async_unregister_all_services()
        await loud.async_close()


async def _address_of(host: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    return str(found[0][4][0])
