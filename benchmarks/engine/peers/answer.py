"""What every program here prints, and what they share."""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path


def give(clusters: Iterable[Iterable[str]], packages: Iterable[str]) -> None:
    """Write the clusters, as paths or names of files of one folder, and the versions of the packages."""
    answer = {
        "clusters": [sorted({Path(name).name for name in cluster}) for cluster in clusters],
        "versions": {package: version(package) for package in packages},
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


def folder() -> Path:
    """The folder of pictures; it has no subfolders."""
    return Path(sys.argv[1])


def method() -> str:
    """Which of the peer's methods to use."""
    return sys.argv[3]


def joined(related: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Connected components of two or more, where a peer gives each image's duplicates and no clusters."""
    leader = {name: name for name in related}

    def lead(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for name, others in related.items():
        for other in others:
            leader[lead(other)] = lead(name)
    groups: dict[str, list[str]] = {}
    for name in list(leader):
        groups.setdefault(lead(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]
