"""Figures for Prometheus: counts and times of what happens, and how the board is. Never words."""

from __future__ import annotations

from edgebot.server.metrics.exposition import metrics_response

__all__ = ["metrics_response"]
