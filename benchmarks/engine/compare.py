"""Runs everyone on one set, in turn, round after round."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.engine.entrants import Entrant
from benchmarks.engine.environments import ROOT, Environments, NoEnvironmentError
from benchmarks.engine.measure import measured
from benchmarks.engine.scoring import Score, score
from benchmarks.engine.truth import PICTURES, Row


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who runs, how often, and for how long at most."""

    entrants: Sequence[Entrant]
    environments: Environments
    rounds: int
    limit: float
    """Seconds."""
    accept_noncommercial: bool


@dataclass(slots=True)
class Result:
    """What one entrant did."""

    entrant: Entrant
    seconds: list[float] = field(default_factory=list[float])
    """Of each round, from the start of the process to its end."""
    peak_bytes: list[int] = field(default_factory=list[int])
    versions: dict[str, str] = field(default_factory=dict[str, str])
    scores: dict[str, Score] = field(default_factory=dict[str, Score])
    """By similarity; of a peer there is one, with an empty name."""
    failure: str | None = None
    steady: bool = True
    """Whether every round returned the same clusters."""


def compared(comparison: Comparison, made: Path, rows: Sequence[Row], answers: Path) -> list[Result]:
    """Everyone's results on the set `made`, whose truth `rows` are; their answers are written below `answers`.

    The pictures are read once before, so that they come from memory for the first as for the last.
    """
    answers.mkdir(parents=True, exist_ok=True)
    for row in rows:
        (made / PICTURES / row.file).read_bytes()
    results = [Result(entrant) for entrant in comparison.entrants]
    pythons = {result.entrant.name: _python(comparison, result) for result in results}
    for turn in range(1, comparison.rounds + 1):
        for result in results:
            if result.failure is None:
                _run(comparison, result, pythons[result.entrant.name], made / PICTURES, answers)
                last = result.failure or f"{result.seconds[-1]:.1f} s"
                print(f"round {turn} of {comparison.rounds}: {result.entrant.name}: {last}", file=sys.stderr)
    for result in results:
        if result.failure is None and result.entrant.finds:
            answer = json.loads(_answer_file(answers, result.entrant).read_text(encoding="utf-8"))
            result.scores = {name: score(rows, clusters) for name, clusters in _named(result.entrant, answer).items()}
    return results


def _python(comparison: Comparison, result: Result) -> str:
    entrant = result.entrant
    if entrant.noncommercial and not comparison.accept_noncommercial:
        result.failure = f"not run: {entrant.licence} allows non-commercial use only (--accept-noncommercial)"
    elif entrant.environment is not None:
        try:
            return comparison.environments.python_of(entrant.environment)
        except NoEnvironmentError as error:
            result.failure = str(error)
    return sys.executable


def _run(comparison: Comparison, result: Result, python: str, pictures: Path, answers: Path) -> None:
    file = _answer_file(answers, result.entrant)
    before = file.read_bytes() if result.seconds else None
    file.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = measured(result.entrant.command(python, str(pictures.resolve()), str(file)), environment, comparison.limit)
    if run.failure is not None:
        result.failure = run.failure
        return
    answer = json.loads(file.read_bytes())
    result.seconds.append(run.seconds - answer.get("also_seconds", 0.0))
    if run.peak_bytes is not None:
        result.peak_bytes.append(run.peak_bytes)
    result.versions = answer["versions"]
    result.steady &= before is None or _clusters(json.loads(before)) == _clusters(answer)


def _named(entrant: Entrant, answer: dict[str, Any]) -> dict[str, list[list[str]]]:
    also = answer.get("also")
    return {"": answer["clusters"]} if also is None else {entrant.arguments[1]: answer["clusters"], **also}


def _clusters(answer: dict[str, Any]) -> set[frozenset[str]]:
    return {frozenset(cluster) for cluster in answer["clusters"]}


def _answer_file(answers: Path, entrant: Entrant) -> Path:
    return answers.resolve() / f"{entrant.name.replace(' ', '-')}.json"
