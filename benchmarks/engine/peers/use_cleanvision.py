"""cleanvision: its sets of exact and of near duplicates, joined where they overlap."""

from cleanvision import Imagelab

from benchmarks.engine.peers.answer import folder, give, joined


def main() -> None:
    """Answer."""
    lab = Imagelab(data_path=str(folder()))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    related: dict[str, list[str]] = {}
    for kind in ("exact_duplicates", "near_duplicates"):
        for group in lab.info.get(kind, {}).get("sets", []):
            related.setdefault(group[0], []).extend(group)
    give(joined(related), ["cleanvision"])


if __name__ == "__main__":
    main()
