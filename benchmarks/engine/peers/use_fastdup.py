"""fastdup: its connected components, at the settings that it takes when told nothing."""

import tempfile

import fastdup

from benchmarks.engine.peers.answer import folder, give


def main() -> None:
    """Answer."""
    with tempfile.TemporaryDirectory() as scratch:
        found = fastdup.create(work_dir=scratch, input_dir=str(folder()))
        found.run(print_summary=False)
        table, _ = found.connected_components()
    clusters = [list(rows["filename"]) for _, rows in table.groupby("component_id") if len(rows) > 1]
    give(clusters, ["fastdup"])


if __name__ == "__main__":
    main()
