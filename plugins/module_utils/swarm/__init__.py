# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys stacks to a Docker Swarm and judges how that ended.

`engine`, `swarm` and `cli` talk to Docker; `compose`, `spec`, `lint`, `plan`, `judge`, `mask` and `status` are pure; `lock`,
`images`, `objects` and `release` keep one kind of thing in the Swarm each; `deploy` and `remove` put them together.
"""
