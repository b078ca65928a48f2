"""``python -m benchmarks.engine PHOTOGRAPHS``: makes a set, runs everyone on it in turn, prints one table."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.engine.compare import Comparison, compared
from benchmarks.engine.entrants import PEERS, ours
from benchmarks.engine.environments import Environments
from benchmarks.engine.generate import add_recipe, generate, recipe_of
from benchmarks.engine.tables import print_tables
from benchmarks.engine.truth import read_truth


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = _parser().parse_args(arguments)
    taking_part = [
        entrant
        for entrant in (*ours(options.signals, options.similarity), *PEERS)
        if not options.only or any(word in entrant.name for word in options.only)
    ]
    if not taking_part:
        raise SystemExit(f"nobody is called that: {', '.join(options.only)}")
    comparison = Comparison(
        entrants=taking_part,
        environments=Environments(options.environments, options.python),
        rounds=options.rounds,
        limit=options.limit,
        accept_noncommercial=options.accept_noncommercial,
    )
    with tempfile.TemporaryDirectory() as scratch:
        made = options.made
        if made is None:
            if options.photographs is None:
                raise SystemExit("give a folder of photographs, or a set made of some earlier with --made")
            made = Path(scratch) / "made"
            generate(recipe_of(options), made)
        rows = read_truth(made)
        print_tables(rows, compared(comparison, made, rows, options.save or Path(scratch) / "answers"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("photographs", type=Path, nargs="?", help="a folder of photographs, no two of them alike")
    add_recipe(parser)
    parser.add_argument("--made", type=Path, help="a set made earlier by benchmarks.engine.generate, used as it is")
    parser.add_argument("--rounds", type=int, default=3, help="everyone runs once in each round (3)")
    parser.add_argument("--signals", nargs="+", default=["hash", "lite0", "sscd"], help="of this engine")
    parser.add_argument(
        "--similarity", nargs="+", type=float, default=[0.95, 0.9], help="the first is timed (0.95 0.9)"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="those whose name contains a word")
    parser.add_argument("--limit", type=float, default=600, help="seconds that one run may take (600)")
    parser.add_argument(
        "--environments",
        type=Path,
        default=user_cache_path("lookalike-benchmarks", appauthor=False),
        help="where the peers are installed, each by itself (the system's cache folder)",
    )
    parser.add_argument("--python", action="append", default=[], help="an interpreter for peers that need another one")
    parser.add_argument(
        "--accept-noncommercial",
        action="store_true",
        help="run fastdup too, whose licence (CC BY-NC-ND 4.0) allows non-commercial use only",
    )
    parser.add_argument("--save", type=Path, help="a folder for everyone's answers and measurements")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
