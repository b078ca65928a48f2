"""Objects are asked about only where a server has them: elsewhere images would be taken for objects."""

from lookalike_tools.errors import RefusedParameters, WrongArgument
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.models import Dataset, Page

_TODO = "Leave entity_type out, or use IMAGES"


def blame_entity_type(explore: ExploreClient, dataset: Dataset, wanted: Filter, refusal: RefusedParameters) -> None:
    """Raises `WrongArgument` where it is the objects that the server refuses."""
    if wanted.entity_type == "OBJECTS" and (explore.is_local or "entity_type" in refusal.fields):
        raise WrongArgument(f"entity_type OBJECTS does not exist in {about(dataset)}", _TODO) from None


async def refuse_images_as_objects(explore: ExploreClient, dataset: Dataset, wanted: Filter, first: Page) -> None:
    """Raises `WrongArgument` where the dataset has no objects, or `first`, the first page, is about images.

    A bounding box or the type of a preview proves objects. Cluster counts of objects do not: images have them too. Then
    none of its clusters may stand in the one about images, which is found out once.
    """
    if wanted.entity_type != "OBJECTS" or _proves_objects(first):
        return
    if not dataset.n_objects and not any(cluster.n_objects for cluster in first.clusters):
        raise WrongArgument(f"{explore.source} shows no objects in {about(dataset)}", _TODO)
    if not first.clusters:
        return
    question = (dataset.id, "entity_type")
    verdict = explore.honoured.get(question)
    if verdict is None:
        images = await explore.page(dataset, wanted.about("IMAGES"), 0)
        # The dataset may have changed in between: one cluster that stands in both lists is enough.
        verdict = "honoured" if _ids(images).isdisjoint(_ids(first)) else "ignored"
        explore.honoured.remember(question, verdict)
    if verdict == "ignored":
        raise WrongArgument(f"{explore.source} answers about {about(dataset)} with images, not with objects", _TODO)


def _proves_objects(page: Page) -> bool:
    previews = (preview for cluster in page.clusters for preview in cluster.previews)
    return any(preview.bounding_box or (preview.type or "").upper().startswith("OBJECT") for preview in previews)


def _ids(page: Page) -> set[str]:
    return {cluster.cluster_id for cluster in page.clusters}
