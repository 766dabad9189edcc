# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys stacks to a Docker Swarm and judges how that ended.

`engine`, `swarm` and `cli` talk to Docker. `compose`, `spec`, `lint`, `plan`, `judge`, `diffs`, `mask` and `status` are
pure. `lock`, `images`, `objects` and `release` each look after one kind of thing in the Swarm. `stack` compares, `roll`
carries out, `watch` waits for the verdict; `deploy` and `remove` put all of it together.
"""
