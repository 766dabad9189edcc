"""config.toml of the container toolkit: our keys change, every other byte stays."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_config
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_config import (
    ConfigError,
    Edit,
    edited,
    edits_for,
    resource_of,
    value_of,
)

OURS = "DOCKER_RESOURCE_NVIDIA-GPU"
# What 1.20.0 writes (gh200_hosts.md §3.2).
DEFAULT = """\
#accept-nvidia-visible-devices-as-volume-mounts = false
#accept-nvidia-visible-devices-envvar-when-unprivileged = true
disable-require = false
supported-driver-capabilities = "compat32,compute,display,graphics,ngx,utility,video"
#swarm-resource = "DOCKER_RESOURCE_GPU"

[nvidia-container-cli]
#debug = "/var/log/nvidia-container-toolkit.log"
environment = []
#ldcache = "/etc/ld.so.cache"
ldconfig = "@/sbin/ldconfig.real"
load-kmods = true
#no-cgroups = false
#path = "/usr/bin/nvidia-container-cli"
#root = "/run/nvidia/driver"
#user = "root:video"

[nvidia-container-runtime]
#debug = "/var/log/nvidia-container-runtime.log"
log-level = "info"
mode = "auto"
runtimes = ["runc", "crun"]

[nvidia-container-runtime.modes]

[nvidia-container-runtime.modes.cdi]
annotation-prefixes = ["cdi.k8s.io/"]
default-kind = "nvidia.com/gpu"
spec-dirs = ["/etc/cdi", "/var/run/cdi"]

[nvidia-container-runtime.modes.csv]
mount-spec-path = "/etc/nvidia-container-runtime/host-files-for-container.d"

[nvidia-container-runtime.modes.legacy]
cuda-compat-mode = "ldconfig"

[nvidia-container-runtime-hook]
path = "nvidia-container-runtime-hook"
skip-mode-detection = false

[nvidia-ctk]
path = "nvidia-ctk"
"""
SET = DEFAULT.replace('#swarm-resource = "DOCKER_RESOURCE_GPU"', f'swarm-resource = "{OURS}"')

# Keys, comments and layouts of somebody else.
FOREIGN = """\
# Kept by hand. swarm-resource = is set further down
  site-note = 'a # that is no comment'   # but this is
accept-nvidia-visible-devices-envvar-when-unprivileged = false # hardened
supported-driver-capabilities = [
  "compute",  # [nvidia-ctk]
  ["utility"]
]
text = \"\"\"
[nvidia-container-runtime]
swarm-resource = "not here"
\"\"\"
\tswarm-resource='DOCKER_RESOURCE_GPU'\t# the old one

[ nvidia-container-runtime ]   # ours
mode = "legacy"
swarm-resource = "in the wrong table"

[[plugins]]
name = "a"
[[plugins]]
name = "b"
no-newline-at-the-end = true"""
FOREIGN_SET = (
    FOREIGN.replace("unprivileged = false #", "unprivileged = true #")
    .replace("swarm-resource='DOCKER_RESOURCE_GPU'", f'swarm-resource="{OURS}"')
    .replace('mode = "legacy"', 'mode = "auto"')
)


def brought(text, mode="auto"):
    return edited(text, edits_for(text, OURS, mode))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(DEFAULT, SET, id="the default of 1.20.0"),
        pytest.param(SET, SET, id="converged"),
        pytest.param(FOREIGN, FOREIGN_SET, id="foreign keys and layout"),
        pytest.param(DEFAULT.replace("\n", "\r\n"), SET.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param("", f'swarm-resource = "{OURS}"\n', id="no file"),
        pytest.param("[nvidia-ctk]\n", f'swarm-resource = "{OURS}"\n[nvidia-ctk]\n', id="no key at the top"),
        pytest.param("a = 1", f'a = 1\nswarm-resource = "{OURS}"\n', id="no line end"),
        pytest.param(
            "x = [\n  1,\n]\n\n[t]\ny = 2\n",
            f'x = [\n  1,\n]\nswarm-resource = "{OURS}"\n\n[t]\ny = 2\n',
            id="behind a list",
        ),
    ],
)
def test_golden_bytes(before, after):
    assert brought(before) == after
    assert brought(after) == after


def test_without_tomllib_it_is_the_same(monkeypatch):
    monkeypatch.setattr(toolkit_config, "tomllib", None)
    assert brought(DEFAULT) == SET
    assert brought(FOREIGN) == FOREIGN_SET
    with pytest.raises(ConfigError, match="line 2"):
        brought("a = 1\nnonsense\n")


# What a package's installation does to the key (`nvidia-ctk config --in-place`), by version: gh200_hosts.md §3.2.
@pytest.mark.parametrize(
    ("line", "keys"),
    [
        pytest.param('#swarm-resource = "DOCKER_RESOURCE_GPU"', ["swarm-resource"], id="commented again (to 1.19.1)"),
        pytest.param('swarm-resource = "DOCKER_RESOURCE_GPU"', ["swarm-resource"], id="the default, kept (1.20.0)"),
        pytest.param(f'swarm-resource = "{OURS}"', [], id="ours, kept by every version"),
        pytest.param(f'swarm-resource = "DOCKER_RESOURCE_GPU,{OURS}"', ["swarm-resource"], id="a list"),
        pytest.param(f'# swarm-resource = "{OURS}"', ["swarm-resource"], id="ours, but off"),
    ],
)
def test_after_an_installation(line, keys):
    text = DEFAULT.replace('#swarm-resource = "DOCKER_RESOURCE_GPU"', line)
    assert [edit.key for edit in edits_for(text, OURS, "auto")] == keys
    assert value_of(brought(text), "", "swarm-resource") == OURS
    assert brought(text) == SET


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        (DEFAULT, "legacy", 'mode = "legacy"'),
        ("[nvidia-container-runtime]\n", "legacy", '[nvidia-container-runtime]\nmode = "legacy"\n'),
        ("a = 1\n", "legacy", '\n[nvidia-container-runtime]\nmode = "legacy"\n'),
        (DEFAULT.replace('"auto"', '"csv"'), "auto", 'mode = "auto"'),
    ],
)
def test_mode(text, mode, expected):
    assert expected in brought(text, mode)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[unclosed\n", "line 1"),
        ('swarm-resource = "a\n', "line 1"),
        ("swarm-resource = 'a'\nswarm-resource = 'b'\n", "line 2"),
        ("[t]\n[u]\n[t]\n", "line 3"),
        ("a = [1,\n", "not closed"),
        ("a = 1]\n", "line 1"),
        ('swarm-resource = [\n  "a"\n]\n', "more than one text"),
        (
            'nvidia-container-runtime.mode = "legacy"\n[nvidia-container-runtime]\nmode = "legacy"\n',
            "mode|overwrite|twice",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        brought(text)


def test_an_edit_that_touches_others_is_refused(monkeypatch):
    monkeypatch.setattr(toolkit_config, "_apply", lambda text, edit: f"{edit.key} = {edit.literal}\n")
    with pytest.raises(ConfigError, match="keys of others"):
        edited(DEFAULT, [Edit("", "swarm-resource", f'"{OURS}"')])


def test_swarm_writes_the_kind_in_capitals():
    assert resource_of("nvidia-gpu") == OURS
