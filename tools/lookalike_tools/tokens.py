"""A conservative estimate of what a text costs a model, in tokens, without shipping a tokenizer.

An estimate that is too high costs a few names; one that is too low breaks the promise of the budget. So words that this
package writes itself are charged what they cost, and everything that may come from a file name is charged a rate
that real tokenizers stay below.
"""

import math
import re

# Words that answers are made of, and words that picture folders are full of: each is one token.
_KNOWN_WORDS = frozenset(
    """
    a above across all and any are as at b below bytes can clusters complete copies cursor dataset duplicate exact fit
    folder for from group groups id image images in index is it keep labels largest left list local low lowest members
    more n name near nearest next no not nothing notes of off one only or other others out pair path paths ready
    relation same sample share show shown showing similarity single sizes source status tags than that the their them to
    total totals true false unique was were which with why within jpg jpeg png gif img photo photos picture pictures
    camera cat cats dog dogs old new backup copy edit edited final full small large thumb web home user users data pets
    family holiday summer beach portrait original download downloads desktop documents archive
    """.split()  # noqa: SIM905  (a list literal of these would be a page long)
)
_PIECES = re.compile(
    r"(?P<word>_?(?:[A-Z]*[a-z]+|[A-Z]+))|(?P<digits>[0-9]+)|(?P<spaces>\s+)"
    r'|(?P<json>["{}\[\]:,]{2,})|(?P<punctuation>[!-/:-@\[-`{-~])|(?P<rest>[^\x00-\x7f]+|[\x00-\x1f\x7f])'
)
_OWN_SIGNS = {"×": 1, "…": 1, "≥": 2}
_OWN_JSON = {
    **dict.fromkeys(
        ['":"', '","', '":{"', '":[', '":', ',"', '},"', '},{"', '"]', '["', '":["', '{"', '"}', '"],"', '}],"'], 1
    ),
    **dict.fromkeys(['":[{"', '"}],"', '"}]', '"]}', '"}}'], 2),
    **dict.fromkeys(['"},{"', '"}]}'], 3),
}
_ABBREVIATION = 3
_VOWEL = re.compile(r"[aeiouy]")
_UNPRONOUNCEABLE = re.compile(r"[^aeiouy]{3}")


def estimated_tokens(text: str, enough: float = math.inf) -> int:
    """An upper estimate of the tokens of `text`, 0 or more; counting stops once it is above `enough`."""
    total = 0
    for piece in _PIECES.finditer(text):
        total += _cost(str(piece.lastgroup), piece.group(), text[piece.end() : piece.end() + 1])
        if total > enough:
            break
    return total


def _cost(kind: str, piece: str, following: str) -> int:
    match kind:
        case "word":
            return _word_cost(piece.lower())
        case "digits":
            return -(-len(piece) // 3)
        case "spaces":
            # A single space is part of the word after it.
            return 0 if piece == " " and following.isascii() and following.isalpha() else 1
        case "json":
            return _OWN_JSON.get(piece, len(piece))
        case "rest":
            return sum(_OWN_SIGNS.get(sign, len(sign.encode("utf-8", "surrogatepass"))) for sign in piece)
        case _:
            return 1


def _word_cost(word: str) -> int:
    if word.removeprefix("_") in _KNOWN_WORDS:
        return 1
    if word.startswith("_"):
        return 1 + _word_cost(word[1:])
    length = len(word)
    if _VOWEL.search(word) and not _UNPRONOUNCEABLE.search(word):
        return (length + 1) // 2
    return length if length <= _ABBREVIATION else length * 3 // 4 + 1
