"""Deep test on whole Debian machines in emulation: `make test-board`. Too long for CI."""
