"""The MCP server: command line, settings, transports, tool registration."""

from importlib.metadata import version

__version__ = version("lookalike-mcp")
