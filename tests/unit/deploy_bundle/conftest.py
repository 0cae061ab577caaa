from __future__ import annotations

import pytest

from edgebot.config import paths
from edgebot.models.catalog import Catalog, load_catalog


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog([paths.share_dir("models") / "catalog.yaml"])
