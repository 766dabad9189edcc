# SPDX-License-Identifier: GPL-3.0-or-later
"""Has projects and deployments at Vercel as they are asked for.

`client` talks to the REST API; `project`, `environment_variables`, `domains` and `deployments` are its calls by
meaning. `plan`, `environment_plan`, `domain_plan` and `dns` are pure. `reconcile` reads, plans and writes a project.
`release` brings a source into production with `source`, `build` and `cli`; `switch` promotes and rolls back. `options`
is what the modules share.
"""
