"""What is kept under a digest of the sentences must be found again by the next process."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = "from edgebot.nlu.sentence_files import own_sentences as s; print(s('en').digest)"


def test_the_digest_is_the_same_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64
