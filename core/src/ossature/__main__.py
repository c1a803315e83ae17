"""`python -m ossature`: the same as the `ossature` command."""

from ossature.cli import main

main()
