"""The MCP server: command line, settings, transports, tool registration."""
