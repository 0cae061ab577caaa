"""edgebot: a voice assistant that lives entirely on the board."""

import os

__version__ = "0.1.0"

# Threads are a budget, numpy's too: those of its linear algebra spin while they wait, and took half
# of the time that the small models had (a turn detector on two cores: 89 ms with them, 37 without).
# It reads the variable once, when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
