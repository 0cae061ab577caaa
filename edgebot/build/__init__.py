"""Offline work on models: made on a machine with room, used on the board."""
