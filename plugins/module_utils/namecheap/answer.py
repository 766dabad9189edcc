# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of Namecheap's API says. Names count without namespace and case (reference §4)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree  # noqa: S405 - no document type comes as far as the parser
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer

_DOCUMENT_TYPE = re.compile(r"<!\s*(doctype|entity)", re.IGNORECASE)
_HTML = re.compile(r"\s*<(!doctype\s+html|html)", re.IGNORECASE)


class BadAnswer(Exception):
    """The answer is not one of the API's. transient: the next one may well be."""

    def __init__(self, reason: str, transient: bool = True) -> None:
        super().__init__(reason)
        self.transient = transient


@dataclass(frozen=True)
class Element:
    """An XML element, found and asked by local names in any case."""

    node: ElementTree.Element

    @property
    def name(self) -> str:
        return self.node.tag.rpartition("}")[2].lower()

    @property
    def text(self) -> str:
        return (self.node.text or "").strip()

    def get(self, name: str) -> str | None:
        """An attribute's value; None when it is missing."""
        for key, value in self.node.attrib.items():
            if key.rpartition("}")[2].lower() == name.lower():
                return value
        return None

    def is_true(self, name: str) -> bool:
        """Whether an attribute is there and says yes."""
        return (self.get(name) or "").strip().lower() == "true"

    def children(self, name: str = "") -> Iterator[Element]:
        """The elements right below, or those of a name."""
        for child in self.node:
            element = Element(child)
            if not name or element.name == name.lower():
                yield element

    def below(self, *names: str) -> list[Element]:
        """The elements at the end of a path."""
        found = [self]
        for name in names:
            found = [child for element in found for child in element.children(name)]
        return found


@dataclass(frozen=True)
class ApiAnswer:
    """A well-formed answer of the API; `errors` are (number, text), and results count only without any."""

    root: Element

    @property
    def errors(self) -> list[tuple[str, str]]:
        found = [(error.get("Number") or "", error.text) for error in self.root.below("Errors", "Error")]
        status = (self.root.get("Status") or "").strip()
        if not found and status.lower() != "ok":
            found = [("", f"Status is {status!r} and no error is named" if status else "it has no Status")]
        return found

    @property
    def warnings(self) -> list[str]:
        nodes = [*self.root.below("Warnings"), *self.root.below("CommandResponse", "", "Warnings")]
        return [text for node in nodes for child in node.node.iter() if (text := (child.text or "").strip())]

    def result(self, name: str) -> Element:
        """The one result element. Raises BadAnswer when there is none, or more than one."""
        found = self.root.below("CommandResponse", name)
        if len(found) != 1:
            raise BadAnswer(f"it holds {len(found) or 'no'} element{'s' if len(found) > 1 else ''} {name}")
        return found[0]


def parse(answer: Answer, described: Callable[[Answer], str]) -> ApiAnswer:
    """Read an answer of status 200; `described` shortens one for a message. Raises BadAnswer."""
    try:
        text = answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadAnswer("its text is not UTF-8") from None
    if _HTML.match(text):
        raise BadAnswer(described(answer))
    if _DOCUMENT_TYPE.search(text):
        raise BadAnswer("it declares a document type or an entity, which the API never does", transient=False)
    if not text.strip():
        raise BadAnswer("an empty body")
    try:
        # From text, so that the encoding that the document claims has no say.
        root = Element(ElementTree.fromstring(text))  # noqa: S314 - see above
    except ElementTree.ParseError:
        raise BadAnswer(f"XML that is cut off or broken: {described(answer)}") from None
    if root.name != "apiresponse":
        raise BadAnswer(f"XML that is not the API's: {described(answer)}")
    return ApiAnswer(root)
