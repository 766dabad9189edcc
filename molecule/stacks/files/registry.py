"""A read-only registry with one image, made of this host's own shell: enough to deploy a stack where no registry is."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import re
import subprocess
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 5000
PROGRAMS = ("sh", "cat", "sleep", "test")
TYPES = "application/vnd.docker.distribution.manifest.v2+json"
PARTS = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def layer() -> bytes:
    """Pack the programs with the libraries that they need."""
    files = {f"bin/{name}": Path(f"/usr/bin/{name}").resolve() for name in PROGRAMS}
    for program in list(files.values()):
        listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files |= {path.lstrip("/"): Path(path).resolve() for path in re.findall(r"(/\S+) \(0x", listing)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, path in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = path.stat().st_size, 0o755
            archive.addfile(info, io.BytesIO(path.read_bytes()))
    return packed.getvalue()


def described(kind: str, blob: bytes, blobs: dict[str, bytes]) -> dict:
    """Keep a blob and describe it as a manifest does."""
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    blobs[digest] = blob
    return {"mediaType": kind, "size": len(blob), "digest": digest}


def image() -> tuple[bytes, dict[str, bytes]]:
    """Give the manifest and all blobs by digest."""
    blobs: dict[str, bytes] = {}
    archive = layer()
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Cmd": ["/bin/sleep", "infinity"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(archive).hexdigest()]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": TYPES,
        "config": described(PARTS[0], json.dumps(config).encode(), blobs),
        "layers": [described(PARTS[1], gzip.compress(archive, mtime=0), blobs)],
    }
    text = json.dumps(manifest).encode()
    described(TYPES, text, blobs)
    return text, blobs


MANIFEST, BLOBS = image()


class Registry(BaseHTTPRequestHandler):
    """The part of the registry's API that pulling needs. Every repository and tag is the one image."""

    def do_GET(self) -> None:
        reference = self.path.rsplit("/", 1)[-1]
        body, kind = BLOBS.get(reference), "application/octet-stream"
        if "/manifests/" in self.path:
            body, kind = MANIFEST if body is None else body, TYPES
        if self.path == "/v2/":
            body = b"{}"
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(body or b"").hexdigest())
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET


ThreadingHTTPServer(("", PORT), Registry).serve_forever()
