"""immaculate: exact and near sets as it returns them, joined where they overlap."""

from immaculate import find_duplicates

from benchmarks.engine.peers.answer import folder, give, joined, method


def main() -> None:
    """Answer."""
    found = find_duplicates(folder(), method=method())
    related: dict[str, list[str]] = {}
    for group in (*found.exact, *found.near):
        related.setdefault(str(group[0]), []).extend(str(path) for path in group)
    give(joined(related), ["immaculate"])


if __name__ == "__main__":
    main()
