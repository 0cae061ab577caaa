"""Settings of the language model."""

from __future__ import annotations

from pydantic import Field

from edgebot.config.sections.base import Section


class EndpointSettings(Section):
    """A larger model on your own network, asked before the board's own."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    """Of a server with an OpenAI-compatible interface, up to ``/v1``; off when absent."""

    model: str = Field(default="default", min_length=1, max_length=200)
    """Name the server knows the model by."""

    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Environment variable that holds the key, where the server wants one."""

    first_token_s: float = Field(default=1.5, gt=0, le=30)
    """Seconds after which the board's own model answers instead."""

    beyond_home: bool = False
    """Allow an address outside the home network: what you say then leaves the house."""


class LlmSettings(Section):
    """How the language model answers."""

    model: str | None = None
    """Catalogue id; the profile's preference when absent."""

    context_tokens: int = Field(default=2048, ge=256, le=131072)
    """Length of the context; more costs memory."""

    max_reply_tokens: int = Field(default=96, ge=8, le=4096)
    """Longest reply."""

    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    """0 always takes the likeliest word; the catalogue's setting for the model when absent."""

    seed: int | None = Field(default=None, ge=0)
    """Makes sampled replies repeatable."""

    persona: str = Field(default="default", pattern=r"^[\w-]{1,60}$")
    """Who the assistant is: a file in ``personas/`` of the state directory, or a shipped one."""

    deadline_s: float = Field(default=20.0, ge=1, le=600)
    """Seconds after which a reply ends with the sentence at hand."""

    filler_after_s: float = Field(default=2.5, ge=0, le=60)
    """Expected silence, in seconds, from which a short filler is spoken first."""

    reading_s: float = Field(default=4.0, ge=0.5, le=60)
    """Seconds that passages in the prompt may cost; decides how many are read."""

    endpoint: EndpointSettings = EndpointSettings()
    """A larger model on your own network."""
