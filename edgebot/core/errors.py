"""One tree of errors.

Every message says what is wrong and names the next step. ``exit_code`` is what the command line
exits with when the error reaches it (2 a wrong call, 3 a missing or damaged model, 78 a wrong
configuration, 1 everything else).
"""

from __future__ import annotations


class EdgebotError(Exception):
    """Base of everything edgebot raises on purpose."""

    exit_code = 1


class UsageError(EdgebotError):
    """The caller asked for something that makes no sense (a wrong argument, an empty text)."""

    exit_code = 2


class ConfigError(EdgebotError):
    """A setting, profile or catalogue file is wrong."""

    exit_code = 78


class ProfileUnfit(ConfigError):
    """The device profile asks for more than this machine has."""


class ModelError(EdgebotError):
    """A model file cannot be used."""

    exit_code = 3


class ModelMissing(ModelError):
    """A model file is not on this machine."""


class ModelCorrupt(ModelError):
    """A model file is there, but its content is not what the catalogue promises."""


class FetchError(ModelError):
    """No source of a model answered with the right bytes."""


class AudioError(EdgebotError):
    """Audio cannot be read, converted or played."""


class EngineError(EdgebotError):
    """An engine (speech, language model, embedder) failed or refused its input."""


class OutOfMemory(EngineError):
    """An engine would need more memory than the machine or the profile grants."""


class StoreError(EdgebotError):
    """A database cannot be opened, migrated or written."""


class KnowledgeError(EdgebotError):
    """A document cannot be imported or the knowledge base cannot be searched."""


class UnderstandingError(EdgebotError):
    """Sentence templates, training data or a trained classifier cannot be used."""


class SkillError(EdgebotError):
    """A skill failed, hung or returned nonsense."""


class BundleError(EdgebotError):
    """A bundle for a board cannot be made, is damaged or is for another board."""


class Untrusted(BundleError):
    """A signature is wrong, or of a key that is unknown or out of date."""


class FlashError(EdgebotError):
    """A board cannot be reached, refuses what it is sent, or went back to the release before."""


class HomeError(EdgebotError):
    """The home that is connected does not do what it is asked, or cannot be reached."""


class Cancelled(EdgebotError):
    """The turn was cancelled; whoever catches this stops quietly."""

    exit_code = 130
