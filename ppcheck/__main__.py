"""`python -m ppcheck` is the `ppcheck` command."""

import sys

from ppcheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
