"""Paths relative to what they have in common."""

from collections.abc import Iterable, Mapping


def common_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all `paths`, `/`-separated, without a slash at its end; "" where there is none."""
    folders = [path.split("/")[:-1] for path in paths]
    if not folders:
        return ""
    shared = list(folders[0])
    for folder in folders[1:]:
        same = 0
        while same < min(len(shared), len(folder)) and shared[same] == folder[same]:
            same += 1
        del shared[same:]
    return "/".join(shared)


def below(path: str, folder: str) -> str:
    """`path` as seen from `folder`, which holds it."""
    return path[len(folder) + 1 :] if folder else path


def openable(root: str | None, roots: Mapping[str, str], folder: str) -> str | None:
    """The folder as the caller can open it: below `root`, or below the one of `roots` that its first part stands for.

    As it is where a dataset has neither; `None` where that says nothing.
    """
    label, _, rest = folder.partition("/")
    if root is None and label in roots:
        root, folder = roots[label], rest
    if root is None:
        return folder or None
    return f"{root.rstrip('/')}/{folder}" if folder else root


def first_folder(path: str) -> str:
    """The first folder of a relative path, "." for an image in the root."""
    return path.split("/", 1)[0] if "/" in path else "."
