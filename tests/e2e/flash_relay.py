"""Connects standard input and output with a TCP port: ssh's way into a network namespace."""

from __future__ import annotations

import os
import selectors
import socket
import sys


def main() -> None:
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as there:
        ways = {0: there.fileno(), there.fileno(): 1}
        with selectors.DefaultSelector() as waiting:
            for source in ways:
                waiting.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        return
                    while data:
                        data = data[os.write(ways[key.fd], data) :]


if __name__ == "__main__":
    main()
