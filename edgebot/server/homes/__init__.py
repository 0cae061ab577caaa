"""Homes whose devices the assistant can switch."""
