"""Text from a dataset or a server: made harmless to read, then kept apart by its type."""

import hashlib
import json
import re
from functools import lru_cache
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

LONGEST = 200
"""Characters of an `UntrustedText` at most."""

# Control characters, soft hyphen and other invisibles, zero-width and bidi controls, line and paragraph
# separators, variation selectors beyond the emoji one, surrogates, noncharacters, tag characters, private use.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_LIKE_STRUCTURE = re.compile(
    r"""^$|^[\s+\[({"'<`#*>-]|[\s).:;+]$|\s\s|\xa0|[,"`]|[.:;)]\s|\((?:mirrored|rotated)|\b(?:keep|others|cursor|nearest|labels|tags)\s"""
)


class UntrustedText(str):
    r"""A string in which nothing is invisible and that has at most `longest` characters.

    Control, bidi, zero-width and tag characters, line breaks and lone surrogates become escapes such as `\u202e`;
    longer text loses its middle, and says how long it was, with a digest of the whole: two long names never look
    the same. Making one from another of its class changes nothing.
    """

    __slots__ = ()

    longest: ClassVar[int] = LONGEST

    def __new__(cls, value: str) -> Self:
        """Make `value` harmless."""
        if isinstance(value, cls):
            return value
        # Escaping can only lengthen, so the ends that are kept never need more than this much of the original.
        longest = cls.longest
        if len(value) > 2 * longest:
            visible = _shortened(_visible(value[:longest]), _visible(value[-longest:]), longest, value)
        else:
            visible = _visible(value)
            if len(visible) > longest:
                visible = _shortened(visible, visible, longest, value)
        return super().__new__(cls, visible)

    def shortened(self, longest: int) -> Self:
        """The same text with at most `longest` characters (60 or more), its middle left out."""
        return self if len(self) <= longest else type(self)(_shortened(self, self, longest, self))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string"}

    @classmethod
    def _validated(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise PydanticCustomError("untrusted_text", "a string is needed")
        return cls(value)


class UntrustedPath(UntrustedText):
    """A path, which is of little use unless it is whole: only what no file system stores is cut."""

    __slots__ = ()

    longest: ClassVar[int] = 1000


def quoted(text: str) -> str:
    """A name from outside as it stands in a sentence of an error: always in JSON quotes."""
    return json.dumps(UntrustedText(text), ensure_ascii=False)


def named(text: UntrustedText) -> str:
    """A name as it stands in the text channel: bare where plain, in JSON quotes where it could pass for structure."""
    return json.dumps(text, ensure_ascii=False) if _LIKE_STRUCTURE.search(text) else str(text)


def visible(text: str) -> str:
    """`text`, of whatever length, with an escape for everything invisible in it, line breaks included."""
    return _INVISIBLE.sub(lambda found: _escape(found.group()), text)


# An answer that is cut to its budget shows the same names several times.
_visible = lru_cache(maxsize=2048)(visible)


def _escape(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode() if character > "\x7f" else f"\\x{ord(character):02x}"


def _shortened(head: str, tail: str, longest: int, original: str) -> str:
    digest = hashlib.blake2s(original.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    middle = f"…[{len(original)} characters, #{digest}]…"
    room = longest - len(middle)
    return head[: room - room // 2] + middle + tail[len(tail) - room // 2 :]
