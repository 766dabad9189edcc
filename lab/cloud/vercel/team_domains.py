# SPDX-License-Identifier: GPL-3.0-or-later
"""The domains of teams and their DNS records, which count only where Vercel's name servers are used."""

from __future__ import annotations

import secrets

from lab.cloud.vercel.call import Call, page, typed
from lab.cloud.vercel.domain_rules import apex, check_name
from lab.cloud.vercel.errors import ApiError, forbidden, invalid, missing
from lab.cloud.vercel.state import identifier

_INTENDED = ["ns1.vercel-dns.com", "ns2.vercel-dns.com"]
_TYPES = ("A", "AAAA", "ALIAS", "CAA", "CNAME", "HTTPS", "MX", "NS", "SRV", "TXT")
_RECORD = ("name", "type", "value", "ttl", "mxPriority", "priority", "srv", "https", "comment")
_TTL_MIN, _TTL_MAX = 60, 86400


def ensure(call: Call, name: str) -> dict:
    """The team's record of an apex domain, made when there is none."""
    user = call.state.users[call.token["user"]]
    creator = {shown: user[shown] for shown in ("id", "username", "email")}
    return call.state.domains.setdefault(name, {**new(call.owner, name, call.stamp()), "creator": creator})


def new(owner: str, name: str, now: int, locked: bool = False) -> dict:
    """A domain of a team. locked: no other team may attach names under it."""
    return {
        "id": identifier("dom_"),
        "name": name,
        "ownerId": owner,
        "createdAt": now,
        "locked": locked,
        "creator": {"id": owner, "username": owner},
        "records": [],
        "token": secrets.token_hex(10),
    }


def listed(call: Call) -> dict:
    """GET /domains."""
    own = [one for one in call.state.domains.values() if one["ownerId"] == call.owner]
    return page(call, "domains", own, _shown)


def get(call: Call, name: str) -> dict:
    """GET /domains/{domain}."""
    return {"domain": _shown(_find(call, name))}


def add(call: Call, name: str = "") -> dict:
    """POST /domains {"name", "method": "add"}; the oldest form has the name in the path."""
    given = call.body("name", "method", "cdnEnabled", "zone")
    name = check_name(name or given.get("name"))
    if name != apex(name):
        raise invalid(f"{name} is no apex domain.", "invalid_domain")
    if given.get("method", "add") not in ("add", "transfer-in", "move-in"):
        raise invalid("Invalid request: `method` should be add, transfer-in or move-in.")
    known = call.state.domains.get(name)
    if known and known["ownerId"] != call.owner:
        if known["locked"]:
            raise forbidden(f"The domain {name} belongs to another team.", domain=name)
        raise ApiError(409, "domain_already_in_use", f"The domain {name} is in use by another team.", domain=name)
    return {"domain": _shown(ensure(call, name))}


def delete(call: Call, name: str) -> dict:
    """DELETE /domains/{domain}."""
    known = _find(call, name)
    del call.state.domains[name]
    return {"uid": known["id"]}


def records(call: Call, name: str) -> dict:
    """GET /domains/{domain}/records."""
    return page(call, "records", _find(call, name)["records"], sort="created")


def add_record(call: Call, name: str) -> dict:
    """POST /domains/{domain}/records."""
    known = _find(call, name)
    given = call.body(*_RECORD, required=("type",))
    _check_record({"name": "", **given})
    now = call.stamp()
    record = {"id": identifier("rec_"), "slug": "", "name": "", "ttl": _TTL_MIN, **given, "domain": name}
    known["records"].append({**record, "creator": call.token["user"], "created": now, "updated": now, "createdAt": now})
    return {"uid": record["id"], "updated": now}


def change_record(call: Call, record_id: str) -> dict:
    """PATCH /domains/records/{id}."""
    _known, record = _find_record(call, record_id)
    given = call.body(*_RECORD)
    _check_record({**record, **given})
    record.update(given, updated=call.stamp())
    return record


def get_record(call: Call, record_id: str) -> dict:
    """GET /domains/records/{id}."""
    return _find_record(call, record_id)[1]


def delete_record(call: Call, name: str, record_id: str) -> dict:
    """DELETE /domains/{domain}/records/{id}."""
    known, record = _find_record(call, record_id)
    if known["name"] != name:
        raise missing(f"The DNS record {record_id} was not found.")
    known["records"].remove(record)
    return {}


def verification(call: Call, name: str) -> dict:
    """GET /domains/{domain}/verification: the TXT record that takes a domain over."""
    known = call.state.domains.get(check_name(name))
    if known is None:
        raise _missing(name)
    value = f"vc-domain-verify={name},{known['token']}"
    return {"verified": known["ownerId"] == call.owner, "type": "TXT", "domain": f"_vercel.{name}", "value": value}


def claim(call: Call, name: str) -> dict:
    """POST /domains/{domain}/claim."""
    told = verification(call, name)
    if not told["verified"] and name not in call.state.published_txt:
        text = f'Domain {told["domain"]} is missing required TXT Record "{told["value"]}"'
        raise invalid(text, "missing_txt_record", domain=name)
    known = call.state.domains[name]
    known.update(ownerId=call.owner, locked=False)
    return {"domain": _shown(known)}


def _check_record(given: dict) -> None:
    typed(given, {"name": str, "type": str, "value": str, "ttl": int, "mxPriority": int, "comment": str})
    if given["type"] not in _TYPES:
        raise invalid(f"Invalid request: `type` should be one of {', '.join(_TYPES)}.")
    if not given.get("value") and given["type"] not in ("SRV", "HTTPS"):
        raise invalid("Invalid request: missing required property `value`.")
    ttl = given.get("ttl")
    if ttl is not None and not _TTL_MIN <= ttl <= _TTL_MAX:
        raise invalid(f"Invalid request: `ttl` should be from {_TTL_MIN} to {_TTL_MAX}.")


def _find(call: Call, name: str) -> dict:
    known = call.state.domains.get(name)
    if known is None:
        raise _missing(name)
    if known["ownerId"] != call.owner:
        raise forbidden(f"You don't have access to the domain {name}.", domain=name)
    return known


def _find_record(call: Call, record_id: str) -> tuple[dict, dict]:
    for known in call.state.domains.values():
        for record in known["records"]:
            if record["id"] == record_id and known["ownerId"] == call.owner:
                return known, record
    raise missing(f"The DNS record {record_id} was not found.")


def _missing(name: str) -> ApiError:
    return missing(f"The domain {name} was not found.", "domain_not_found", domain=name)


def _shown(known: dict) -> dict:
    """A team's domain as the API shows it."""
    shown = {name: known[name] for name in ("id", "name", "createdAt", "creator")}
    more = {"verified": True, "serviceType": "external", "nameservers": [], "intendedNameservers": _INTENDED}
    dates = dict.fromkeys(("expiresAt", "boughtAt", "transferredAt", "orderedAt", "configVerifiedAt"))
    return {**shown, **more, **dates, "teamId": known["ownerId"], "renew": False}
