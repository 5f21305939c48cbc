"""`python -m ogp_open_data` is the command line."""

from ogp_open_data.cli import main

# Processes that this one starts load this module too, under another name.
if __name__ == "__main__":
    main()
