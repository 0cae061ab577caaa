"""Settings, device profiles and hardware detection. Imports ``core`` only."""
