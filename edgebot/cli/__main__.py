"""``python -m edgebot.cli``."""

from edgebot.cli.main import main

main()
