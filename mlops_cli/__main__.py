"""`python -m mlops_cli` is `mlo`."""

from mlops_cli.cli.main import main

main()
