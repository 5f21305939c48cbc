"""`python -m ogp_open_data` is the command line."""

from ogp_open_data.cli import main

main()
