"""The one client of the Explore API: typed calls, to an app in this process or to a server."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from lookalike_tools.errors import BadAnswer, NotFound, RefusedParameters, ServerFailed, WrongArgument
from lookalike_tools.explore.address import checked_base_url
from lookalike_tools.explore.credentials import Credentials
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.memory import Memory
from lookalike_tools.explore.models import Alike, Dataset, Metadata, Page
from lookalike_tools.explore.verdicts import Verdicts
from lookalike_tools.untrusted import UntrustedText, quoted

if TYPE_CHECKING:
    from lookalike_tools.explore.paging import Kept
    from lookalike_tools.explore.transport import Transport

Answer = TypeVar("Answer")

_LIST_KEPT_SECONDS = 60.0
_UNCOUNTED_SECONDS = 600.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DATASETS: TypeAdapter[list[Dataset]] = TypeAdapter(list[Dataset])
_ALIKE = TypeAdapter(Alike)
_PAGE = TypeAdapter(Page)
_METADATA = TypeAdapter(Metadata)
_DATASET = TypeAdapter(Dataset)


class ExploreClient:
    """An async context manager; made by `for_app` or `for_server`.

    `honoured` remembers what was found out about this server's filters, `kept` the last listing that was read. Every
    call raises `ServerTrouble` or `DatasetNotReady` where there is no answer.
    """

    def __init__(self, transport: "Transport", source: UntrustedText, *, is_local: bool) -> None:
        self._transport = transport
        self.source = source
        self.is_local = is_local
        self.honoured = Verdicts()
        self.kept: Kept | None = None
        self.memory = Memory()
        self._listed: list[Dataset] = []
        self._listed_until = 0.0

    @classmethod
    def for_app(cls, asgi_app: Any, label: str = "local") -> Self:
        """The Explore service in this process, such as the embedded engine's app."""
        from lookalike_tools.explore.transport import Transport  # noqa: PLC0415  (httpx is slow to import)

        transport = Transport.to_app(asgi_app, "http://lookalike.invalid/api/v1", "The local engine")
        return cls(transport, UntrustedText(label), is_local=True)

    @classmethod
    def for_server(
        cls,
        base_url: str,
        credentials: Credentials | None = None,
        *,
        allow_http: bool = False,
        deadline: float = 60.0,
    ) -> Self:
        """A server at `base_url`, with `deadline` seconds for each question, retries included.

        Outside `question()` each call has as long. Raises `WrongSettings`, also for an environment that names a proxy
        or certificates that cannot be used.
        """
        from lookalike_tools.explore.transport import Transport  # noqa: PLC0415  (httpx is slow to import)

        checked = checked_base_url(base_url, allow_http=allow_http)
        host = UntrustedText(urlsplit(checked).netloc)
        transport = Transport.to_server(checked, host, credentials, deadline=deadline, allow_http=allow_http)
        return cls(transport, host, is_local=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    @asynccontextmanager
    async def question(self) -> AsyncGenerator[None]:
        """All calls inside, those of child tasks too, must be done by one deadline, counted from here.

        Inside another question of this client that one's deadline stays. The service in this process may take its time:
        there each call keeps its own deadline.
        """
        if self.is_local:
            yield
            return
        with self._transport.deadline.shared():
            yield

    def time_left(self) -> float:
        """Seconds until a call that begins now must be done."""
        return self._transport.deadline.ends() - asyncio.get_running_loop().time()

    async def datasets(self, *, fresh: bool = False) -> list[Dataset]:
        """All datasets that the credential may see. A server's list is kept for a minute; `fresh` asks again."""
        now = asyncio.get_running_loop().time()
        if fresh or now >= self._listed_until:
            self._listed = await self.read(_DATASETS, "/datasets", {}, "a list of datasets")
            self._listed_until = now if self.is_local else now + _LIST_KEPT_SECONDS
        return list(self._listed)

    async def dataset(self, dataset_id: str) -> Dataset:
        """One dataset by its id."""
        return await self.read(_DATASET, f"/dataset/{checked_id(dataset_id)}", {}, f"dataset {quoted(dataset_id)}")

    def params(self, dataset: Dataset, wanted: Filter) -> dict[str, str]:
        """The query parameters for `wanted`, about the engine's dataset as it is in `dataset` and no later.

        Else the calls of one question could be answered from two indexes, where a new one is published half-way.
        """
        if dataset.revision is None or dataset.source_type != "LOCAL":
            return wanted.params()
        return {**wanted.params(), "revision": dataset.revision}

    async def page(self, dataset: Dataset, wanted: Filter, number: int) -> Page:
        """Page `number`, from 0, of the clusters; one shorter than 100 is the last."""
        params = {**self.params(dataset, wanted), "page_number": str(number)}
        return await self.read(_PAGE, f"/explore/{checked_id(dataset.id)}", params, about(dataset))

    async def metadata(
        self, dataset: Dataset, wanted: Filter, extra: Mapping[str, str] | None = None
    ) -> Metadata | None:
        """The counts for the same filters; `None` where the server has none, as is remembered for ten minutes."""
        path = f"/explore/{checked_id(dataset.id)}/exploration_metadata"
        if self.memory.uncounted.get(dataset.id):
            return None
        try:
            return await self.read(_METADATA, path, {**self.params(dataset, wanted), **(extra or {})}, about(dataset))
        except (NotFound, ServerFailed, RefusedParameters, BadAnswer) as error:
            # Some servers answer an unknown call with their web page, or with 405.
            if self.is_local:
                raise
            if not isinstance(error, RefusedParameters):
                self.memory.uncounted.put(dataset.id, True, _UNCOUNTED_SECONDS)  # noqa: FBT003  (the fact itself)
            return None

    async def similar_images(self, dataset: Dataset, wanted: Filter, anchor: Mapping[str, str]) -> Alike:
        """The first 100 images that are alike to one picture; `anchor` names it, by `anchor_uri` or `anchor_path`.

        Only the engine in this process knows this call.
        """
        params = {**self.params(dataset, wanted), **anchor}
        return await self.read(_ALIKE, f"/explore/{checked_id(dataset.id)}/similar_images", params, about(dataset))

    async def download(self, url: str, about: str, *, longest: int, to: IO[bytes]) -> None:
        """What is behind a link that the server gave for `about`, written to `to` from where that stands.

        Neither credential nor cookie goes with it, not even where the link is relative, which means to the base URL.
        The link and each of at most 3 redirects must be https (or http to loopback, or where http is allowed) and must
        not lead into this machine or its network unless the server itself is there.

        Raises `BadAnswer` for any other link, one that is refused, and more than `longest` bytes; an OSError of `to` is
        passed on.
        """
        await self._transport.download(url, about, longest=longest, to=to)

    async def read(self, kind: TypeAdapter[Answer], path: str, params: Mapping[str, str], what: str) -> Answer:
        """What the server answers under `path`, as `kind`; `what` says in errors what was asked about."""
        answer = await self._transport.get(path.lstrip("/"), params, what)
        try:
            return kind.validate_python(answer)
        except (ValidationError, RecursionError):
            raise BadAnswer(
                f"{self.source} answered about {what} in a form that is not the Explore API's",
                "Check that the base URL is an Explore server's",
            ) from None


def about(dataset: Dataset) -> str:
    """The dataset as errors name it."""
    return f"dataset {quoted(dataset.display_name or dataset.id)}"


def checked_id(identifier: str) -> str:
    """`identifier` where it can stand in a path and change nothing but its own part. Raises `WrongArgument`."""
    if not _ID.fullmatch(identifier):
        raise WrongArgument(f"{quoted(identifier)} cannot be an id", "Use an id or a name from the list of datasets")
    return identifier
