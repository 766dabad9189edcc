# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clouds: Namecheap, Pulumi ESC, Lambda Cloud, Vercel and the APIs whose keys are checked. Stand-ins."""
