# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of deployments: uploaded by their SHA-1, or within the request, or in a packed archive."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import tarfile

from lab.cloud.vercel.call import Call, fields
from lab.cloud.vercel.errors import invalid

_ARCHIVE = re.compile(r"\.vercel/source\.tgz\.part(\d+)")
_FILES_MAX = 15000


def upload(call: Call) -> dict:
    """POST /files: the raw bytes, with their SHA-1 in a header."""
    headers, content = call.request.headers, call.request.body
    told = headers.get("x-now-digest") or headers.get("x-vercel-digest")
    size = headers.get("x-now-size")
    if not told:
        raise invalid("The header `x-vercel-digest` is required.", "missing_digest")
    if told.lower() != hashlib.sha1(content, usedforsecurity=False).hexdigest():
        raise invalid("The digest is not the SHA-1 of the file.", "invalid_sha")
    if size and size != str(len(content)):
        raise invalid("The size is not that of the file.", "invalid_size")
    _keep(call, content)
    return {"urls": []}


def taken(call: Call, given: object) -> dict[str, str]:
    """{path: SHA-1} of a request's `files`. Raises missing_files with all that are still to be uploaded."""
    if not isinstance(given, list) or len(given) > _FILES_MAX:
        raise invalid(f"Invalid request: `files` should be array of at most {_FILES_MAX} items.")
    found: dict[str, str] = {}
    for one in given:
        one = fields(one, required=("file",))
        path = _path(one["file"])
        found[path] = _keep(call, _inline(one)) if "data" in one else _sha(one)
    lacking = list(dict.fromkeys(sha for sha in found.values() if sha not in call.state.files))
    if lacking:
        raise invalid("Missing files", "missing_files", missing=lacking)
    return _unpacked(call, found)


def content(files: dict[str, str], sha: str) -> bytes:
    """A kept file."""
    return base64.b64decode(files[sha])


def _keep(call: Call, data: bytes) -> str:
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    call.state.files[sha] = base64.b64encode(data).decode()
    return sha


def _path(path: object) -> str:
    parts = path.split("/") if isinstance(path, str) else [""]
    if any(part in ("", ".", "..") for part in parts):
        raise invalid(f"Invalid request: `file` {str(path)[:100]!r} should be a path within the deployment.")
    return path


def _sha(one: dict) -> str:
    sha = one.get("sha")
    if not isinstance(sha, str) or not re.fullmatch(r"[0-9a-f]{40}", sha):
        raise invalid(f"Invalid request: `{one['file']}` should have a `sha` or `data`.")
    return sha


def _inline(one: dict) -> bytes:
    data, encoding = one["data"], one.get("encoding", "utf-8")
    if not isinstance(data, str) or encoding not in ("utf-8", "base64"):
        raise invalid(f"Invalid request: `{one['file']}` should have `data` in the encoding base64 or utf-8.")
    try:
        return base64.b64decode(data, validate=True) if encoding == "base64" else data.encode()
    except binascii.Error:
        raise invalid(f"Invalid request: `{one['file']}` is no base64.") from None


def _unpacked(call: Call, found: dict[str, str]) -> dict[str, str]:
    """With the files of an archive in the place of its parts."""
    parts = {int(match[1]): sha for path, sha in found.items() if (match := _ARCHIVE.fullmatch(path))}
    if not parts:
        return found
    packed = b"".join(content(call.state.files, parts[number]) for number in sorted(parts))
    files = {path: sha for path, sha in found.items() if not _ARCHIVE.fullmatch(path)}
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            for member in archive:
                if member.isfile():
                    path = _path(member.name.removeprefix("./"))
                    files[path] = _keep(call, archive.extractfile(member).read())
    except (tarfile.TarError, OSError, EOFError):
        raise invalid("The archive of the source cannot be read.", "invalid_archive") from None
    return files
