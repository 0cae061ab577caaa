"""The skills that come with edgebot, one file each."""
