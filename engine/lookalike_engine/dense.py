"""Groups so dense that their pairs are too many to keep: thousands of nearly identical frames of a still camera.

Instead of all pairs within such a group, the distances of its members to one of them, the leader, are measured. By the
triangle inequality two members are no farther apart than both are from the leader, so that every pair of the group is
known to be alike without being looked at: n distances instead of n²/2. The bound is what is promised of the group; the
pairs themselves are closer, so a group may come together at a lower similarity than it would have, never at a higher.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RADII: Final = (4, 8, 16, 31)
"""Bits from the leader, tight groups first: twice the last is the distance that still counts as a near-duplicate."""


@dataclass(frozen=True, slots=True)
class Groups:
    """How m pictures were collapsed, and what is promised of them."""

    leader: NDArray[np.int32]
    """The picture that stands for each (m,); itself for one in no group."""
    radius: NDArray[np.int16]
    """Of each leader's group (m,): no member differs from it by more bits, in any orientation; 0 for other pictures.

    A picture outside at `d` bits, seen from either side, is at `d + radius` at most from every member; two groups are
    at `d + radius + radius` at most.
    """
    first: NDArray[np.int32]
    """Merges in order: `second`, and all it stands for, joins the group of `first`."""
    second: NDArray[np.int32]
    apart: NDArray[np.int16]
    """Bits: no two pictures of the merged group differ by more. Never falling."""


def collapse(
    hashes: NDArray[np.uint8],
    order: Sequence[int],
    radii: Sequence[int] = RADII,
    stop: Callable[[], None] = lambda: None,
) -> Groups:
    """Collapse pictures into groups around leaders.

    `hashes` (m, 8, 32) are packed 256-bit hashes in the eight orientations. `order` names all m pictures, those first
    that shall lead, by what does not depend on the order of files; `radii` (bits) rise. Costs as many comparisons as
    there are pictures times leaders: meant for dense groups, not for a whole dataset. `stop` is called once a leader.
    """
    m = len(hashes)
    words = np.ascontiguousarray(hashes).view(np.uint64)
    leader = np.arange(m, dtype=np.int32)
    radius = np.zeros(m, dtype=np.int16)
    merges: list[tuple[int, int, int]] = []
    leaders = np.asarray(order, dtype=np.int32)
    kept: list[int]
    for limit in radii:
        joined: list[tuple[int, NDArray[np.int32]]] = []
        open_, kept = leaders, []
        led = np.arange(m, dtype=np.int32)  # those that still may join in this round
        while len(open_):
            stop()
            head = int(open_[0])
            kept.append(head)
            # A group joins whole or not at all: its farthest picture counts, in the orientation where it is farthest.
            reach = np.zeros(m, dtype=np.int16)
            distances = np.bitwise_count(words[led] ^ words[head]).sum(axis=2, dtype=np.int16).max(axis=1, initial=0)
            np.maximum.at(reach, leader[led], distances)
            near = (reach[open_] <= limit) & (open_ != head) & (radius[head] <= limit)
            members = open_[near]
            if len(members):
                radius[head] = max(int(radius[head]), int(reach[members].max()))
                joined.append((head, members))
            open_ = open_[~near & (open_ != head)]
            still_open = np.zeros(m, dtype=bool)
            still_open[open_] = True
            led = led[still_open[leader[led]]]
        for head, members in joined:
            merges.extend((head, int(member), 2 * int(radius[head])) for member in members)
            leader[members] = head
            radius[members] = 0
        leader = leader[leader]
        leaders = np.array(kept, dtype=np.int32)
    merges.sort(key=lambda merge: merge[2])  # stable: within a level as they were made
    return Groups(
        leader=leader,
        radius=radius,
        first=np.array([first for first, _, _ in merges], dtype=np.int32),
        second=np.array([second for _, second, _ in merges], dtype=np.int32),
        apart=np.array([apart for _, _, apart in merges], dtype=np.int16),
    )
