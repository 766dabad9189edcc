# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS records of domains at Namecheap: the API's client, the plan of a zone, and the careful write."""
