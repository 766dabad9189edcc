"""`python -m sophia_mcp`: serves the MCP server that MCP_SERVER names, until stopped."""

from sophia_service.signals import exit_on_early_sigterm


def main() -> None:
    exit_on_early_sigterm()
    from sophia_service.server import run_service
    from sophia_service.settings import Environment

    from sophia_mcp.app import build

    run_service(build, Environment())


if __name__ == "__main__":
    main()
