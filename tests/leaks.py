"""Search bytes for secret values, also in the forms in which programs write them down. Values appear in no message."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from urllib.parse import quote

NEEDLE_BYTES_MIN = 8  # shorter texts are found everywhere
FILE_BYTES_MAX = 64 * 1024 * 1024


def needles(secrets: dict[str, str]) -> dict[str, set[bytes]]:
    """Return what to search for, by secret name: the value, its lines, and their usual encodings."""
    found = {}
    for name, value in secrets.items():
        lines = [line.strip() for line in value.splitlines() if not line.startswith("-----")]
        texts = {text for text in (value.strip(), *lines) if len(text.encode()) >= NEEDLE_BYTES_MIN}
        found[name] = {form for text in texts for form in forms(text)}
    return found


def forms(text: str) -> set[bytes]:
    """Return a text as it is, in JSON, in a URL, in a compose file (`$$`), and in base64 at every offset."""
    plain = {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        quote(text),
        quote(text, safe=""),
    }
    encoded = {form.encode() for form in plain | {text.replace("$", "$$")}}
    for offset in range(3):
        data = bytes(offset) + text.encode()
        whole = base64.b64encode(data[: len(data) // 3 * 3])[-(-offset * 8 // 6) :]
        encoded |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))} if len(whole) >= NEEDLE_BYTES_MIN else set()
    return encoded


def found_in(data: bytes, wanted: dict[str, set[bytes]]) -> set[str]:
    """Return the names of the secrets that are in the data, compressed data included."""
    views = [data, *unpacked(data)]
    return {name for name, values in wanted.items() if any(value in view for value in values for view in views)}


def unpacked(data: bytes) -> list[bytes]:
    """Return what gzip or zlib data holds; nothing for other data."""
    try:
        if data[:2] == b"\x1f\x8b":
            return [gzip.decompress(data)]
        if data[:1] == b"\x78":
            return [zlib.decompress(data)]
    except (OSError, zlib.error, EOFError):
        pass
    return []


def found_in_files(top: Path, wanted: dict[str, set[bytes]]) -> dict[str, set[str]]:
    """Return {path: names of secrets} of the files under `top`, or of `top` itself; links are not followed."""
    paths = [top] if top.is_file() else sorted(top.rglob("*"))
    leaks = {}
    for path in paths:
        names = found_in(str(path).encode(), wanted)
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= FILE_BYTES_MAX:
            names |= found_in(path.read_bytes(), wanted)
        if names:
            leaks[str(path)] = names
    return leaks


def config_contents(inspected: bytes) -> list[tuple[str, bytes]]:
    """Return (name, content) of each config of `docker config inspect`."""
    specs = [config["Spec"] for config in json.loads(inspected or b"[]")]
    return [(spec["Name"], base64.b64decode(spec.get("Data") or "")) for spec in specs]
