# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated GPU of the lab: a stand-in for NVIDIA's driver and container toolkit. Nothing here is NVIDIA's."""
