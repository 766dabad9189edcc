# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a project, and in which form."""

from __future__ import annotations

import re

from lab.cloud.vercel.call import typed
from lab.cloud.vercel.errors import invalid

_TEXT = ("buildCommand", "devCommand", "installCommand", "outputDirectory", "rootDirectory", "framework")
_TEXT = (*_TEXT, "commandForIgnoringBuildStep", "serverlessFunctionRegion")
_SWITCHES = ("previewDeploymentsDisabled", "publicSource", "enableAffectedProjectsDeployments")
_OBJECTS = ("resourceConfig", "oidcTokenConfig", "ssoProtection", "passwordProtection", "trustedIps")
_SHARED = ("name", *_TEXT, *_SWITCHES, *_OBJECTS)
CREATED = (*_SHARED, "gitRepository", "environmentVariables", "skipGitConnectDuringLink")
_CHANGED_SWITCHES = (
    "autoAssignCustomDomains",
    "autoExposeSystemEnvs",
    "customerSupportCodeVisibility",
    "directoryListing",
    "gitForkProtection",
    "gitLFS",
    "productionDeploymentsFastLane",
    "protectedSourcemaps",
    "sourceFilesOutsideRootDirectory",
)
CHANGED = (*_SHARED, *_CHANGED_SWITCHES, "nodeVersion", "skewProtectionMaxAge")
_FRAMEWORKS = [
    "angular",
    "astro",
    "blitzjs",
    "create-react-app",
    "docusaurus",
    "docusaurus-2",
    "eleventy",
    "express",
    "fastapi",
    "fastify",
    "flask",
    "gatsby",
    "hono",
    "hugo",
    "jekyll",
    "nestjs",
    "nextjs",
    "nitro",
    "node",
    "nuxtjs",
    "parcel",
    "preact",
    "react-router",
    "remix",
    "sanity",
    "solidstart-1",
    "storybook",
    "svelte",
    "sveltekit",
    "sveltekit-1",
    "tanstack-start",
    "vite",
    "vitepress",
    "vue",
    "vuepress",
]
_SSO = ("all", "preview", "prod_deployment_urls_and_all_previews", "all_except_custom_domains")
_NODE = ("24.x", "22.x", "20.x", "18.x")
_TEXT_MAX = 256
DEFAULTS = {
    **dict.fromkeys(_TEXT),
    "commandForIgnoringBuildStep": None,
    "nodeVersion": "22.x",
    "directoryListing": False,
    "publicSource": None,
    "passwordProtection": None,
    "trustedIps": None,
    "ssoProtection": {"deploymentType": "prod_deployment_urls_and_all_previews"},
    "gitForkProtection": True,
    "gitLFS": False,
    "autoExposeSystemEnvs": True,
    "autoAssignCustomDomains": True,
    "sourceFilesOutsideRootDirectory": True,
    "previewDeploymentsDisabled": False,
}


def check(given: dict) -> None:
    """Refuse what cannot be a project's settings."""
    switches = dict.fromkeys((*_SWITCHES, *_CHANGED_SWITCHES), bool)
    typed(given, {**dict.fromkeys((*_TEXT, "name", "nodeVersion"), str), **switches, **dict.fromkeys(_OBJECTS, dict)})
    for name in (*_CHANGED_SWITCHES, "nodeVersion"):
        if name in given and given[name] is None:
            raise invalid(f"Invalid request: `{name}` should not be null.")
    if "name" in given:
        check_name(given["name"])
    for name in _TEXT:
        if len(given.get(name) or "") > _TEXT_MAX:
            raise invalid(f"Invalid request: `{name}` should NOT be longer than {_TEXT_MAX} characters.")
    framework, node, sso = given.get("framework"), given.get("nodeVersion"), given.get("ssoProtection")
    if framework is not None and framework not in _FRAMEWORKS:
        raise invalid("Invalid request: `framework` should be equal to one of the allowed values.")
    if node is not None and node not in _NODE:
        raise invalid(f"Invalid request: `nodeVersion` should be one of {', '.join(_NODE)}.")
    if sso is not None and sso.get("deploymentType") not in _SSO:
        raise invalid("Invalid request: `ssoProtection.deploymentType` should be equal to one of the allowed values.")
    for name in ("rootDirectory", "outputDirectory"):
        if ".." in (given.get(name) or "").split("/") or (given.get(name) or "").startswith("/"):
            raise invalid(f"Invalid request: `{name}` should be a path within the project.")


def check_name(name: object) -> None:
    """Refuse what cannot be a project's name."""
    fits = isinstance(name, str) and re.fullmatch(r"[a-z0-9._-]{1,100}", name) and "---" not in name
    if not fits:
        text = "Project names can be up to 100 characters long and must be lowercase. They can include letters, digits,"
        raise invalid(f"{text} and '.', '_', '-'. However, they cannot contain the sequence '---'.", "invalid_name")


def link(repository: object) -> dict:
    """A project's `link` for a `gitRepository`."""
    if not isinstance(repository, dict) or repository.get("type") not in ("github", "gitlab", "bitbucket"):
        raise invalid("Invalid request: `gitRepository.type` should be github, gitlab or bitbucket.")
    name = repository.get("repo")
    if not isinstance(name, str) or not re.fullmatch(r"[^/\s]+/[^/\s]+", name):
        raise invalid("Invalid request: `gitRepository.repo` should be org/repo.")
    owner, _slash, short = name.partition("/")
    return {"type": repository["type"], "org": owner, "repo": short, "productionBranch": "main"}
