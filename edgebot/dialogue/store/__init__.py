"""What the assistant promised and was told: one SQLite file that survives what boards suffer."""
