"""``python3 -m edgebot.deploy.board COMMAND``; on a board it is packed into one file."""

import sys

from .program import main

sys.exit(main())
