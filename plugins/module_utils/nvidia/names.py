# SPDX-License-Identifier: GPL-3.0-or-later
"""The one name that catalog, engine, toolkit and Swarm must agree on."""

# Not the toolkit's default kind, GPU: its configuration file comments a default value out again (gh200_hosts.md §0.5).
GPU_KIND = "NVIDIA-GPU"
