"""`python -m copernicube` is the command `copernicube`."""

from copernicube.cli import main

main()
