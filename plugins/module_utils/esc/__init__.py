# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulumi ESC: its API, what an opened environment holds, and changes of a definition.

names (who, where) · client (HTTP) → answers (what an error means) · session → values (an opened environment, once)
want (a task's options) → definition (plan) → yaml_text, edit (the text) · environment (read, change, read again) · oidc
"""
