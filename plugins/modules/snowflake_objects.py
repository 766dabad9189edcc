#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Snowflake's databases, schemas, tables, warehouses, roles and grants as they are wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snowflake_objects
short_description: Create and adjust Snowflake databases, warehouses, roles and grants
version_added: "0.2.0"
description:
  - Reads what there is, plans all statements, and sends them in one session, with the role that each of them needs.
  - Creates what is missing, adds missing columns, and adjusts comments, retention, managed access, size and suspension.
  - Drops, revokes and renames nothing. What is not named here is left alone, and so is a setting that is not given.
  - A column whose type differs is an error before anything is written. Types are compared in Snowflake's own form, so
    that V(int) is V(NUMBER(38,0\)). Defaults and primary keys of a table that exists are not compared.
  - Tables are made after the grants on their schema, so that future grants are in force for them.
  - After a failure a rerun goes on where it ended. A statement whose connection broke may have been carried out.
  - Names fold to upper case unless they are in double quotes inside the YAML text, as in Snowflake itself.
  - Users are not managed. The one to sign in as has C(TYPE=SERVICE), an RSA public key and the three roles below.
requirements:
  - snowflake-connector-python >= 3.12, < 6
options:
  databases:
    description: Databases, with the schemas and tables in them.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The database., type: str, required: true}
      comment: {description: Its comment. V("") empties it., type: str}
      data_retention_days: {description: How many days Time Travel reaches back; 0 to 90., type: int}
      schemas:
        description: Schemas of the database.
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: The schema., type: str, required: true}
          comment: {description: Its comment., type: str}
          managed_access: {description: Whether only the schema's owner grants on what is in it., type: bool}
          tables:
            description: Tables of the schema.
            type: list
            elements: dict
            default: []
            suboptions:
              name: {description: The table., type: str, required: true}
              comment: {description: Its comment., type: str}
              columns:
                description: Columns. More columns in the table that exists are left alone.
                type: list
                elements: dict
                required: true
                suboptions:
                  name: {description: The column., type: str, required: true}
                  type:
                    description: The type, such as V(VARCHAR), V(NUMBER(10,2\)) and V(VECTOR(FLOAT, 768\)).
                    type: str
                    required: true
                  nullable: {description: Whether it may be NULL; by default all but primary keys may., type: bool}
                  default: {description: "A SQL expression, as written, such as V(CURRENT_TIMESTAMP(\\)).", type: str}
                  comment: {description: Its comment., type: str}
                  primary_key: {description: Whether it is in the primary key., type: bool, default: false}
  warehouses:
    description: Virtual warehouses.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The warehouse., type: str, required: true}
      size: {description: "V(XSMALL), V(SMALL), … V(6XLARGE); Snowflake's other spellings too.", type: str}
      auto_suspend_seconds: {description: Idle seconds after which it stops; 0 is never., type: int}
      auto_resume: {description: Whether a query starts it., type: bool}
      comment: {description: Its comment., type: str}
      initially_suspended: {description: Whether a new one waits for its first query., type: bool, default: true}
  roles:
    description: Account roles.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The role., type: str, required: true}
      comment: {description: Its comment., type: str}
      granted_to: {description: Roles that get this role., type: list, elements: str, default: []}
      granted_to_users: {description: Users that get this role., type: list, elements: str, default: []}
  grants:
    description: Privileges of roles.
    type: list
    elements: dict
    default: []
    suboptions:
      role: {description: The role that gets them., type: str, required: true}
      privileges:
        description: Privileges by name. V(ALL) and V(OWNERSHIP) are refused.
        type: list
        elements: str
        required: true
      object:
        description: What they are for.
        type: dict
        required: true
        suboptions:
          kind:
            description: The kind of object. The V(future_) kinds are for what will be made in a schema or database.
            type: str
            required: true
            choices: [database, schema, warehouse, table, view, future_schemas, future_tables, future_views]
          name: {description: "Its full name, such as V(db.schema.table).", type: str, required: true}
  manage:
    description: What is read and written. The rest is neither, for services and roles that lack it.
    type: list
    elements: str
    choices: [databases, schemas, tables, warehouses, roles, grants]
    default: [databases, schemas, tables, warehouses, roles, grants]
  object_role:
    description: The role that reads, makes and owns databases, schemas, tables and warehouses. Empty keeps the user's.
    type: str
    default: SYSADMIN
  user_admin_role:
    description: The role that makes, and so owns, roles. Empty keeps the user's.
    type: str
    default: USERADMIN
  grant_role:
    description: The role that reads roles and grants, and grants. Empty keeps the user's.
    type: str
    default: SECURITYADMIN
  account:
    description: The account's identifier, such as V(organization-account), without C(.snowflakecomputing.com).
    type: str
    required: true
  user:
    description: The user to sign in as.
    type: str
    required: true
  private_key:
    description: The user's RSA private key in PEM. Of the credentials the first one that is given is used.
    type: str
  private_key_path:
    description: A file with it on the host that runs the module.
    type: path
  private_key_passphrase:
    description: What opens the private key.
    type: str
  token:
    description: A programmatic access token. Its user must be under a network policy.
    type: str
  password:
    description: A password, for a simulator only. Snowflake is ending sign-in by password alone.
    type: str
  host:
    description: A server other than the account's own.
    type: str
  port:
    description: Its port.
    type: int
  protocol:
    description: Its protocol.
    type: str
    choices: [http, https]
    default: https
  login_timeout_seconds:
    description: How long signing in may take.
    type: int
    default: 60
  network_timeout_seconds:
    description: How long one statement may take, with the connector's own repetitions.
    type: int
    default: 60
  query_tag:
    description: What the statements are tagged with in the account's query history.
    type: str
    default: ansible
attributes:
  check_mode: {support: full, description: Sends the reads and USE ROLE only.}
  diff_mode: {support: full, description: Shows the statements.}
notes:
  - The options of the connection can be given in the environment as C(SNOWFLAKE_ACCOUNT), C(SNOWFLAKE_USER),
    C(SNOWFLAKE_PRIVATE_KEY), C(SNOWFLAKE_PRIVATE_KEY_PATH), C(SNOWFLAKE_PRIVATE_KEY_PASSPHRASE), C(SNOWFLAKE_TOKEN),
    C(SNOWFLAKE_PASSWORD), C(SNOWFLAKE_HOST), C(SNOWFLAKE_PORT) and C(SNOWFLAKE_PROTOCOL).
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Make the warehouse as it is wanted
  sophia.platform.snowflake_objects:
    account: acme-production
    user: SVC_ANSIBLE
    private_key: "{{ platform_secrets.snowflake_private_key }}"
    databases: "{{ platform_warehouse.databases }}"
    warehouses: "{{ platform_warehouse.warehouses }}"
    roles: "{{ platform_warehouse.roles }}"
    grants: "{{ platform_warehouse.grants }}"

- name: Make one table, and nothing else
  sophia.platform.snowflake_objects:
    account: acme-production
    user: SVC_ANSIBLE
    private_key_path: ~/.snowflake/ansible.p8
    manage: [tables]
    databases:
      - name: sophia_ai_production
        schemas:
          - name: ai_memory
            tables:
              - name: memories
                columns:
                  - {name: id, type: VARCHAR, primary_key: true}
                  - {name: embedding, type: "VECTOR(FLOAT, 768)"}
"""

RETURN = r"""
statements:
  description: The planned statements in their order; without check mode they were sent.
  returned: when the plan was made, on failure too
  type: list
  elements: dict
  contains:
    sql: {description: The statement., type: str}
    role: {description: The role that sends it., type: str}
    text: {description: What it does., type: str}
done_count:
  description: How many statements were carried out.
  returned: when the plan was made, on failure too
  type: int
reads_count:
  description: How many statements it took to read what there is.
  returned: when the plan was made, on failure too
  type: int
failed_statement:
  description: The statement that failed.
  returned: when one failed
  type: str
errno:
  description: Snowflake's or the connector's number of the error.
  returned: when Snowflake told one
  type: int
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.apply import apply
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.connection import Connection, Settings
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.errors import SnowflakeError
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.options import SPEC, read_roles, read_settings
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.plan import Plan, Roles, make_plan
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.read import read
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.want import Wanted, read_options


def reconcile(module: AnsibleModule, settings: Settings, wanted: Wanted, roles: Roles) -> dict:
    """Read, plan and write in one session; returns the result, with `msg` when it failed."""
    with Connection(settings) as connection:
        plan = make_plan(wanted, read(connection, wanted, roles.objects, roles.grants), roles)
        result = described(plan, connection.statements_count)
        if plan.problems:
            return {**result, "changed": False, "msg": f"Nothing was written. {'; '.join(plan.problems)}."}
        if module.check_mode:
            return result
        outcome = apply(connection, plan.statements)
    result.update(done_count=len(outcome.done), changed=outcome.changed)
    result["warnings"] = plan.warnings + outcome.warnings
    if outcome.failed:
        result.update(msg=outcome.failure(), failed_statement=outcome.failed.sql, errno=outcome.error.errno)
    return result


def described(plan: Plan, reads_count: int) -> dict:
    """The plan as a result: nothing is carried out yet."""
    lines = [f"{statement.sql};  -- {statement.role or 'own role'}\n" for statement in plan.statements]
    return {
        "changed": bool(plan.statements),
        "statements": [asdict(statement) for statement in plan.statements],
        "diff": {"before": "", "after": "".join(lines)},
        "done_count": 0,
        "reads_count": reads_count,
        "warnings": plan.warnings,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted, problems = read_options(module.params)
    roles, role_problems = read_roles(module.params)
    settings = read_settings(module.params)
    problems += role_problems + settings.problems()
    if problems:
        module.fail_json(msg=f"Nothing was sent to Snowflake. {'; '.join(problems)}.")
    try:
        result = reconcile(module, settings, wanted, roles)
    except SnowflakeError as error:
        result = {"changed": False, "msg": str(error), "errno": error.errno}
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if "msg" in result:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
