"""A small Snowflake on loopback: its wire protocol, a catalogue, roles that may do only their own part, faults."""

from __future__ import annotations

import gzip
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = r'((?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*))'
PATH2, PATH3 = rf"{NAME}\.{NAME}", rf"{NAME}\.{NAME}\.{NAME}"
COMMENT = r"(?: ?COMMENT = '((?:[^'\\]|''|\\\\)*)')?"


class SqlError(Exception):
    """What the server refuses: (errno, sqlstate, text)."""


def unquoted(name):
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.upper()


def quoted(name):
    return name if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def text(literal):
    return (literal or "").replace("''", "'").replace("\\\\", "\\")


class Catalogue:
    """The objects of one account. `statements` lists (role, sql) of all that was sent."""

    def __init__(self):
        self.role, self.statements = "PUBLIC", []
        self.databases, self.schemas, self.tables, self.warehouses = {}, {}, {}, {}
        self.roles = {name: "" for name in ("ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN", "PUBLIC")}
        self.role_grants, self.grants, self.future_grants = set(), set(), set()
        self.faults = []  # (regular expression, errno, sqlstate, text)
        self.terse, self.hidden = False, set()

    @property
    def writes(self):
        return [sql for _role, sql in self.statements if not re.match(r"SHOW|DESCRIBE|USE", sql)]

    def execute(self, sql):
        """Return (columns, rows). Raises SqlError."""
        self.statements.append((self.role, sql))
        for pattern, *error in self.faults:
            if re.search(pattern, sql):
                raise SqlError(*error)
        for pattern, role, act in self.rules():
            match = re.fullmatch(pattern, sql, re.S)
            if match:
                if role and self.role not in role:
                    raise SqlError(3001, "42501", f"Insufficient privileges to operate as {self.role}")
                answer = act(*match.groups())
                return answer if isinstance(answer, tuple) else (["status"], [[answer or "Statement executed."]])
        raise SqlError(1003, "42000", f"syntax error line 1 at position 0 unexpected {sql.split()[0]!r}")

    def rules(self):
        setting = r"(?: (?:WAREHOUSE_SIZE = '(\w+)'))?(?: AUTO_SUSPEND = (\d+))?(?: AUTO_RESUME = (TRUE|FALSE))?"
        future = rf"FUTURE (TABLE|VIEW|SCHEMA)S IN (DATABASE|SCHEMA) ([\w.\"]+) TO ROLE {NAME}"
        objects, roles, granters = ("SYSADMIN",), ("USERADMIN",), ("SECURITYADMIN",)
        like = r"'((?:[^'\\]|''|\\\\)*)'"
        return [
            (rf"USE ROLE {NAME}", None, self.use_role),
            (rf"SHOW DATABASES LIKE {like}", None, self.show_databases),
            (rf"SHOW SCHEMAS IN DATABASE {NAME}", None, self.show_schemas),
            (rf"SHOW TABLES IN SCHEMA {PATH2}", None, self.show_tables),
            (rf"DESCRIBE TABLE {PATH3}", None, self.describe),
            (rf"SHOW COLUMNS IN TABLE {PATH3}", None, self.show_columns),
            (rf"SHOW WAREHOUSES LIKE {like}", None, self.show_warehouses),
            (rf"SHOW ROLES LIKE {like}", None, self.show_roles),
            (rf"SHOW GRANTS OF ROLE {NAME}", None, self.grants_of),
            (rf"SHOW GRANTS TO ROLE {NAME}", None, self.grants_to),
            (rf"SHOW FUTURE GRANTS TO ROLE {NAME}", None, self.future_grants_to),
            (
                rf"CREATE DATABASE IF NOT EXISTS {NAME}(?: DATA_RETENTION_TIME_IN_DAYS = (\d+))?{COMMENT}",
                objects,
                self.create_database,
            ),
            (rf"CREATE SCHEMA IF NOT EXISTS {PATH2}( WITH MANAGED ACCESS)?{COMMENT}", objects, self.create_schema),
            (rf"CREATE TABLE IF NOT EXISTS {PATH3} \((.*?)\){COMMENT}", objects, self.create_table),
            (
                rf"CREATE WAREHOUSE IF NOT EXISTS {NAME}{setting}{COMMENT} INITIALLY_SUSPENDED = (TRUE|FALSE)",
                objects,
                self.set_warehouse,
            ),
            (
                rf"ALTER DATABASE {NAME} SET(?: DATA_RETENTION_TIME_IN_DAYS = (\d+))?{COMMENT}",
                objects,
                self.alter_database,
            ),
            (rf"ALTER SCHEMA {PATH2} SET{COMMENT}", objects, self.comment_schema),
            (rf"ALTER SCHEMA {PATH2} (ENABLE|DISABLE) MANAGED ACCESS", objects, self.manage_schema),
            (rf"ALTER TABLE {PATH3} SET{COMMENT}", objects, self.comment_table),
            (rf"ALTER TABLE {PATH3} ADD COLUMN (?:IF NOT EXISTS )?(.*)", objects, self.add_column),
            (rf"ALTER TABLE {PATH3} ALTER COLUMN {NAME} COMMENT {like}", objects, self.comment_column),
            (rf"ALTER WAREHOUSE {NAME} SET{setting}{COMMENT}()", objects, self.set_warehouse),
            (rf"CREATE ROLE IF NOT EXISTS {NAME}{COMMENT}", roles, self.set_role),
            (rf"ALTER ROLE {NAME} SET{COMMENT}", roles, self.set_role),
            (rf"GRANT ROLE {NAME} TO (ROLE|USER) {NAME}", granters, self.grant_role),
            (rf"GRANT ([A-Z, ]+) ON {future}", granters, self.grant_future),
            (rf"GRANT ([A-Z, ]+) ON (DATABASE|SCHEMA|WAREHOUSE|TABLE) (\S+) TO ROLE {NAME}", granters, self.grant),
        ]

    def use_role(self, name):
        if unquoted(name) not in self.roles:
            raise SqlError(2043, "02000", f"Object does not exist, or operation cannot be performed: {name}")
        self.role = unquoted(name)

    def like(self, known, pattern):
        """Match as Snowflake's LIKE does: without case, `_` for any character."""
        expression = "".join("." if c == "_" else ".*" if c == "%" else re.escape(c) for c in text(pattern))
        return [name for name in known if re.fullmatch(expression, name, re.I) and name not in self.hidden]

    def show_databases(self, pattern):
        rows = [["2026-01-01", name, *self.databases[name]] for name in self.like(self.databases, pattern)]
        return ["created_on", "name", "comment", "retention_time"], rows

    def show_schemas(self, database):
        rows = [(s, *facts) for (d, s), facts in self.schemas.items() if d == unquoted(database)]
        if self.terse:
            return ["created_on", "name"], [["2026", name] for name, *_ in rows]
        shown = [["2026", name, comment, "MANAGED ACCESS" if managed else ""] for name, comment, managed in rows]
        return ["created_on", "name", "comment", "options"], shown

    def show_tables(self, *schema):
        path = tuple(map(unquoted, schema))
        return ["name", "comment"], [
            [key[2], table["comment"]] for key, table in self.tables.items() if key[:2] == path
        ]

    def describe(self, *table):
        columns = self.tables[tuple(map(unquoted, table))]["columns"]
        rows = [[name, kind, "COLUMN", "N" if fixed else "Y", None, comment] for name, kind, fixed, comment in columns]
        return ["name", "type", "kind", "null?", "default", "comment"], rows

    def show_columns(self, *table):
        told = []
        for name, kind, fixed, comment in self.tables[tuple(map(unquoted, table))]["columns"]:
            base, numbers = re.match(r"(\w+)", kind)[1], [int(number) for number in re.findall(r"\d+", kind)]
            facts = {"NUMBER": lambda n: {"type": "FIXED", "precision": n[0], "scale": n[1]}}
            facts["VARCHAR"] = lambda n: {"type": "TEXT", "length": n[0]}
            facts["VECTOR"] = lambda _n: {"type": "VECTOR", "undocumented": True}  # DESCRIBE tells it
            facts["TIMESTAMP_NTZ"] = lambda n: {"type": "TIMESTAMP_NTZ", "precision": 0, "scale": n[0]}
            document = json.dumps(facts.get(base, lambda _n, base=base: {"type": base})(numbers))
            told.append([name, document, "false" if fixed else "true", "COLUMN", comment])
        return ["column_name", "data_type", "null?", "kind", "comment"], told

    def show_warehouses(self, pattern):
        rows = [[name, *self.warehouses[name]] for name in self.like(self.warehouses, pattern)]
        return ["name", "size", "auto_suspend", "auto_resume", "comment"], rows

    def show_roles(self, pattern):
        return ["name", "comment"], [[name, self.roles[name]] for name in self.like(self.roles, pattern)]

    def grants_of(self, role):
        rows = [[kind, quoted(to)] for name, kind, to in self.role_grants if name == unquoted(role)]
        return ["granted_to", "grantee_name"], rows

    def grants_to(self, role):
        if unquoted(role) not in self.roles:
            raise SqlError(2003, "02000", f"Role {role!r} does not exist or not authorized.")
        rows = [[privilege, kind, name] for to, privilege, kind, name in self.grants if to == unquoted(role)]
        return ["privilege", "granted_on", "name"], rows

    def future_grants_to(self, role):
        rows = [[p, kind, f"{place}.<{kind}>"] for to, p, kind, place in self.future_grants if to == unquoted(role)]
        return ["privilege", "grant_on", "name"], rows

    def create_database(self, name, days, comment):
        if unquoted(name) in self.databases:
            return f"{name} already exists, statement succeeded."
        self.databases[unquoted(name)] = [text(comment), days or "1"]
        self.schemas[unquoted(name), "PUBLIC"] = ["", False]
        self.schemas[unquoted(name), "INFORMATION_SCHEMA"] = ["", False]
        return None

    def create_schema(self, database, name, managed, comment):
        if unquoted(database) not in self.databases:
            raise SqlError(2003, "02000", f"Database '{database}' does not exist or not authorized.")
        if (unquoted(database), unquoted(name)) in self.schemas:
            return f"{name} already exists, statement succeeded."
        self.schemas[unquoted(database), unquoted(name)] = [text(comment), bool(managed)]
        return None

    def create_table(self, database, schema, name, body, comment):
        path = tuple(map(unquoted, (database, schema, name)))
        columns = [part for part in split(body) if not part.startswith("PRIMARY KEY")]
        self.tables[path] = {"comment": text(comment), "columns": [column(part) for part in columns]}

    def add_column(self, database, schema, name, definition):
        self.tables[tuple(map(unquoted, (database, schema, name)))]["columns"].append(column(definition))

    def comment_table(self, database, schema, name, comment):
        self.tables[tuple(map(unquoted, (database, schema, name)))]["comment"] = text(comment)

    def comment_column(self, database, schema, name, wanted, comment):
        columns = self.tables[tuple(map(unquoted, (database, schema, name)))]["columns"]
        next(each for each in columns if each[0] == unquoted(wanted))[3] = text(comment)

    def alter_database(self, name, days, comment):
        have = self.databases[unquoted(name)]
        self.databases[unquoted(name)] = [have[0] if comment is None else text(comment), days or have[1]]

    def comment_schema(self, database, name, comment):
        self.schemas[unquoted(database), unquoted(name)][0] = text(comment)

    def manage_schema(self, database, name, verb):
        self.schemas[unquoted(database), unquoted(name)][1] = verb == "ENABLE"

    def set_warehouse(self, name, size, seconds, resume, comment, _suspended):
        have = self.warehouses.get(unquoted(name), ["X-Small", "600", "true", ""])
        shown = {"XSMALL": "X-Small", "2XLARGE": "2X-Large"}.get(size or "", (size or "").capitalize())
        comment = have[3] if comment is None else text(comment)
        self.warehouses[unquoted(name)] = [shown or have[0], seconds or have[1], (resume or have[2]).lower(), comment]

    def set_role(self, name, comment):
        self.roles[unquoted(name)] = text(comment)

    def grant_role(self, name, kind, to):
        self.role_grants.add((unquoted(name), kind, unquoted(to)))

    def grant(self, privileges, kind, name, role):
        self.grants |= {(unquoted(role), privilege, kind, name) for privilege in privileges.split(", ")}

    def grant_future(self, privileges, kind, _where, place, role):
        self.future_grants |= {(unquoted(role), privilege, kind, place) for privilege in privileges.split(", ")}


def split(body):
    """Split at the commas that are in no brackets and no text."""
    parts = re.findall(r"(?:'(?:[^']|'')*'|\((?:[^()]|\([^()]*\))*\)|[^,'()])+", body)
    return [part.strip() for part in parts]


def column(definition):
    """[name, type, whether it is NOT NULL, comment] of a column's definition."""
    kinds = r"(VECTOR\(FLOAT, \d+\)|[A-Z_]+(?:\([\d,]+\))?)"
    match = re.fullmatch(rf"{NAME} {kinds}(?: DEFAULT (.+?))?( NOT NULL)?(?: COMMENT '(.*)')?", definition)
    if not match:
        raise SqlError(1003, "42000", f"syntax error in {definition!r}")
    return [unquoted(match[1]), match[2], bool(match[4]), text(match[5])]


def result(columns, rows):
    """Return the data of an answer, in JSON rows of texts."""
    kinds = {"type": "text", "length": 16777216, "byteLength": 16777216, "nullable": True}
    rest = {"precision": None, "scale": None, "collation": None, "database": "", "schema": "", "table": ""}
    finals = {f"final{part}Name": None for part in ("Database", "Schema", "Warehouse", "Role")}
    return {
        "rowtype": [{"name": name, **kinds, **rest} for name in columns],
        "rowset": rows,
        "total": len(rows),
        "returned": len(rows),
        "queryId": "01a",
        "queryResultFormat": "json",
        "parameters": [],
        "statementTypeId": 4096,
        "version": 1,
        **finals,
    }


@contextmanager
def served(catalogue, login_error=None, html=False, cut=""):
    """Run the server; yields (port, the bodies of the logins). cut: a pattern of statements that end the connection."""
    logins = []
    session = {"databaseName": None, "schemaName": None, "warehouseName": None, "roleName": "PUBLIC"}
    token = {"token": "t", "masterToken": "m", "validityInSeconds": 3600, "masterValidityInSeconds": 14400}
    signed_in = {**token, "serverVersion": "10.0.0", "sessionId": 1, "sessionInfo": session}
    signed_in["parameters"] = [{"name": "AUTOCOMMIT", "value": True}]

    def login(data):
        logins.append(data)
        if login_error:
            return {"success": False, "code": login_error[0], "message": login_error[1], "data": {}}
        catalogue.role = "PUBLIC"
        return {"success": True, "code": None, "message": None, "data": signed_in}

    def query(sql):
        try:
            return {"success": True, "data": result(*catalogue.execute(sql))}
        except SqlError as error:
            errno, sqlstate, words = error.args
            data = {"errorCode": f"{errno:06d}", "sqlState": sqlstate}
            return {
                "success": False,
                "code": f"{errno:06d}",
                "message": f"SQL compilation error:\n{words}",
                "data": data,
            }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize, disable_nagle_algorithm = 65536, True  # an answer in one piece: no waiting for the client's ACK

        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if "/login-request" in self.path:
                answer = login(json.loads(body)["data"])
            elif "/query-request" in self.path:
                sql = json.loads(body)["sqlText"]
                if cut and re.search(cut, sql):
                    self.close_connection = True
                    return
                answer = query(sql)
            else:
                answer = {"success": True}
            content = b"<!DOCTYPE html><p>Sign in" if html else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if html else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_port, logins
    finally:
        server.shutdown()
        server.server_close()
