"""`python -m drbench`: the command line."""

from drbench.cli import main

main()
