"""What the first start on a board costs, with and without what a bundle brings worked out."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import say
from edgebot.config import paths
from edgebot.deploy import bundle_contents as contents
from edgebot.deploy import preparing
from edgebot.deploy.bundle_order import Order
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore

LLM = "smollm2-135m-instruct-q4_1"
SETTINGS = f"""\
profile: x86
llm: {{model: {LLM}, context_tokens: 1024}}
threads: {{llm: 1, tts: 1, embed: 1, vad: 1}}
"""
CALLS = {
    "a spoken question": ("turn", str(contents.CHECKOUT / "edgebot/deploy/board/question.wav")),
    "a question for the language model": ("ask", "tell me something nice about dogs"),
}


def measure() -> dict[str, dict[str, float]]:
    """Start → call → CPU seconds of its process, each after the one before."""
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="edgebot-first-") as name:
        folder = Path(name)
        site = folder / "site"
        contents.stage_package(site)
        for prepared in (False, True):
            if prepared:
                shutil.copytree(_prepared(folder, site), site / "edgebot/_share/prepared")
            home = folder / str(prepared)
            home.mkdir()
            words = "prepared" if prepared else "not prepared"
            for start in ("first", "second"):
                if start == "second" and prepared:
                    continue
                label = f"{start} start, {words}" if start == "first" else "second start"
                figures[label] = {call: _cpu_s(home, site, *CALLS[call]) for call in CALLS}
                say(f"{label}: {figures[label]}")
    return figures


def _prepared(folder: Path, site: Path) -> Path:
    store = ModelStore(paths.models_dir(), load_catalog(catalog_files(paths.models_dir())))
    models = [store.open(name) for name in (LLM, "minilm-l6-v2-int8")]
    profile = preparing.profile_named("x86", paths.models_dir())
    order = Order(profile, "x86_64", "3.11", None, models, False, 1)
    settings = SETTINGS.encode()
    return preparing.prepared(order, settings, site / "edgebot", folder / "maker", say)


def _cpu_s(home: Path, site: Path, *words: str) -> float:
    settings = home / "edgebot.yaml"
    settings.write_text(SETTINGS)
    environ = os.environ | {
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
        "EDGEBOT_CACHE_DIR": str(home / "cache"),
        "EDGEBOT_STATE_DIR": str(home / "state"),
        "EDGEBOT_MODELS_DIR": str(paths.models_dir()),
    }
    more = ["--out", str(home / "reply.wav")] if words[0] == "turn" else []
    before = _children_s()
    subprocess.run(
        [sys.executable, "-P", "-m", "edgebot.cli", "--config", settings, *words, *more, "--json"],
        env=environ, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return round(_children_s() - before, 1)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
