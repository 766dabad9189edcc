"""Codacy: a small static review of Python code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.definition import Definition, Tool

Severity = Literal["error", "warning", "info"]
PENALTY: dict[str, int] = {"error": 20, "warning": 8, "info": 2}
COMPLEXITY_LIMIT = 10
PARAMETER_LIMIT = 6
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
RULES: dict[str, tuple[Severity, str]] = {
    "bare-except": ("warning", "`except:` also catches KeyboardInterrupt and SystemExit"),
    "dangerous-call": ("error", "eval, exec and os.system run whatever text they are given"),
    "hardcoded-secret": ("error", "a name like password or token is assigned a text constant"),
    "mutable-default": ("warning", "a default value that is a list, dict or set is shared between calls"),
    "too-complex": ("warning", f"a function has a cyclomatic complexity above {COMPLEXITY_LIMIT}"),
    "too-many-parameters": ("info", f"a function takes more than {PARAMETER_LIMIT} parameters"),
}
SECRET_WORDS = ("password", "passwd", "secret", "token", "api_key")

Code = Annotated[str, Field(min_length=1, max_length=100_000, description="Python source text.")]


class Issue(BaseModel):
    line: int
    rule: str
    severity: Severity
    message: str


class Review(BaseModel):
    score: int = Field(ge=0, le=100)
    grade: Literal["A", "B", "C", "D", "F"]
    issues: list[Issue]


class FunctionComplexity(BaseModel):
    name: str
    line: int
    complexity: int = Field(ge=1, description="Cyclomatic complexity: independent paths through the function.")


class Complexities(BaseModel):
    functions: list[FunctionComplexity] = Field(description="The most complex first.")


class Rules(BaseModel):
    rules: dict[str, str]


def parse(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError as error:
        raise ToolError(f"line {error.lineno}: not Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ToolError("the source cannot be parsed: it holds null bytes or is nested too deeply") from error


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions defined inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, FUNCTIONS):
            yield child
            yield from own_nodes(child)


def complexity(function: ast.AST) -> int:
    total = 1
    for node in own_nodes(function):
        total += isinstance(node, BRANCHES)
        total += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
    return total


def broken_rules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        yield "bare-except"
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("eval", "exec", "os.system"):
        yield "dangerous-call"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        names = " ".join(ast.unparse(target).lower() for target in node.targets)
        if node.value.value and any(word in names for word in SECRET_WORDS):
            yield "hardcoded-secret"
    if isinstance(node, FUNCTIONS):
        arguments = node.args
        if any(
            isinstance(value, (ast.List, ast.Dict, ast.Set)) for value in (*arguments.defaults, *arguments.kw_defaults)
        ):
            yield "mutable-default"
        if len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs) > PARAMETER_LIMIT:
            yield "too-many-parameters"
        if complexity(node) > COMPLEXITY_LIMIT:
            yield "too-complex"


async def review_code(code: Code) -> Review:
    """Scores Python code from 0 to 100 and lists what costs points."""
    issues = [
        Issue(line=node.lineno, rule=rule, severity=RULES[rule][0], message=RULES[rule][1])
        for node in ast.walk(parse(code))
        for rule in broken_rules(node)
    ]
    issues.sort(key=lambda issue: (issue.line, issue.rule))
    score = max(0, 100 - sum(PENALTY[issue.severity] for issue in issues))
    grade = next(letter for letter, least in (("A", 90), ("B", 75), ("C", 60), ("D", 40), ("F", 0)) if score >= least)
    return Review(score=score, grade=grade, issues=issues)


async def measure_complexity(code: Code) -> Complexities:
    """Measures the cyclomatic complexity of each function."""
    functions = [
        FunctionComplexity(name=node.name, line=node.lineno, complexity=complexity(node))
        for node in ast.walk(parse(code))
        if isinstance(node, FUNCTIONS)
    ]
    return Complexities(functions=sorted(functions, key=lambda function: (-function.complexity, function.line)))


async def list_rules() -> Rules:
    """Lists the rules that a review applies."""
    return Rules(rules={name: text for name, (_, text) in RULES.items()})


def definition(_: Environment) -> Definition:
    return Definition(
        title="Codacy",
        instructions="Reviews Python code without running it.",
        tools=[Tool(review_code), Tool(measure_complexity), Tool(list_rules)],
    )
