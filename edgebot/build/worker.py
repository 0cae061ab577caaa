"""Runs one step or evaluator in a process of its own.

What it is to do comes as JSON on standard input; progress and the outcome go out as JSON lines.
A process of its own has a peak memory of its own, a native library that aborts takes nothing else
with it, and ending it (Ctrl-C, a parent that dies) leaves nothing running.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import Trial, make_evaluator
from edgebot.build.step import Job, Texts, make_step
from edgebot.core import errors
from edgebot.core.errors import EdgebotError, EngineError, OutOfMemory
from edgebot.models.progress import Progress

_PR_SET_PDEATHSIG = 1
_LAST_WORDS = 400
"""Characters of what a crashed process wrote that a message quotes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came back."""

    result: dict[str, Any]
    seconds: float
    cpu_s: float
    peak_mb: float
    """Highest resident memory of the process."""


def run_apart(request: Mapping[str, Any], progress: Progress, threads: int = 1) -> Ran:
    """Do ``request`` in a new process.

    Raises what was raised there, ``OutOfMemory`` when the kernel killed it, ``EngineError`` when
    native code ended it.
    """
    environ = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONHASHSEED="0")
    with tempfile.TemporaryFile() as words:
        child = subprocess.Popen(
            [sys.executable, "-m", "edgebot.build.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environ,
            text=True,
            encoding="utf-8",
        )
        try:
            assert child.stdin and child.stdout
            child.stdin.write(json.dumps({**request, "threads": threads}))
            child.stdin.close()
            outcome = _follow(child.stdout, progress)
            child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            progress.end()
        if outcome is None:
            raise _crash(request, child.returncode, words)
    if "error" in outcome:
        raise _raised(*outcome["error"])
    return Ran(outcome["result"], outcome["seconds"], outcome["cpu_s"], outcome["peak_mb"])


def _follow(lines: IO[str], progress: Progress) -> dict[str, Any] | None:
    for line in lines:
        told = json.loads(line)
        if "begin" in told:
            progress.begin(*told["begin"])
        elif "advance" in told:
            progress.advance(told["advance"])
        elif "say" in told:
            progress.say(told["say"])
        elif "end" in told:
            progress.end()
        else:
            found: dict[str, Any] = told
            return found
    return None


def _crash(request: Mapping[str, Any], code: int, words: IO[bytes]) -> EdgebotError:
    words.seek(0)
    said = words.read().decode("utf-8", errors="replace").strip().splitlines()
    last = (said[-1] if said else "it said nothing")[-_LAST_WORDS:]
    asserted = [line for line in said if "GGML_ASSERT" in line or "Error" in line]
    name = request["name"]
    if code == -signal.SIGKILL:
        return OutOfMemory(
            f"{name}: its process was killed, most likely because the memory ran out; end other "
            "programs or take a smaller model"
        )
    reason = signal.Signals(-code).name if code < 0 else f"code {code}"
    return EngineError(f"{name}: its process ended with {reason} ({(asserted or [last])[-1]})")


def _raised(kind: str, message: str) -> BaseException:
    known = getattr(errors, kind, EngineError)
    raised: BaseException = known(message)
    return raised


class _Told:
    """Progress as JSON lines for the parent."""

    _QUIET_S = 0.1

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._told = 0.0

    def _line(self, **told: Any) -> None:
        self._out.write(json.dumps(told) + "\n")
        self._out.flush()

    def say(self, message: str) -> None:
        self._line(say=message)

    def begin(self, label: str, total: int | None) -> None:
        self._line(begin=[label, total])

    def advance(self, done: int) -> None:
        if time.monotonic() - self._told >= self._QUIET_S:
            self._told = time.monotonic()
            self._line(advance=done)

    def end(self) -> None:
        self._line(end=True)


def main() -> None:
    """Read a request, do it, tell what came of it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us, after it has tidied up
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what native code prints must not get between our lines
    request = json.load(sys.stdin)
    began = time.perf_counter()
    try:
        result = _do(request, _Told(out))
    except EdgebotError as error:
        outcome: dict[str, Any] = {"error": [type(error).__name__, str(error)]}
    except MemoryError:
        text = f"{request['name']}: the memory does not suffice; take a smaller model"
        outcome = {"error": ["OutOfMemory", text]}
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        outcome = {"error": ["ModelError", f"{request['name']}: {where}{error.strerror or error}"]}
    except ImportError as missing:
        text = f"{request['name']} needs the package {missing.name}: pip install 'edgebot[build]'"
        outcome = {"error": ["UsageError", text]}
    else:
        used = os.times()
        outcome = {
            "result": result,
            "seconds": time.perf_counter() - began,
            "cpu_s": used.user + used.system,
            "peak_mb": peak_mb(),
        }
    out.write(json.dumps(outcome) + "\n")
    out.flush()


def _do(request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    artefact, source = (_artefact(request[which]) for which in ("artefact", "source"))
    texts = Texts({name: [Path(f) for f in files] for name, files in request["texts"].items()})
    scratch, threads = Path(request["scratch"]), int(request["threads"])
    name, parameters = request["name"], request["parameters"]
    if request["kind"] == "step":
        job = Job(artefact, source, Path(request["folder"]), scratch, texts, threads, progress)
        made = make_step(name, parameters).run(job)
        return {"roles": dict(made.roles), "notes": dict(made.notes)}
    trial = Trial(artefact, source, scratch, texts, threads, progress)
    return {"figures": make_evaluator(name, parameters).run(trial)}


def _artefact(written: Mapping[str, Any]) -> Artefact:
    return Artefact(Path(written["folder"]), written["roles"])


def peak_mb() -> float:
    """Highest resident memory of this process, in 10**6 bytes.

    Not ``ru_maxrss``: that counts the parent's memory until the program is executed.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


if __name__ == "__main__":
    main()
