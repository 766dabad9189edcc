# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents that services read as configs, by the name that an entry gives as source."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.sophia.platform.plugins.module_utils.catalog import edge, login
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service
from ansible_collections.sophia.platform.plugins.module_utils.catalog.text import yaml_text

SCRAPE_INTERVAL_SECONDS = 15
DOWN_AFTER_SECONDS = 60
MISSING_AFTER_SECONDS = 120
CERTIFICATE_DAYS_MIN = 14  # a renewal that was due at 30 days has failed for two weeks then


def scrape_targets(catalog: Catalog) -> list[dict]:
    """What Prometheus scrapes: {job, dns_name, port, path, replicas_count}, the count None where it may vary."""
    return [
        {
            "job": service.name,
            "dns_name": f"tasks.{service.name}",
            "port": service.metrics_port,
            "path": service["metrics"]["path"],
            "replicas_count": service.replicas,
        }
        for service in catalog.entries
        if service["metrics"]
    ]


def prometheus(catalog: Catalog) -> str:
    """Prometheus' configuration: one job for each service with metrics, its tasks found by name."""
    interval = f"{SCRAPE_INTERVAL_SECONDS}s"
    document: dict = {"global": {"scrape_interval": interval, "evaluation_interval": interval}}
    document["rule_files"] = ["alerts.yml"]
    alertmanager = next((service for service in catalog.entries if service.name == "alertmanager"), None)
    if alertmanager:
        found = _tasks(alertmanager, alertmanager["port"])
        document["alerting"] = {"alertmanagers": [{"dns_sd_configs": [found]}]}
    document["scrape_configs"] = [
        {
            "job_name": service.name,
            "metrics_path": service["metrics"]["path"],
            "dns_sd_configs": [_tasks(service, service.metrics_port)],
        }
        for service in catalog.entries
        if service["metrics"]
    ]
    return yaml_text(document)


def _tasks(service: Service, port: int | None) -> dict:
    return {
        "names": [f"tasks.{service.name}"],
        "type": "A",
        "port": port,
        "refresh_interval": f"{SCRAPE_INTERVAL_SECONDS}s",
    }


def alerts(catalog: Catalog) -> str:
    """Prometheus' rules: targets that are down, services with too few tasks, a certificate that ends."""
    down = {
        "alert": "TargetDown",
        "expr": "up == 0",
        "for": f"{DOWN_AFTER_SECONDS}s",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.job }} at {{ $labels.instance }} cannot be scraped"},
    }
    missing = [_missing(service) for service in catalog.entries if service["metrics"]]
    groups = [{"name": "targets", "rules": [down]}, {"name": "replicas", "rules": missing}]
    if any(service.name == "traefik" for service in catalog.entries):
        groups.append({"name": "edge", "rules": [_ending()]})
    return yaml_text({"groups": groups})


def _ending() -> dict:
    return {
        "alert": "CertificateEnds",
        "expr": f"min(traefik_tls_certs_not_after) - time() < {CERTIFICATE_DAYS_MIN * 86400}",
        "for": "1h",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "The edge's certificate ends in {{ $value | humanizeDuration }}; its renewal fails"},
    }


def _missing(service: Service) -> dict:
    wanted = service.replicas_min
    return {
        "alert": "ReplicasMissing",
        "expr": f'(count(up{{job="{service.name}"}} == 1) or vector(0)) < {wanted}',
        "for": f"{MISSING_AFTER_SECONDS}s",
        "labels": {"severity": "critical", "service": service.name},
        "annotations": {"summary": f"{service.name} has {{{{ $value }}}} of at least {wanted} tasks up"},
    }


def alertmanager(_catalog: Catalog) -> str:
    """Alertmanager's configuration: alerts are kept and shown, and go nowhere yet."""
    route = {"receiver": "default", "group_by": ["alertname", "service"], "group_wait": "30s", "repeat_interval": "4h"}
    return yaml_text({"route": route, "receivers": [{"name": "default"}]})


def postgres_init(_catalog: Catalog) -> str:
    """What a new database begins with. It names no service, so that a new one does not restart the database."""
    return (
        "-- Runs once, on an empty data directory; it may be run again.\n"
        "-- pgvector where the image has it: the official one has not.\n"
        "SELECT 'CREATE EXTENSION vector' FROM pg_available_extensions\n"
        "  WHERE name = 'vector' AND installed_version IS NULL \\gexec\n"
        "CREATE SCHEMA IF NOT EXISTS app;\n"
        "CREATE SCHEMA IF NOT EXISTS memory;\n"
    )


def grafana_datasource(catalog: Catalog) -> str:
    """Grafana's data source: the platform's Prometheus."""
    port = next((service["port"] for service in catalog.entries if service.name == "prometheus"), 9090)
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://prometheus:{port}",
        "isDefault": True,
        "jsonData": {"timeInterval": f"{SCRAPE_INTERVAL_SECONDS}s"},
    }
    return yaml_text({"apiVersion": 1, "datasources": [source]})


DOCUMENTS: dict[str, Callable[[Catalog], str]] = {
    "alertmanager.yml": alertmanager,
    "alerts.yml": alerts,
    "grafana_datasource.yml": grafana_datasource,
    "oauth2-proxy.cfg": lambda catalog: login.configuration(catalog.login),
    "postgres_init.sql": postgres_init,
    "prometheus.yml": prometheus,
    "traefik.yml": edge.static,
    "traefik_dynamic.yml": edge.dynamic,
}
