"""ONNX sessions for small models that run many times a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime

from edgebot.core.errors import EngineError


def open_session(model: Path, threads: int, kind: str) -> Any:
    """Open ``model`` on ``threads`` threads that do not spin while they wait.

    Raises :class:`EngineError` when it is no ``kind`` of model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
        reason = str(error).splitlines()[0][:200]
        raise EngineError(
            f"{model}: not a {kind} ({reason}); run `edgebot models verify`"
        ) from None
