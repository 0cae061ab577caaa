"""From a checkout to a board: bundles, releases, health, rollback, images, fleets."""
