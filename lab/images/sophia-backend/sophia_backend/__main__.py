"""`python -m sophia_backend`: reads the environment and serves port 8000 until stopped."""

from sophia_service.signals import exit_on_early_sigterm


def main() -> None:
    exit_on_early_sigterm()
    from sophia_service.server import run_service
    from sophia_service.settings import Environment

    from sophia_backend.api import build

    run_service(build, Environment())


if __name__ == "__main__":
    main()
