"""One image as a server's export describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter

from lookalike_tools.explore.models import Identifier, MaybeCount, Preview, Share, Text, Wire

_SIZE = re.compile(r"\s*([0-9]{1,15})(?:\.([0-9]{1,6}))?\s*(|[KMGT])i?B?(?:ytes?)?\s*", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LARGEST_SIZE = 10**12


@dataclass(frozen=True, slots=True)
class ExportedImage:
    """An image of the export, in little memory.

    `file_size` is a lower bound in bytes. `group` is its duplicate group, and `confidence` (0-1) how sure the server is
    of that, where it says.
    """

    media_id: str
    file_path: str | None
    file_name: str | None
    url: str | None
    file_size: int | None
    width: int | None
    height: int | None
    cluster_id: str | None
    group: str | None
    confidence: float | None
    regrouped: bool

    def preview(self) -> Preview:
        """The image as a member of a cluster."""
        return Preview(
            media_id=self.media_id,
            file_path=self.file_path,
            file_name=self.file_name,
            media_uri=self.url,
            file_size=self.file_size,
            width=self.width,
            height=self.height,
        )


def least_bytes(size: Any) -> int | None:
    """The fewest bytes that a size such as "13.81KB" can stand for; `None` where it cannot be read.

    Whether K is 1,000 or 1,024 is not documented, so it is taken as 1,000; and the last digit may have been rounded up.
    """
    if isinstance(size, int) and not isinstance(size, bool):
        return size if 0 <= size <= _LARGEST_SIZE else None
    read = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if read is None:
        return None
    whole, fraction, unit = read.group(1), read.group(2) or "", read.group(3).upper()
    value = Decimal(f"{whole}.{fraction or 0}")
    if unit or fraction:
        value = max(Decimal(0), value - Decimal(5).scaleb(-len(fraction) - 1))
    least = int(value * 1000 ** _POWERS[unit])
    return least if least <= _LARGEST_SIZE else None


def exported_image(item: Any) -> ExportedImage | None:
    """The image that an entry of `media_items` describes, `None` for a video frame.

    Raises pydantic's `ValidationError` where the entry has another form.
    """
    read = _ITEM.validate_python(item)
    return read.image() if read.media_type is None or read.media_type.lower() == "image" else None


class _Issue(Wire):
    duplicate_group_id: Identifier
    confidence: Share | None = None


def _duplicates(items: Any) -> Any:
    """The properties of the duplicates issues, which stand in the entry itself or in its `properties`."""
    if not isinstance(items, list):
        return [] if items is None else items
    issues = [it for it in items if isinstance(it, Mapping) and it.get("type") == "issue"]
    described = [it["properties"] if isinstance(it.get("properties"), Mapping) else it for it in issues]
    return [it for it in described if it.get("issue_type") == "duplicates"]


class _Item(Wire):
    media_id: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    media_type: Text | None = None
    file_path: Text | None = None
    file_name: Text | None = None
    url: Text | None = None
    file_size: Annotated[int | None, BeforeValidator(least_bytes)] = None
    width: MaybeCount = None
    height: MaybeCount = None
    cluster_id: Text | None = None
    metadata_items: Annotated[list[_Issue], BeforeValidator(_duplicates)] = Field(default_factory=list[_Issue])

    def image(self) -> ExportedImage:
        issue = self.metadata_items[0] if self.metadata_items else None
        return ExportedImage(
            media_id=self.media_id,
            file_path=self.file_path,
            file_name=self.file_name,
            url=None if self.file_path or self.file_name else self.url,
            file_size=self.file_size,
            width=self.width,
            height=self.height,
            cluster_id=self.cluster_id,
            group=None if issue is None else issue.duplicate_group_id,
            confidence=None if issue is None else issue.confidence,
            regrouped=len({it.duplicate_group_id for it in self.metadata_items}) > 1,
        )


_ITEM = TypeAdapter(_Item)
