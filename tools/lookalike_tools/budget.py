"""Answers that fit: the same facts in fewer names, until both channels are within the budget."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lookalike_tools.results.answer import Answer, counted
from lookalike_tools.tokens import estimated_tokens
from lookalike_tools.untrusted import UntrustedPath

_PAGE = 2000
_PER_ITEM = 100
_MOST = 8000

_SHORTEST_PATH = 120

MOST_OTHERS = 5


@dataclass(frozen=True)
class Cut:
    """How much an answer may show: `items` rows, `others` names in a row, `path` characters in a name."""

    items: int
    others: int = MOST_OTHERS
    path: int = UntrustedPath.longest

    def notes(self, rows: int, *, others: int = 0, longest: int = 0) -> list[str]:
        """Says what was left out of a page of `rows` rows, at most `others` others each, names up to `longest` long."""
        notes: list[str] = []
        if self.others < others:
            notes.append(f"To fit: at most {counted(self.others, 'other')} of a cluster listed")
        if self.path < longest:
            notes.append(f"To fit: paths cut to {self.path} characters; a smaller limit leaves room for whole ones")
        if self.items < rows:
            notes.append(f"To fit: {self.items} of {rows} rows shown")
        return notes


Fitted = TypeVar("Fitted", bound=Answer)


def fit(build: Callable[[Cut], Fitted], items: int, asked: int) -> Fitted:
    """The fullest answer that `build` makes of up to `items` rows within the budget for a page of `asked` rows.

    First fewer others, then shorter paths, then fewer rows; at least one row stays.
    """
    budget = min(_MOST, max(_PAGE, _PER_ITEM * asked))
    for cut in _trims(items):
        answer = build(cut)
        if cost(answer, budget) <= budget:
            return answer
    spent = cost(build(Cut(items, 1, _SHORTEST_PATH)))
    fewer = items
    while fewer > 1:
        # The head of the answer stays, so this never takes away more than it must.
        fewer = max(1, min(fewer - 1, fewer * budget // spent))
        answer = build(Cut(fewer, 1, _SHORTEST_PATH))
        spent = cost(answer)
        if spent <= budget:
            return answer
    return build(Cut(min(items, 1), 0, 60))


def cost(answer: Answer, enough: float = math.inf) -> int:
    """Estimated tokens of the dearer channel; counting stops above `enough`."""
    structured = json.dumps(answer.structured(), ensure_ascii=False, separators=(",", ":"))
    return max(estimated_tokens(answer.text(), enough), estimated_tokens(structured, enough))


def _trims(items: int) -> Iterator[Cut]:
    for others in range(MOST_OTHERS, 0, -1):
        yield Cut(items, others)
    for path in (400, 200, _SHORTEST_PATH):
        yield Cut(items, 1, path)
