"""imagededup: each image's duplicates by a hash, at the distance that it takes when told nothing, joined."""

from imagededup import methods

from benchmarks.engine.peers.answer import folder, give, joined, method


def main() -> None:
    """Answer."""
    hasher = getattr(methods, method())(verbose=False)
    give(joined(hasher.find_duplicates(image_dir=str(folder()))), ["imagededup"])


if __name__ == "__main__":
    main()
