"""difPy: match groups at the similarity that the method names, joined where they overlap."""

import difPy

from benchmarks.engine.peers.answer import folder, give, joined, method


def main() -> None:
    """Answer."""
    built = difPy.build(str(folder()), show_progress=False)
    found = difPy.search(built, similarity=method(), show_progress=False)
    give(joined({name: [match[0] for match in matches] for name, matches in found.result.items()}), ["difPy"])


if __name__ == "__main__":
    main()
