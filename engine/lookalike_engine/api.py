"""The Explore API over HTTP: routes, status codes and bodies."""

import json
import logging
from importlib.metadata import version
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from lookalike_engine.dataset import EngineSettings
from lookalike_engine.library import Library
from lookalike_engine.service import ExploreService, NotFoundError, NotReadyError
from lookalike_engine.vql import ParameterError, read_anchor_question, read_question

HOSTS: Final = ["localhost", "127.0.0.1", "::1", "[::1]", "lookalike.invalid"]
"""Loopback, and a name for use in-process that no resolver answers (RFC 6761). Any other is a web page's own name."""

PATIENCE: Final = 20.0
"""Seconds that a question waits for a first index."""

REFRESH_PATIENCE: Final = 2.5
"""Seconds: how old a run becomes before questions are answered from the index that it is to replace."""

logger = logging.getLogger("lookalike.engine")


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII, so that no string, not even one with half a surrogate pair, fails to be sent."""

    def render(self, content: Any) -> bytes:
        """Encode the body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def create_app(
    library: Library,
    settings: EngineSettings,
    *,
    patience: float = PATIENCE,
    refresh_patience: float = REFRESH_PATIENCE,
) -> Starlette:
    """Build the ASGI application that serves a library under `/api/v1`.

    A question waits `patience` seconds for a folder that is being indexed for the first time, and is then answered 409.
    Where there is an index, it answers as soon as the run that is to replace it is `refresh_patience` seconds old.
    """
    service = ExploreService(library, settings, patience=patience, refresh_patience=refresh_patience)
    routes = Routes(service)
    return Starlette(
        routes=[
            Mount(
                "/api/v1",
                routes=[
                    Route("/healthcheck", routes.healthcheck),
                    Route("/datasets", routes.datasets),
                    Route("/dataset/{dataset_id}", routes.dataset),
                    Route("/explore/{dataset_id}", routes.explore),
                    Route("/explore/{dataset_id}/exploration_metadata", routes.exploration_metadata),
                    Route("/explore/{dataset_id}/similarity_cluster/{cluster_id}", routes.similarity_cluster),
                    Route("/explore/{dataset_id}/similar_images", routes.similar_images),
                    Route("/thumbnail/{dataset_id}/{media_id}", routes.thumbnail),
                ],
            )
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        exception_handlers={
            ParameterError: _unprocessable,
            NotFoundError: _not_found,
            NotReadyError: _conflict,
            HTTPException: _http_error,
            Exception: _internal_error,
        },
    )


class Routes:
    """One method per call of the API."""

    def __init__(self, service: ExploreService) -> None:
        self._service = service

    async def healthcheck(self, _request: Request) -> Response:
        """Say that the engine is up, and which version."""
        return AsciiJSONResponse({"status": "ok", "version": version("lookalike-mcp")})

    async def datasets(self, _request: Request) -> Response:
        """List the datasets."""
        return AsciiJSONResponse(await self._service.datasets())

    async def dataset(self, request: Request) -> Response:
        """Show one dataset."""
        return AsciiJSONResponse(await self._service.dataset(request.path_params["dataset_id"]))

    async def explore(self, request: Request) -> Response:
        """Show one page of clusters."""
        question = read_question(request.query_params.multi_items())
        return AsciiJSONResponse(await self._service.page(request.path_params["dataset_id"], question))

    async def exploration_metadata(self, request: Request) -> Response:
        """Show the counts."""
        question = read_question(request.query_params.multi_items())
        return AsciiJSONResponse(await self._service.counts(request.path_params["dataset_id"], question))

    async def similarity_cluster(self, request: Request) -> Response:
        """Show one cluster and a page of its members."""
        question = read_question(request.query_params.multi_items())
        dataset_id, cluster_id = request.path_params["dataset_id"], request.path_params["cluster_id"]
        return AsciiJSONResponse(await self._service.cluster(dataset_id, cluster_id, question))

    async def similar_images(self, request: Request) -> Response:
        """Compare one picture with a dataset."""
        question = read_anchor_question(request.query_params.multi_items())
        return AsciiJSONResponse(await self._service.similar_images(request.path_params["dataset_id"], question))

    async def thumbnail(self, request: Request) -> Response:
        """Show one image, small."""
        dataset_id, media_id = request.path_params["dataset_id"], request.path_params["media_id"]
        picture = await self._service.thumbnail(dataset_id, media_id)
        return Response(picture, media_type="image/webp")


def _unprocessable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ParameterError)  # noqa: S101 - Starlette's handler type is wider than its promise
    detail = {
        "type": "value_error",
        "loc": ["query", error.where],
        "msg": error.message,
        "input": error.given,
    }
    return AsciiJSONResponse({"detail": [detail]}, 422)


def _not_found(_request: Request, error: Exception) -> Response:
    return AsciiJSONResponse({"detail": str(error)}, 404)


def _conflict(_request: Request, error: Exception) -> Response:
    return AsciiJSONResponse({"detail": str(error)}, 409)


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's handler type is wider than its promise
    return AsciiJSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


def _internal_error(_request: Request, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    return AsciiJSONResponse({"detail": "the engine failed to answer; its log says why"}, 500)
