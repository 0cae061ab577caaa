"""Property tests here judge results, never how long a busy machine took for one.

``HYPOTHESIS_PROFILE=thorough`` tries ten times as many examples.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "no deadline"))
