"""What must change at Vercel: settings, variables, domains, and the records that DNS must hold."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.vercel import dns, domain_plan, environment_plan, plan

KEY = "fingerprint-key"


def variable(key="A", value="one", kind="encrypted", target=("production", "preview"), comment=""):
    return {"key": key, "value": value, "type": kind, "target": list(target), "comment": comment}


def stored(number=1, **fields):
    """A variable as the API lists it, made by an earlier run."""
    body = environment_plan.body(variable(**fields), KEY)
    return {**body, "value": "ciphertext", "id": f"env_{number}"}


def made(have, want, purge=False):
    found = environment_plan.make(have, want, KEY, purge)
    return (
        [entry["id"] for entry in found.deletes],
        [(old["id"], entry["target"], entry["type"]) for old, entry in found.updates],
        [(entry["key"], entry["target"], entry["type"]) for entry in found.creates],
    )


P, V, D = "production", "preview", "development"


@pytest.mark.parametrize(
    ("have", "want", "expected"),
    [
        pytest.param([], [], ([], [], []), id="nothing"),
        pytest.param([stored()], [variable()], ([], [], []), id="the same"),
        pytest.param([stored(target=(V, P))], [variable(target=(P, V))], ([], [], []), id="another order of targets"),
        pytest.param([], [variable()], ([], [], [("A", [P, V], "encrypted")]), id="new"),
        pytest.param([stored()], [variable(value="two")], ([], [("env_1", [P, V], "encrypted")], []), id="value"),
        pytest.param([stored()], [variable(comment="x")], ([], [("env_1", [P, V], "encrypted")], []), id="comment"),
        pytest.param([stored(kind="plain")], [variable()], ([], [("env_1", [P, V], "encrypted")], []), id="type"),
        pytest.param(
            [stored()], [variable(kind="sensitive")], ([], [("env_1", [P, V], "sensitive")], []), id="to sensitive"
        ),
        pytest.param(
            [stored(kind="sensitive")],
            [variable()],
            (["env_1"], [], [("A", [P, V], "encrypted")]),
            id="from sensitive it is made anew",
        ),
        pytest.param(
            [{**stored(), "type": "secret"}],
            [variable()],
            (["env_1"], [], [("A", [P, V], "encrypted")]),
            id="from the old kind secret",
        ),
        pytest.param([stored()], [variable(target=(P,))], ([], [("env_1", [P], "encrypted")], []), id="fewer targets"),
        pytest.param(
            [stored(1, target=(P, V, D))],
            [variable(target=(P,)), variable(value="dev", target=(D,))],
            ([], [("env_1", [P], "encrypted")], [("A", [D], "encrypted")]),
            id="split in two",
        ),
        pytest.param(
            [stored(1, target=(P,)), stored(2, target=(V,))],
            [variable(target=(P, V))],
            (["env_2"], [("env_1", [P, V], "encrypted")], []),
            id="two become one",
        ),
        pytest.param(
            [stored(1, target=(P, V)), stored(2, target=(D,))],
            [variable(target=(P,)), variable(target=(D, V))],
            ([], [("env_1", [P], "encrypted"), ("env_2", [V, D], "encrypted")], []),
            id="room is made first",
        ),
        pytest.param([stored(key="B")], [variable()], ([], [], [("A", [P, V], "encrypted")]), id="others stay"),
        pytest.param(
            [{**stored(), "gitBranch": "x"}, {**stored(2), "customEnvironmentIds": ["c"]}],
            [variable()],
            ([], [], [("A", [P, V], "encrypted")]),
            id="those of branches and custom environments are not ours",
        ),
        pytest.param(
            [{**stored(), "comment": None}], [variable()], ([], [("env_1", [P, V], "encrypted")], []), id="by hand"
        ),
    ],
)
def test_variables(have, want, expected):
    assert made(have, want) == expected


def test_purge_deletes_what_is_not_listed_and_not_of_a_branch_or_of_vercel():
    have = [stored(1), stored(2, key="B"), {**stored(3, key="C"), "gitBranch": "x"}]
    have.append({**stored(4, key="D"), "type": "system"})
    assert made(have, [variable()], purge=True) == (["env_2"], [], [])


def test_a_fingerprint_depends_on_key_name_and_value_and_holds_neither():
    prints = {environment_plan.fingerprint(*what) for what in [("A", "x", KEY), ("B", "x", KEY), ("A", "y", KEY)]}
    prints.add(environment_plan.fingerprint("A", "x", "other"))
    assert len(prints) == 4
    assert environment_plan.body(variable(comment="why"), KEY)["comment"].startswith("why [sophia ")
    assert "one" not in environment_plan.body(variable(), KEY)["comment"]


@pytest.mark.parametrize(
    ("want", "words"),
    [
        ([variable("1A")], "'1A' needs a name of letters"),
        ([variable(target=())], "A has no target"),
        ([variable(kind="sensitive", target=(P, D))], "only outside development"),
        ([variable(), variable(target=(P,))], "A is given 2 times for production"),
        ([variable(value="x" * 70000)], "production have 70001 bytes; Vercel allows 65536"),
        ([variable(comment="x" * 401)], "longer than 400 characters"),
        ([variable(comment="x [sophia 0123]")], "ends like a fingerprint"),
    ],
)
def test_wrong_variables(want, words):
    assert words in " ".join(environment_plan.problems(want))


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        ("correct horse battery", "sensitive", True),
        ("correct horse battery", "plain", False),  # Ansible would mask it in results, and it is no secret
        ("vercel", "encrypted", False),
        ("www.example.com", "encrypted", False),
    ],
)
def test_which_values_ansible_may_mask_in_results(value, kind, kept):
    want = {"name": "web", "domains": [{"name": "www.example.com", "redirect": None}]}
    want["environment_variables"] = [variable(value=value, kind=kind)]
    assert environment_plan.surely_secret(want) == ({value} if kept else set())


def domain(name, redirect=None, status=None):
    return {"name": name, "redirect": redirect, "status": status}


def attached(name, redirect=None, status=None):
    return {"name": name, "redirect": redirect, "redirectStatusCode": status}


@pytest.mark.parametrize(
    ("have", "want", "purge", "expected"),
    [
        ([], [domain("a.io")], False, (["a.io"], [], [])),
        ([attached("a.io")], [domain("a.io")], False, ([], [], [])),
        ([], [domain("www.a.io", "a.io"), domain("a.io")], False, (["a.io", "www.a.io"], [], [])),
        ([attached("a.io", "b.io", 308)], [domain("a.io")], False, ([], [("a.io", None, None)], [])),
        ([attached("a.io", "b.io", 307)], [domain("a.io", "b.io", 308)], False, ([], [("a.io", "b.io", 308)], [])),
        ([attached("a.io", "b.io", 307)], [domain("a.io", "b.io")], False, ([], [], [])),
        ([attached("a.io"), attached("web.vercel.app")], [], False, ([], [], [])),
        ([attached("a.io"), attached("b.io", "a.io"), attached("w.vercel.app")], [], True, ([], [], ["b.io", "a.io"])),
    ],
)
def test_domains(have, want, purge, expected):
    found = domain_plan.make(have, want, purge)
    updates = [(old["name"], body["redirect"], body.get("redirectStatusCode")) for old, body in found.updates]
    assert ([one["name"] for one in found.attaches], updates, [one["name"] for one in found.detaches]) == expected


@pytest.mark.parametrize(
    ("have", "want", "words"),
    [
        ([], [domain("a.io"), domain("a.io")], "a.io is given 2 times"),
        ([], [domain("*.a.io")], "needs Vercel's nameservers"),
        ([], [domain("https://a.io")], "'https://a.io' is no domain name"),
        ([], [domain("a.io", "a.io")], "redirects to itself"),
        ([attached("c.io")], [domain("a.io", "b.io")], "redirects to b.io, which is no domain of the project"),
        ([], [domain("a.io", None, 308)], "redirect_status and no redirect"),
    ],
)
def test_wrong_domains(have, want, words):
    assert words in " ".join(domain_plan.problems(have, want, purge=True))


def test_names_are_written_as_vercel_writes_them():
    told = [{"name": " WWW.Example.com. ", "redirect": "Example.com.", "redirect_status": 308}]
    assert domain_plan.cleaned(told) == [domain("www.example.com", "example.com", 308)]


RECOMMENDED = {
    "misconfigured": True,
    "configuredBy": None,
    "recommendedIPv4": [{"rank": 2, "value": ["76.76.21.21"]}, {"rank": 1, "value": ["216.198.79.1", "64.29.17.1"]}],
    "recommendedCNAME": [{"rank": 1, "value": "d1.vercel-dns-017.com."}, {"rank": 2, "value": "cname.vercel-dns.com."}],
}
PROOF = [{"type": "TXT", "domain": "_vercel.example.co.uk", "value": "vc-domain-verify=x,1"}]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"name": "example.co.uk", "verified": True}, [("@", "A", "216.198.79.1"), ("@", "A", "64.29.17.1")]),
        ({"name": "a.b.example.co.uk", "verified": True}, [("a.b", "CNAME", "d1.vercel-dns-017.com")]),
        (
            {"name": "www.example.co.uk", "verified": False, "verification": PROOF},
            [("www", "CNAME", "d1.vercel-dns-017.com"), ("_vercel", "TXT", "vc-domain-verify=x,1")],
        ),
        ({"name": "www.example.co.uk", "verified": True, "verification": PROOF}, [("www", "CNAME", None)]),
    ],
)
def test_records(found, expected):
    records = dns.records({"apexName": "example.co.uk", **found}, RECOMMENDED, 300)
    assert [(one["name"], one["type"]) for one in records] == [one[:2] for one in expected]
    assert all(value in (None, one["value"]) for (_name, _kind, value), one in zip(expected, records))
    assert {one["zone"] for one in records} == {"example.co.uk"}
    assert {one["ttl_seconds"] for one in records} == {300}


def test_without_a_recommendation_there_is_no_record():
    assert dns.records({"name": "a.io", "apexName": "a.io", "verified": True}, {}, 300) == []


@pytest.mark.parametrize(
    ("project", "wish", "expected"),
    [
        ({"framework": None}, {"framework": ""}, {}),
        ({"framework": "vite"}, {"framework": ""}, {"framework": None}),
        ({"framework": "vite"}, {}, {}),
        ({"nodeVersion": "20.x"}, {"node_version": "22.x"}, {"nodeVersion": "22.x"}),
        ({"nodeVersion": "20.x"}, {"node_version": ""}, {}),
        ({"ssoProtection": {"deploymentType": "all", "more": 1}}, {"sso_protection": "all"}, {}),
        ({"ssoProtection": {"deploymentType": "all"}}, {"sso_protection": "none"}, {"ssoProtection": None}),
        ({}, {"sso_protection": "none"}, {}),
        (None, {"root_directory": "web", "framework": ""}, {"rootDirectory": "web"}),
        (None, {"sso_protection": "none"}, {"ssoProtection": None}),
    ],
)
def test_settings(project, wish, expected):
    assert plan.settings(project, {**dict.fromkeys(plan.SETTINGS), **wish}) == expected


@pytest.mark.parametrize(
    ("change", "other"),
    [
        ({}, False),
        ({"buildCommand": "make"}, True),
        ({"ssoProtection": {"deploymentType": "all"}}, False),
        ({"updatedAt": 5}, False),
    ],
)
def test_a_build_depends_on_settings(change, other):
    project = {"framework": "vite", "buildCommand": None}
    assert (plan.fingerprint(project, []) != plan.fingerprint({**project, **change}, [])) is other


@pytest.mark.parametrize(
    ("target", "change", "other"),
    [((P,), {"updatedAt": 2}, True), ((V,), {"updatedAt": 2}, False), ((P,), {"value": "other ciphertext"}, False)],
)
def test_a_build_depends_on_the_variables_of_production(target, change, other):
    entry = {**stored(target=target), "updatedAt": 1}
    assert (plan.fingerprint({}, [entry]) != plan.fingerprint({}, [{**entry, **change}])) is other
