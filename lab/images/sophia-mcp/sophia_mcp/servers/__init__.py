"""The MCP servers. Each module has `definition(environment)`, called once, which returns a Definition."""
