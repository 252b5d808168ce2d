"""Certificates for tests of TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

HOST = "shop.example"


def make_certificate(folder: Path) -> None:
    """Make one that signs itself: apart for nginx, and together with its key for HAProxy."""
    key, certificate = folder / "shop.example.key", folder / "shop.example.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-keyout", str(key)]
    subprocess.run([*command, "-out", str(certificate)], check=True, capture_output=True)
    (folder / "shop.example.pem").write_text(certificate.read_text() + key.read_text())
