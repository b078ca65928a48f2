"""Run as ``python -m lookalike_server``."""

from lookalike_server.cli import main

if __name__ == "__main__":
    main()
