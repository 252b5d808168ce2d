"""`python -m service.cli` is `locker`."""

from . import main

main(prog_name="locker")
