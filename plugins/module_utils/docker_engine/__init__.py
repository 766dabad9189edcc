"""The Docker engine's own configuration: daemon.json and its environment."""
