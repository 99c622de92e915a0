"""``python -m tuivm`` is the same as the ``tuivm`` command."""

import sys

from tuivm.cli import main

sys.exit(main())
