"""``make bench``: every measurement that needs no folder. One alone: ``python -m benchmarks.tokens``."""

from benchmarks import checking, explore, faults, indexing, linkage, start, tokens


def main() -> None:
    """Print every table."""
    for measurement in (tokens, start, indexing, linkage, checking, explore, faults):
        measurement.main([])
        print()


if __name__ == "__main__":
    main()
