"""`python -m semiray`: the command line where the `semiray` script is not on the path."""

import sys

from semiray.cli import main

sys.exit(main())
