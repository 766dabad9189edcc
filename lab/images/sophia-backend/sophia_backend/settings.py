"""What the backend takes from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from sophia_service.postgres import PostgresSettings
from sophia_service.settings import Environment, Secret


@dataclass(frozen=True)
class RedisSettings:
    host: str
    port: int
    password: Secret


@dataclass(frozen=True)
class GpuServiceSettings:
    """What the stand-in reports about the GPU service; `gpus` are the ones Swarm gave to this task."""

    region: str
    instance_type: str
    gpus: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    port: int
    postgres: PostgresSettings
    redis: RedisSettings
    gpu_service: GpuServiceSettings

    @classmethod
    def read(cls, environment: Environment) -> Settings:
        """Raises SettingsError that names every problem of the environment."""
        settings = cls(
            port=environment.port("PORT", 8000),
            postgres=PostgresSettings.read(environment),
            redis=RedisSettings(
                host=environment.text("REDIS_HOST"),
                port=environment.port("REDIS_PORT", 6379),
                password=environment.secret_file("REDIS_PASSWORD_FILE"),
            ),
            gpu_service=GpuServiceSettings(
                region=environment.text("LAMBDA_LABS_REGION", "lab"),
                instance_type=environment.text("LAMBDA_LABS_INSTANCE_TYPE", "gpu_1x_gh200"),
                gpus=tuple(filter(None, environment.text("DOCKER_RESOURCE_NVIDIA-GPU", "").split(","))),
            ),
        )
        environment.check()
        return settings
