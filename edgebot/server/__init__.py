"""Doors to the outside, by protocols that people already use. asyncio lives only here."""
