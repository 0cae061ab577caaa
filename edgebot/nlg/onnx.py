"""Language models exported to ONNX, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from edgebot.core.cancel import Cancellation
from edgebot.core.language import Generation
from edgebot.nlg import memory
from edgebot.nlg.chat_template import ChatTemplate
from edgebot.nlg.engine import ChatEngine, check_context, stamp
from edgebot.nlg.onnx_export import Description, read_description
from edgebot.nlg.onnx_native import OnnxModel, RunFlag, library_version
from edgebot.nlg.onnx_sampler import OnnxSampler

_SCRATCH_BYTES = 100 * memory.MB
"""Buffers for a batch, the vocabulary, and what ONNX Runtime needs for itself."""


class OnnxEngine(ChatEngine):
    """A decoder with past key values, as ``edgebot build onnx`` makes it from a GGUF file."""

    _native: OnnxModel

    def __init__(
        self,
        path: Path,
        *,
        model_id: str,
        threads: int = 2,
        context_tokens: int = 2048,
        batch_tokens: int = 64,
        memory_bytes: int | None = None,
        prefix_dir: Path | None = None,
        prefix_prepared: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        """Load the model that ``path`` (its ``model.json``, or the directory) describes.

        The arguments mean what they mean for :class:`~edgebot.nlg.llama.LlamaEngine`;
        ``fingerprint`` is the SHA-256 of ``model.json``, which holds those of the other files.
        Raises ``EngineError`` (damaged or foreign files), ``OutOfMemory`` before anything is
        loaded, ``ConfigError`` for a context longer than the model's.
        """
        path = path / "model.json" if path.is_dir() else path
        description = read_description(path)
        check_context(context_tokens, description.geometry.context_tokens)
        memory.require(
            needed_bytes(description, context_tokens),
            f"model {model_id}",
            ceiling_bytes=memory_bytes,
        )
        native = OnnxModel(
            path.parent,
            description,
            threads=threads,
            context_tokens=context_tokens,
            batch_tokens=batch_tokens,
        )
        super().__init__(
            native,
            ChatTemplate(description.chat_template, native.control_texts()),
            model_id=model_id,
            context_tokens=context_tokens,
            prefix_dir=prefix_dir,
            prefix_prepared=prefix_prepared,
            identity={
                "model": fingerprint or stamp(path),
                "library": library_version(),
                "context_tokens": context_tokens,
                "batch_tokens": batch_tokens,
                "threads": threads,
            },
        )

    def _watch(self, cancellation: Cancellation) -> RunFlag:
        flag = RunFlag()
        cancellation.on_cancel(flag.set)
        self._native.watch(flag)
        return flag

    def _sampler(self, options: Generation) -> OnnxSampler:
        return OnnxSampler(self._native.logits, options)


def needed_bytes(description: Description, context_tokens: int) -> int:
    """About what a model takes: weights, key-value state, scratch.

    Measured against the resident memory of a process that loaded it (docs/language-model.md).
    """
    weights = sum(facts.size for facts in description.files.values())
    return weights + description.geometry.state_bytes_per_token * context_tokens + _SCRATCH_BYTES
