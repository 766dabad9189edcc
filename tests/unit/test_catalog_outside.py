"""Checks and scrape targets."""

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog import generated, outside, tree
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read
from ansible_collections.sophia.platform.plugins.module_utils.verify import probes
from catalog_fixtures import of_environment, platform

LAB = read(of_environment("lab"))


def test_platform_verify_takes_every_check():
    found = outside.checks(LAB)
    assert [probes.problem(check) for check in found] == [None] * len(found)
    names = [check["name"] for check in found]
    assert len(names) == len(set(names)) > 30


@pytest.mark.parametrize(
    ("port", "url"), [(443, "https://mcp.example.org/a/mcp"), (8443, "https://mcp.example.org:8443/a/mcp")]
)
def test_an_mcp_server_is_checked_by_a_session_and_a_call(port, url):
    entry = {"name": "a", "stack": "s", "image": "x/y:1", "port": 1, "route": {"host": "mcp", "path": "/a"}}
    entry |= {"secrets": ["t"], "mcp": {"token": "t", "verify_tool": "count", "verify_arguments": {"n": 1}}}
    _service, session, call = outside.checks(read(platform(services=[entry], edge_https_port=port)))
    assert (session["kind"], session["url"], session["token_secret"]) == ("mcp", url, "t")
    assert (call["kind"], call["url"], call["tool"], call["arguments"]) == ("mcp_call", url, "count", {"n": 1})


def test_what_operators_only_may_see_is_checked_with_their_password():
    (check,) = [check for check in outside.checks(LAB) if check["kind"] == "prometheus_targets"]
    assert check["basic_auth"] == {"username": "operator", "secret": "operators_password"}
    assert (check["jobs"]["github"], check["jobs"]["backend"], check["jobs"]["node-exporter"]) == (1, None, None)


def test_every_service_with_metrics_is_scraped_and_missed():
    jobs = [service.name for service in LAB.entries if service["metrics"]]
    assert [target["job"] for target in generated.scrape_targets(LAB)] == jobs
    assert [job["job_name"] for job in yaml.safe_load(generated.prometheus(LAB))["scrape_configs"]] == jobs
    rules = yaml.safe_load(generated.alerts(LAB))["groups"][1]["rules"]
    assert [rule["labels"]["service"] for rule in rules] == jobs
    assert 'count(up{job="backend"} == 1) or vector(0)) < 2' in str(rules)


def test_a_new_service_leaves_the_databases_config_alone():
    assert generated.postgres_init(LAB) == generated.postgres_init(read(platform()))


def test_a_directory_of_documents_is_written_compared_and_emptied(tmp_path):
    assert tree.read(tmp_path / "none") == {}
    first, second = {"a/b.yml": "one\n", "c.yml": "two\n"}, {"a/b.yml": "three\n", "d.yml": "four\n"}
    tree.write(tmp_path, {}, first)
    assert tree.read(tmp_path) == first
    assert [item["before_header"] for item in tree.differences(first, second)] == ["a/b.yml", "c.yml", "d.yml (absent)"]
    tree.write(tmp_path, first, second)
    assert tree.read(tmp_path) == second
    assert tree.differences(second, second) == []


def test_keys_to_check_come_with_their_values_and_addresses():
    keys = [{"service": "slack", "secret": "slack_token"}, {"service": "weaviate", "secret": "w"}]
    found = outside.api_keys(read(platform(api_keys=keys)), {"slack_token": "s"}, {"weaviate": "https://w.example"})
    assert found == [
        {"service": "slack", "name": "slack_token", "key": "s"},
        {"service": "weaviate", "name": "w", "key": "", "base_url": "https://w.example"},
    ]
