"""One image against a dataset: which of its images are copies of it."""

from pathlib import Path
from urllib.parse import urlsplit

from lookalike_tools.budget import Cut, fit
from lookalike_tools.errors import UnusableImage, WrongArgument
from lookalike_tools.explore.client import about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Alike, AlikeImage
from lookalike_tools.folders import below, common_folder, openable
from lookalike_tools.opening import Opened
from lookalike_tools.queries import DuplicatesQuery
from lookalike_tools.relations import RELATIONS
from lookalike_tools.results.checked import Checked, Match
from lookalike_tools.results.duplicates import DuplicatesAnswer
from lookalike_tools.similarity import floored, spelled
from lookalike_tools.untrusted import UntrustedPath, quoted

_URI = "file://"

_NOT_AN_IMAGE = (
    "There is no image at {image} that can be read here: it is missing, or no image file, or not for this user",
    "Give the full path of an image file on this machine, or an image of the dataset by its path",
)
_DAMAGED = ("The image {image} is cut short or damaged", "Give a whole one")
_REFUSALS = {
    "truncated": _DAMAGED,
    "damaged": _DAMAGED,
    "too large": ("The image {image} is larger than the engine opens (512 MiB, 256 megapixels)", "Make it smaller"),
    "unsupported format": ("The image {image} is of a format that is not read here", "Save it as JPEG or PNG"),
    "changed while being read": ("The image {image} changed while it was being read", "Ask again"),
    "not served": (
        "The image {image} lies outside the dataset's folders, and no other path is opened here",
        "Give an image below them",
    ),
}


def refuse_beside_image(query: DuplicatesQuery) -> None:
    """Raises `WrongArgument` for arguments that do not go with `image`."""
    if query.cursor is not None:
        raise WrongArgument("An answer about one image has one page", "Leave cursor out, and raise limit to see more")
    if query.entity_type != "IMAGES":
        raise WrongArgument("One image is compared with whole images alone", "Leave entity_type out")


async def check_image(opened: Opened, query: DuplicatesQuery, image: str) -> DuplicatesAnswer:
    """The images of a local dataset that are alike to `image`, a file's absolute path or an image's of the dataset.

    Raises `LookalikeError`.
    """
    explore, dataset = opened.explore, opened.dataset
    if not explore.is_local:
        raise WrongArgument(
            f"Source {quoted(explore.source)} is a server, which cannot compare an image file of this machine",
            f"Leave image out, or name a dataset of local folders instead of {about(dataset)}",
        )
    if opened.is_indexing:
        return DuplicatesAnswer(**opened.head())
    opened.refuse_below_floor(query.similarity)
    anchor = _anchor(image)
    found = await explore.similar_images(dataset, Filter("duplicates", query.similarity, "IMAGES"), anchor)
    size = (found.anchor.width, found.anchor.height)
    if found.anchor.refusal is not None or size[0] is None or size[1] is None:
        raise _refused(image, found.anchor.refusal)
    return _answer(opened, query, image, found, (size[0], size[1]))


def _anchor(image: str) -> dict[str, str]:
    """The file or the image that `image` means, as the Explore call names it."""
    try:
        path = Path(image).expanduser()
        uri = image if image.startswith(_URI) else path.as_uri() if path.is_absolute() else None
        parts = urlsplit(uri or "")
    except (RuntimeError, ValueError):
        raise _refused(image, None) from None
    if "%00" in parts.path:
        raise _refused(image, None)
    if parts.netloc not in {"", "localhost"}:
        raise UnusableImage(f"The image {quoted(image)} is on another machine", "Copy it to this one")
    if parts.query or parts.fragment or (uri is not None and not parts.path):
        raise UnusableImage(f"{quoted(image)} is no file:// URI of a file", "Give the full path instead")
    return {"anchor_path": image} if uri is None else {"anchor_uri": uri}


def _refused(image: str, refusal: str | None) -> UnusableImage:
    what, todo = _REFUSALS.get(refusal or "", _NOT_AN_IMAGE)
    return UnusableImage(what.format(image=quoted(image)), todo)


def _answer(
    opened: Opened, query: DuplicatesQuery, image: str, found: Alike, size: tuple[int, int]
) -> DuplicatesAnswer:
    page = found.images[: query.limit]
    nearest = found.nearest if not found.n_images else None
    itself = found.anchor.file_path
    paths = [*(each.file_path for each in page), *([] if nearest is None else [nearest.file_path])]
    folder = common_folder([*paths, *([] if itself is None else [itself])])
    notes: list[str] = []
    if not found.anchor.compared:
        notes.append("The image has too little detail to be compared; only pixel-equal ones are found")
    elif nearest is not None:
        at = spelled(floored(nearest.similarity))
        notes.append(f"Nothing at similarity {spelled(query.similarity)} or above; the nearest is at {at}")
    longest = max((len(UntrustedPath(below(path, folder))) for path in paths), default=0)

    def build(cut: Cut) -> DuplicatesAnswer:
        def shown(path: str) -> UntrustedPath:
            return UntrustedPath(below(path, folder)).shortened(cut.path)

        def match(other: AlikeImage) -> Match:
            return Match(
                path=shown(other.file_path),
                similarity=floored(other.similarity),
                relation=RELATIONS.get(other.relation),
                width=other.width,
                height=other.height,
                cluster=other.short_id,
            )

        matches = [match(each) for each in page[: cut.items]]
        where = openable(opened.dataset.root_path, opened.dataset.roots, folder) if paths or itself else None
        return DuplicatesAnswer(
            **opened.head(complete=True, notes=[*notes, *cut.notes(len(page), longest=longest)]),
            similarity=query.similarity,
            shown=len(matches),
            folder=None if where is None else UntrustedPath(where),
            checked=Checked(
                image=UntrustedPath(image).shortened(cut.path),
                width=size[0],
                height=size[1],
                itself=None if itself is None else shown(itself),
                images=opened.dataset.n_images,
                alike=found.n_images,
                exact=found.n_exact,
                matches=matches,
                more=found.n_images - len(matches),
                nearest=None if nearest is None else match(nearest),
            ),
        )

    return fit(build, len(page), query.limit)
