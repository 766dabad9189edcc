"""daemon.json: one owner, fragments of others, and what a running engine says of it."""

import json

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import (
    SettingsError,
    merge,
    problems_of,
    render,
    render_environment,
)

BASE = {"log-driver": "json-file", "log-opts": {"max-size": "20m"}, "registry-mirrors": [], "metrics-addr": ""}


def fragment(name, **settings):
    return {"name": name, "settings": {key.replace("_", "-"): value for key, value in settings.items()}}


def test_fragments_are_merged_and_empty_values_left_out():
    gpu = fragment("gpu", runtimes={"nvidia": {"path": "nvidia-container-runtime"}}, node_generic_resources=["G=1"])
    logs = fragment("logs", log_opts={"max-file": "3"}, node_generic_resources=["G=1", "G=2"], debug=False)
    assert json.loads(render(merge(BASE, [gpu, logs]))) == {
        "log-driver": "json-file",
        "log-opts": {"max-size": "20m", "max-file": "3"},
        "runtimes": {"nvidia": {"path": "nvidia-container-runtime"}},
        "node-generic-resources": ["G=1", "G=2"],
        "debug": False,
    }


@pytest.mark.parametrize(
    ("fragments", "words"),
    [
        ([fragment("a", log_driver="local")], ["log-driver", "the docker role", "a", "'local'"]),
        ([fragment("a", log_opts={"max-size": "1m"})], ["log-opts.max-size", "the docker role"]),
        ([fragment("a", debug=True), fragment("b", debug={"x": 1})], ["debug", "for a", "for b"]),
        ([fragment("a", live_restore=True)], ["live-restore", "(a)", "Swarm"]),
        ([fragment("a", hosts=["fd://"])], ["hosts", "unit"]),
        ([fragment("a", log_opts={"max-file": 5})], ["log-opts.max-file", "quote"]),
    ],
)
def test_refused(fragments, words):
    with pytest.raises(SettingsError) as error:
        merge(BASE, fragments)
    assert [word for word in words if word not in str(error.value)] == []


def test_environment():
    assert render_environment({}) == ""
    text = render_environment({"NO_PROXY": 'a "b"', "A": "50%"})
    assert text == '[Service]\nEnvironment="A=50%%"\nEnvironment="NO_PROXY=a \\"b\\""\n'
    with pytest.raises(SettingsError, match="A B"):
        render_environment({"A B": "x"})


INFO = {
    "ServerVersion": "26.1.5+dfsg1",
    "Driver": "overlay2",
    "LoggingDriver": "json-file",
    "DefaultAddressPools": [{"Base": "10.201.0.0/16", "Size": 24}],
    "RegistryConfig": {
        "IndexConfigs": {"docker.io": {"Secure": True}, "registry.lab:5000": {"Secure": False}},
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "Mirrors": ["https://mirror/"],
    },
    "GenericResources": [{"NamedResourceSpec": {"Kind": "NVIDIA-GPU", "Value": "GPU-1"}}],
}


@pytest.mark.parametrize(
    ("settings", "version", "words"),
    [
        ({"log-driver": "json-file", "insecure-registries": ["registry.lab:5000"]}, "26.1.5", []),
        ({"registry-mirrors": ["https://mirror"], "node-generic-resources": ["NVIDIA-GPU=GPU-1"]}, "26.1", []),
        ({"default-address-pools": [{"base": "10.201.0.0/16", "size": 24}]}, "26.1.5+dfsg1-9", []),
        ({"log-driver": "local"}, "", ["log-driver is 'json-file'"]),
        ({"node-generic-resources": ["NVIDIA-GPU=GPU-2"]}, "", ["lacks NVIDIA-GPU=GPU-2"]),
        ({}, "29.8.0", ["26.1.5+dfsg1", "29.8.0"]),
    ],
)
def test_running_engine(settings, version, words):
    problems = problems_of(settings, version, INFO)
    assert len(problems) == (1 if words else 0)
    assert [word for word in words if word not in problems[0]] == []
