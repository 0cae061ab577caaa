"""What this machine is and which models it runs: the part of the wiring that names no engine."""

from __future__ import annotations

import threading
from functools import cached_property

from edgebot.config.hardware import Hardware, detect
from edgebot.config.profiles import Choice, Profile, load_profiles, profile_files
from edgebot.config.settings import Settings
from edgebot.models.catalog import Catalog, catalog_files, load_catalog
from edgebot.models.plan import Plan, make_plan
from edgebot.models.store import Installed, ModelStore

_PLANNING = threading.RLock()


class Machine:
    """Hardware, profile, plan and model files, each found out when first asked for."""

    settings: Settings
    _plan: Plan | None = None

    @cached_property
    def hardware(self) -> Hardware:
        """What this machine is."""
        return detect()

    @cached_property
    def catalog(self) -> Catalog:
        """All known models."""
        return load_catalog(catalog_files(self.settings.models_dir))

    @cached_property
    def choice(self) -> Choice:
        """The device profile in force and why; raises ``ProfileUnfit`` when none fits."""
        profiles = load_profiles(profile_files(self.settings.models_dir))
        return profiles.choose(self.settings.profile, self.hardware)

    @property
    def profile(self) -> Profile:
        """The device profile in force; raises ``ProfileUnfit`` when none fits."""
        return self.choice.profile

    @property
    def plan(self) -> Plan:
        """The models of all stages; raises ``ProfileUnfit`` when the memory does not reach.

        Made once, before the first model is loaded: what is free then is what counts.
        """
        with _PLANNING:
            if self._plan is None:
                self._plan = make_plan(self.profile, self.catalog, self.settings, self.hardware)
            return self._plan

    @cached_property
    def store(self) -> ModelStore:
        """The model files of this machine."""
        return ModelStore(self.settings.models_dir, self.catalog)

    def model(self, stage: str) -> Installed:
        """The verified files of the model that the settings or the profile mean for ``stage``.

        Raises ``ProfileUnfit`` when the machine cannot carry it, ``ModelMissing`` or
        ``ModelCorrupt`` when its files are not as they must be.
        """
        return self.store.open(self.plan.model(stage).id)
