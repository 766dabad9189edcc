"""The lab's stand-ins for the platform's eight MCP servers: one program, one module per server in `servers/`."""

__version__ = "1.0.0"

STAND_IN = "This is the lab's stand-in for an MCP server of the Sophia platform; it reaches no outside service."
