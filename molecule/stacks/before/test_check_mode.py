"""Check mode for a stack on a host that is in no Swarm."""

import pytest

testinfra_hosts = ["ansible://mol-1"]


def test_predicts_a_new_stack(host, playbook):
    if host.exists("docker") and "demo_web" in host.run("docker service ls").stdout:
        pytest.skip("the stack runs already: this is no first run")
    run = playbook("molecule/stacks/stack.yml", "--check", "--diff")
    assert (run.status, run.failed, run.changed) == (0, 0, 1), run.text
    assert "not-for-any-log" not in run.text
