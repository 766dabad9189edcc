# SPDX-License-Identifier: GPL-3.0-or-later
"""What Lambda Cloud has: regions, instance types and images. Prices and sizes other than the GH200's are made up."""

from __future__ import annotations

import uuid

REGIONS = {
    "us-west-1": "California, USA",
    "us-west-2": "Arizona, USA",
    "us-west-3": "Utah, USA",
    "us-south-1": "Texas, USA",
    "us-south-2": "North Texas, USA",
    "us-south-3": "Central Texas, USA",
    "us-midwest-1": "Illinois, USA",
    "us-midwest-2": "Ohio, USA",
    "us-east-1": "Virginia, USA",
    "us-east-2": "Georgia, USA",
    "us-east-3": "Washington DC, USA",
    "europe-central-1": "Germany",
    "asia-south-1": "India",
    "asia-northeast-1": "Osaka, Japan",
    "asia-northeast-2": "Tokyo, Japan",
    "me-west-1": "Israel",
    "australia-east-1": "Australia",
}
WITHOUT_FIREWALL = "us-south-1"

# name: (description, GPU, cents an hour, vCPUs, memory in GiB, storage in GiB, GPUs)
_TYPES = {
    "gpu_1x_gh200": ("1x GH200 (96 GB)", "GH200 (96 GB)", 229, 64, 432, 4096, 1),
    "gpu_1x_a10": ("1x A10 (24 GB PCIe)", "A10 (24 GB PCIe)", 75, 30, 200, 1400, 1),
    "gpu_1x_h100_pcie": ("1x H100 (80 GB PCIe)", "H100 (80 GB PCIe)", 249, 26, 200, 1024, 1),
    "gpu_8x_h100_sxm5": ("8x H100 (80 GB SXM5)", "H100 (80 GB SXM5)", 2392, 208, 1800, 22528, 8),
}

# type: {region: instances that can be launched, -1 without an end}; elsewhere there are none
CAPACITY = {
    "gpu_1x_gh200": {"us-east-3": -1},
    "gpu_1x_a10": {"us-east-1": 8, "us-west-1": 2, "us-south-1": 2},
    "gpu_1x_h100_pcie": {"us-west-3": 1},
    "gpu_8x_h100_sxm5": {},
}

# (family, version, description, architectures, release), the oldest of a family first
_IMAGES = (
    ("lambda-stack-22-04", "22.4.5-2041", "Lambda Stack 22.04", ("x86_64", "arm64"), "2026-03-02T00:00:00.000Z"),
    ("lambda-stack-22-04", "22.4.5-2141", "Lambda Stack 22.04", ("x86_64", "arm64"), "2026-05-11T00:00:00.000Z"),
    ("lambda-stack-24-04", "24.4.4-2041", "Lambda Stack 24.04", ("x86_64", "arm64"), "2026-03-02T00:00:00.000Z"),
    ("lambda-stack-24-04", "24.4.4-2141", "Lambda Stack 24.04", ("x86_64", "arm64"), "2026-05-11T00:00:00.000Z"),
    ("gpu-base-24-04", "24.4.4-2141", "GPU Base 24.04", ("x86_64",), "2026-05-11T00:00:00.000Z"),
    ("ubuntu-lts", "24.04.2", "Ubuntu Server LTS", ("x86_64", "arm64"), "2026-02-20T00:00:00.000Z"),
)
DEFAULT_FAMILY = "lambda-stack-22-04"  # "Ubuntu 22.04 as the default, 24.04 selectable" (reference §5)
_NAMESPACE = uuid.UUID("6f1f5c7e-3f0c-4d0c-9d55-2f1f6f0b7a11")


def region(name: str) -> dict:
    """A region as the API shows it."""
    return {"name": name, "description": REGIONS[name]}


def instance_types(price_cents: dict[str, int]) -> dict[str, dict]:
    """All instance types, by name. price_cents: prices that differ from the usual ones."""
    return {
        name: {
            "name": name,
            "description": description,
            "gpu_description": gpu,
            "price_cents_per_hour": price_cents.get(name, price),
            "specs": {"vcpus": vcpus, "memory_gib": memory, "storage_gib": storage, "gpus": gpus},
        }
        for name, (description, gpu, price, vcpus, memory, storage, gpus) in _TYPES.items()
    }


def architecture(instance_type: str) -> str:
    """The API does not tell it: Grace is arm64 (reference §5)."""
    return "arm64" if any(name in instance_type for name in ("gh200", "gb200", "gb300")) else "x86_64"


def images(without: list[dict]) -> list[dict]:
    """All images, a row for each region; an image has one id in all. without: {field: value} of images left out."""
    rows = []
    for family, version, description, architectures, released in _IMAGES:
        for cpu in architectures:
            row = {
                "id": str(uuid.uuid5(_NAMESPACE, f"{family} {version} {cpu}")),
                "created_time": released,
                "updated_time": released,
                "name": description if cpu == "x86_64" else f"{description} (arm64)",
                "description": f"{description}, {version}",
                "family": family,
                "version": version,
                "architecture": cpu,
            }
            rows += [{**row, "region": region(name)} for name in REGIONS]
    return [row for row in rows if not any(_is(row, hidden) for hidden in without)]


def _is(row: dict, wanted: dict) -> bool:
    shown = {**row, "region": row["region"]["name"]}
    return all(shown[name] == value for name, value in wanted.items())
