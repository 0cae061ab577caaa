"""One file a section of ``edgebot.yaml``; each key is documented at its field."""
