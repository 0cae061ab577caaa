"""Loading engines side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def load_side_by_side(*openers: Callable[[], Any]) -> list[Any]:
    """Run ``openers`` at once, each on its thread; results in their order.

    Raises the first error after all have ended, so that nothing is half-open.
    """
    with ThreadPoolExecutor(len(openers), thread_name_prefix="loader") as pool:
        futures = [pool.submit(opener) for opener in openers]
    return [future.result() for future in futures]
