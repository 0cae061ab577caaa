"""Who may come in: the protocol knows no passwords, so addresses have to do."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from edgebot.core.errors import ConfigError
from edgebot.core.network import is_loopback


class Gate:
    """Lets the machine itself in, and the addresses and networks of the settings."""

    def __init__(self, host: str, allow: Sequence[str]) -> None:
        """Raises ``ConfigError`` when ``host`` is open to a network and nobody is named."""
        if not is_loopback(host) and not allow:
            raise ConfigError(
                f"wyoming.host {host} can be reached from the network and the protocol has no "
                "passwords; name in wyoming.allow who may connect, for example the address of "
                "your Home Assistant"
            )
        self._networks = [ipaddress.ip_network(one, strict=False) for one in allow]

    def lets_in(self, address: str) -> bool:
        """Whether ``address`` may connect."""
        try:
            peer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        if peer.is_loopback:
            return True
        return any(peer in network for network in self._networks)


def own_address() -> str:
    """The address by which the network reaches this machine; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("224.0.0.251", 1))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
