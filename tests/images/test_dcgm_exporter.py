"""The stand-in for dcgm-exporter: what Prometheus scrapes from it."""

from __future__ import annotations

import re
import time
import urllib.request

SERIES = re.compile(r'(DCGM_FI_\w+)\{((?:\w+="[^"]*",?)+)\} (\d+(?:\.\d+)?)')
LABELS = ("gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION")
USED_BY_DASHBOARDS = {
    *(f"DCGM_FI_DEV_{name}" for name in ("GPU_UTIL", "FB_USED", "FB_FREE", "FB_RESERVED", "GPU_TEMP", "MEMORY_TEMP")),
    *(
        f"DCGM_FI_DEV_{name}"
        for name in ("POWER_USAGE", "TOTAL_ENERGY_CONSUMPTION", "SM_CLOCK", "MEM_CLOCK", "XID_ERRORS")
    ),
    *(
        f"DCGM_FI_DEV_{name}"
        for name in ("UNCORRECTABLE_REMAPPED_ROWS", "CORRECTABLE_REMAPPED_ROWS", "ROW_REMAP_FAILURE")
    ),
    *(f"DCGM_FI_PROF_{name}" for name in ("GR_ENGINE_ACTIVE", "PIPE_TENSOR_ACTIVE", "DRAM_ACTIVE", "PCIE_TX_BYTES")),
}


def get(container, port: int, path: str) -> str:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://{container.address}:{port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < deadline, container.log
            time.sleep(0.1)


def series(text: str) -> list[tuple[str, dict[str, str], float]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = [SERIES.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found) if not match]
    return [(match[1], dict(re.findall(r'(\w+)="([^"]*)"', match[2])), float(match[3])) for match in found]


def test_dcgm_exporter_serves_what_the_catalog_scrapes(start, catalog):
    service = catalog["dcgm-exporter"]
    options = ("--hostname", "gh200-a", "--cap-drop", "ALL", "--cap-add", "SYS_ADMIN")
    with start("dcgm-exporter", environment=service["environment"], options=options) as container:
        found = series(get(container, 9400, "/metrics"))
        assert {name for name, _labels, _value in found} >= USED_BY_DASHBOARDS
        assert len({labels["UUID"] for _name, labels, _value in found}) == 1
        assert {tuple(labels) for _name, labels, _value in found} == {LABELS}
        assert {labels["Hostname"] for _name, labels, _value in found} == {"gh200-a"}
        values = {name: value for name, _labels, value in found}
        memory = [values[f"DCGM_FI_DEV_FB_{name}"] for name in ("USED", "FREE", "RESERVED")]
        assert sum(memory) == 97871
        assert get(container, 9400, "/health") == "OK"
        container.stop()
        assert container.inspect("{{.State.ExitCode}}") == "0", container.log


def test_dcgm_exporter_shows_the_gpus_that_it_was_given(start):
    uuids = [f"GPU-0000000{number}-0000-0000-0000-000000000000" for number in (1, 2)]
    environment = {"NVIDIA_VISIBLE_DEVICES": ",".join(uuids), "DCGM_EXPORTER_LISTEN": ":9500"}
    with start("dcgm-exporter", environment=environment) as container:
        found = series(get(container, 9500, "/metrics"))
        assert [labels["UUID"] for name, labels, _value in found if name == "DCGM_FI_DEV_GPU_UTIL"] == uuids


def test_dcgm_exporter_carries_the_version_that_the_catalog_names(start, catalog):
    version = catalog["dcgm-exporter"]["image"].rpartition(":")[2].removesuffix("-distroless")
    with start("dcgm-exporter", "--version") as container:
        assert container.ended() == 0
        assert version in container.log
        assert f" {version} " in container.inspect('{{index .Config.Labels "ai.sophia.stand-in"}}')
