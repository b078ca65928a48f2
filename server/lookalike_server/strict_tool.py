"""A tool that refuses what it does not understand, and says what in words a model can act on.

The SDK's own tools ignore unknown arguments, coerce strings to numbers, answer with pydantic's raw error text, and put
a prefix before every message. This one takes its schema from a query model and its answer from an answer model.
"""

import logging
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import PrivateAttr
from typing_extensions import override

from lookalike_server.arguments import ArgumentsError, parse_arguments
from lookalike_server.connections import Connections
from lookalike_server.progress import RisingProgress
from lookalike_server.questions import PATIENCE_SECONDS, Question, ask
from lookalike_tools import LookalikeError

logger = logging.getLogger("lookalike.server")

READ_ONLY: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
"""Every tool only reads, and reads only what this server was started for, and the one image that it is asked about."""


class StrictTool(Tool):
    """An SDK tool made from a :class:`Question`, answered by a :class:`Connections`."""

    _question: Question = PrivateAttr()
    _connections: Connections = PrivateAttr()

    @classmethod
    def make(cls, question: Question, connections: Connections) -> "StrictTool":
        """The tool that lists ``question`` and answers it from ``connections``."""
        tool = cls(
            fn=question.ask,
            name=question.name,
            title=question.title,
            description=question.description,
            parameters=question.query.model_json_schema(),
            fn_metadata=FuncMetadata(
                arg_model=ArgModelBase,
                output_schema=question.answer.model_json_schema(mode="serialization"),
                output_model=question.answer,
            ),
            is_async=True,
            context_kwarg=None,
            annotations=READ_ONLY,
        )
        tool._question = question
        tool._connections = connections
        return tool

    @override
    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult:
        """Answer one call in both channels: compact text, and the same facts as structured content.

        Raises:
            ToolError: its text is meant for the model. What was not foreseen goes to the log, and not into that text.
        """
        del convert_result  # the result is made whole here, text and structured content alike
        try:
            query = parse_arguments(self._question.query, arguments, self.name)
            progress = RisingProgress(context.report_progress)
            answer = await ask(self._question, query, self._connections, progress, PATIENCE_SECONDS)
            result = CallToolResult(
                content=[TextContent(type="text", text=answer.text())], structured_content=answer.structured()
            )
            self.fn_metadata.convert_result(result)  # raises where the content breaks the published schema
        except (ArgumentsError, LookalikeError) as error:
            raise ToolError(str(error)) from error
        except Exception as error:
            logger.exception("%s failed unexpectedly", self.name)
            raise ToolError(
                f"{self.name} failed inside the server; nothing was changed. "
                "The cause is in the server's log on stderr. Trying the same call again is safe."
            ) from error
        return result
