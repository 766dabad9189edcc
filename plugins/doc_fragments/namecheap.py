# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all modules for Namecheap take."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach the API, and as whom."""

    DOCUMENTATION = r"""
options:
  domain:
    description:
      - The registered domain, such as V(example.com) or V(example.co.uk); never a name below it.
      - It is split at its first dot for the API, so no list of public suffixes is needed. Write an IDN as C(xn--…).
    type: str
    required: true
  sld:
    description:
      - The first half of O(domain), for the odd zone that is split elsewhere (a FreeDNS zone V(a.example.com) is
        V(a.example) and V(com)). Together with O(tld).
    type: str
  tld:
    description: The second half of O(domain). Together with O(sld).
    type: str
  api_url:
    description: The API's address. The sandbox, with its own accounts and keys, is
      V(https://api.sandbox.namecheap.com/xml.response). Environment variable E(NAMECHEAP_API_URL).
    type: str
    default: https://api.namecheap.com/xml.response
  api_user:
    description: The account that owns the key. Environment variable E(NAMECHEAP_API_USER).
    type: str
    required: true
  api_key:
    description:
      - The key. Environment variable E(NAMECHEAP_API_KEY). It is sent in the body of requests only, and is in no
        message.
    type: str
    required: true
  user_name:
    description: The account to work on, when it is not that of O(api_user).
    type: str
  client_ip:
    description:
      - The IPv4 address that the API is told; it needs one and hardly looks at it, V(127.0.0.1) works. Environment
        variable E(NAMECHEAP_CLIENT_IP).
      - The address that calls really come from must be on the account's allow-list (Profile > Tools > API Access).
    type: str
    required: true
  timeout_seconds:
    description: How long one call may take, in seconds.
    type: int
    default: 60
  calls_per_minute:
    description:
      - How many calls a minute the key may make, counted over all runs of one user on one control node; a run waits
        only when they are used up.
    type: int
    default: 20
"""
