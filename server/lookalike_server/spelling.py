"""What a misspelt name probably meant."""

import difflib
from collections.abc import Sequence

_FAR_FETCHED = 0.4


def nearest_known(name: str, known: Sequence[str]) -> str:
    """The nearest of ``known``, if any is near, and all of them."""
    folded = {each.casefold(): each for each in known}
    nearest = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=_FAR_FETCHED)
    all_known = f"known are {', '.join(known)}"
    return f"the nearest known one is {folded[nearest[0]]}; {all_known}" if nearest else all_known
