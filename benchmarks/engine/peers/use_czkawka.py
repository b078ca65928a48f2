"""czkawka through its Python binding: groups as it returns them, at most so many bits apart as the method says."""

from czkawka import ImageSimilarity

from benchmarks.engine.peers.answer import folder, give, joined, method


def main() -> None:
    """Answer."""
    finder = ImageSimilarity()
    finder.set_directories([folder()])
    finder.set_similarity(int(method()))
    groups = [[str(path) for path in group] for group in finder.find_similar()]
    give(joined({group[0]: group for group in groups}), ["czkawka"])


if __name__ == "__main__":
    main()
