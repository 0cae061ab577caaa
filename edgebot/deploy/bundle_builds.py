"""Models that `edgebot build` made, in a bundle: how a board learns of them and whom to believe.

The shipped catalogue knows nothing of them, so each brings its entry (``catalog.d``); and a board
opens them only when a trusted key has signed their manifest, so the public halves of exactly those
keys come along (``keys.d``). Whoever trusts the bundle trusts them: its own signature covers both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from edgebot.build.shipping import entry_text
from edgebot.config.profiles import Profile
from edgebot.models.built import KEYS, MANIFEST_FILE, SIGNATURE_FILE, is_built, trusted_keys
from edgebot.models.catalog import Catalog
from edgebot.models.entry import Entry, LocalSource, Source
from edgebot.models.signatures import PublicKey, verify
from edgebot.models.store import Installed


def as_built(model_id: str, profile: Profile, catalog: Catalog) -> Entry:
    """The model called ``model_id``, or what was built from it for ``profile`` where that is here.

    Boards then take the build and nothing else: a build is installed only when its gates passed.
    """
    build = profile.builds.get(model_id)
    return catalog[build if build in catalog else model_id] if build else catalog[model_id]


def told(models: Iterable[Installed]) -> dict[str, bytes]:
    """Path in the release → content: entries of the built ones among ``models``, and keys."""
    files = {}
    for installed in models:
        if not is_built(installed.entry):
            continue
        entry = _without_places(installed.entry)
        files[f"models/catalog.d/{entry.id}.yaml"] = entry_text(entry).encode()
        key = _signer(installed)
        files[f"models/{KEYS}/{key.id}.json"] = key.to_bytes()
    return files


def _without_places(entry: Entry) -> Entry:
    """``entry`` without the directories of this machine."""
    paths = {file.path: file.path for file in entry.files}
    place = Source(local=LocalSource(path="the bundle it came in", members=paths))
    return entry.model_copy(update={"sources": (place,)})


def _signer(installed: Installed) -> PublicKey:
    """Who signed the manifest; raises ``Untrusted`` when nobody who is trusted here did."""
    manifest, signature = (
        (installed.dir / name).read_bytes() for name in (MANIFEST_FILE, SIGNATURE_FILE)
    )
    keys = trusted_keys(installed.dir.parent)
    made = int(json.loads(manifest)["made"])
    return verify(manifest, signature, keys, made=made, now=time.time())
