"""Everything that the roles compute from facts, computed for a GH200 as Lambda delivers it."""

from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import pools, sources
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.packages import decide
from ansible_collections.sophia.platform.plugins.module_utils.host import support
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Installed
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import sources as driver_sources
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository

OPTIONS = {"version": "", "min_version": "20.10", "allow_upgrade": False, "replace": False}


def test_the_host_is_one_that_the_roles_know(gh200):
    assert support.problems(gh200["os_release"], gh200["machine"]) == []
    assert support.ARCHITECTURES[gh200["machine"]] == gh200["dpkg_architecture"]


def docker(gh200, source, **more):
    return sources.choose(
        source, gh200["os_release"], gh200["machine"], repository_url="https://download.docker.com/linux", **more
    )


def test_dockers_repository(gh200):
    text = next(file.text for file in docker(gh200, "docker").files if file.path == sources.REPOSITORY_PATH)
    assert "URIs: https://download.docker.com/linux/ubuntu\nSuites: jammy\n" in text
    assert "Architectures: arm64\n" in text


def test_lambdas_own_engine_is_kept_and_held(gh200):
    have = {name: Installed(version, held=False) for name, version in gh200["packages"].items()}
    for kind in ("preinstalled", "distribution"):
        plan = decide(kind, docker(gh200, kind, installed=have), OPTIONS, have, {}, containers_count=1)
        assert (plan.install, plan.problems) == ({}, []), kind
        assert plan.hold == ["docker.io", "containerd", "runc"], kind
    refused = decide("docker", docker(gh200, "docker"), OPTIONS, have, {}, containers_count=1)
    assert "docker.io 24.0.7" in refused.problems[0] and "docker_replace" in refused.problems[0]


def test_the_default_pool_leaves_the_providers_network_alone(gh200):
    routes = pools.parse_routes(gh200["routes"])
    assert [str(network) for _interface, network in routes] == ["172.26.20.0/22"]
    assert (
        pools.problems([{"base": "10.201.0.0/16", "size": 24}], routes, set(), ["172.26.0.0/16", "10.12.0.0/16"]) == []
    )
    engines_own = [{"base": "172.26.0.0/16", "size": 16}]
    assert "172.26.20.0/22 through enp230s0" in pools.problems(engines_own, routes, set(), [])[0]


def test_the_toolkits_repository(gh200):
    architecture = support.ARCHITECTURES[gh200["machine"]]
    repository = toolkit_repository.Repository("https://nvidia.github.io/libnvidia-container", architecture)
    assert repository.address == "https://nvidia.github.io/libnvidia-container/stable/deb/arm64/"
    assert "Architectures: arm64\n" in repository.sources()
    assert "Pin: origin nvidia.github.io\nPin-Priority: 1002\n" in repository.pin


def test_nvidias_archive_calls_the_machine_sbsa(gh200):
    wanted = {"repository_url": "https://developer.download.nvidia.com/compute/cuda/repos"}
    assert driver_sources.nvidia_repository(gh200, wanted).endswith("/repos/ubuntu2204/sbsa")


def test_the_drivers_packages_are_the_open_ones_for_the_64k_kernel(gh200):
    wanted = {"branch": "580"}
    assert driver_sources.alternatives(gh200, wanted, driver_sources.LAMBDA) == [["nvidia-driver-580-server-open"]]
    assert driver_sources.flavours(gh200)[0] == "nvidia-64k-hwe-22.04", "6.8 came to 22.04 as an enablement kernel"
    for packages in driver_sources.alternatives(gh200, wanted, driver_sources.UBUNTU):
        assert any(name.endswith("-open") or "-open-" in name for name in packages), packages
