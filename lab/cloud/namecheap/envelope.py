# SPDX-License-Identifier: GPL-3.0-or-later
"""The XML around every answer, to the byte (reference §4)."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMESPACE = "http://api.namecheap.com/xml.response"
HTTPS_NAMESPACE = "https://api.namecheap.com/xml.response"
SERVERS = ("PHX01SBAPIEXT02", "PHX01APIEXT03", "PHX01SBAPI01", "PHX01APIEXT01")
CONTENT_TYPE = "text/xml; charset=utf-8"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;"}


@dataclass
class Element:
    """One XML element: attributes in their order, then text or children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def lines(self, indent: str = "") -> list[str]:
        opening = indent + "<" + self.name
        opening += "".join(f' {name}="{escaped(value)}"' for name, value in self.attributes.items())
        if self.children:
            inner = [line for child in self.children for line in child.lines(indent + "  ")]
            return [opening + ">", *inner, f"{indent}</{self.name}>"]
        return [f"{opening}>{escaped(self.text)}</{self.name}>" if self.text else opening + " />"]


class ApiError(Exception):
    """What the API refuses. A global one has no result; an unhandled one has an empty CommandResponse."""

    def __init__(self, number: int, text: str, is_global: bool = False, unhandled: bool = False) -> None:
        super().__init__(f"{number} {text}")
        self.number = number
        self.text = text
        self.is_global = is_global
        self.unhandled = unhandled


def escaped(value: str) -> str:
    """Text for XML. Characters that XML cannot hold at all become U+FFFD."""
    return "".join(
        ESCAPES.get(character, character if character >= " " else "\N{REPLACEMENT CHARACTER}") for character in value
    )


def invalid(text: str) -> ApiError:
    """How a validation failure surfaces: as an unhandled exception (reference §10)."""
    return ApiError(5050900, text, unhandled=True)


def answer(
    command: str, result: list[Element] | None, error: ApiError | None, number: int, namespace: str = NAMESPACE
) -> bytes:
    """A whole answer. `number` counts the answers, so that server and time differ from call to call."""
    errors = [Element("Error", {"Number": str(error.number)}, text=error.text)] if error else []
    known = not (error and error.is_global)
    parts = [Element("Errors", children=errors), Element("Warnings")]
    parts.append(Element("RequestedCommand", text=command.lower() if known else ""))
    if known:
        parts.append(Element("CommandResponse", {"Type": command}, result or []))
    parts.append(Element("Server", text=SERVERS[number % len(SERVERS)]))
    parts.append(Element("GMTTimeDifference", text="--4:00"))
    parts.append(Element("ExecutionTime", text=f"0.{10 + number % 190:03d}" if known else "0"))
    root = Element("ApiResponse", {"Status": "ERROR" if error else "OK", "xmlns": namespace}, parts)
    return "\r\n".join(['<?xml version="1.0" encoding="utf-8"?>', *root.lines()]).encode()
