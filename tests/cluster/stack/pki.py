"""The certificates of a cluster: one authority signs who is who, and what the API server and the kubelet serve.

What holds here: the folder is new with every cluster, only root may enter it, and nothing else trusts the authority.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.stack import addresses

if TYPE_CHECKING:
    from pathlib import Path

_DAYS = "30"
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who a certificate is for: its subject, and the names that it may serve as."""

    subject: str
    names: tuple[str, ...] = ()


_HOLDERS = {
    "kube-apiserver": _Holder(
        "/CN=kube-apiserver",
        (
            *(f"DNS:{name}" for name in _NAMES),
            *(f"IP:{address}" for address in ("127.0.0.1", addresses.KUBERNETES, addresses.NODE)),
        ),
    ),
    "kubelet": _Holder("/O=system:nodes/CN=system:node:node", (f"IP:{addresses.NODE}", "DNS:node")),
    "admin": _Holder("/O=system:masters/CN=admin"),
    "kube-controller-manager": _Holder("/CN=system:kube-controller-manager"),
    "kube-scheduler": _Holder("/CN=system:kube-scheduler"),
    "kube-proxy": _Holder("/CN=system:kube-proxy"),
    "front-proxy": _Holder("/CN=front-proxy"),
}
"""`front-proxy` is who the API server is to the servers of aggregated APIs."""
CLIENTS = ("admin", "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy")


@dataclass(frozen=True, slots=True)
class Files:
    """Where keys and certificates are."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def authority_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def accounts_key(self) -> Path:
        """What signs the tokens of ServiceAccounts, and is asked whether it did."""
        return self.folder / "accounts.key"

    def certificate(self, holder: str) -> Path:
        return self.folder / f"{holder}.crt"

    def key(self, holder: str) -> Path:
        return self.folder / f"{holder}.key"


def make(folder: Path) -> Files:
    """Make them all, in a new folder."""
    folder.mkdir(mode=0o700)
    files = Files(folder)
    made = ("-newkey", "rsa:2048", "-nodes", "-days", _DAYS)
    authority = ("-keyout", str(files.authority_key), "-out", str(files.authority))
    _openssl("req", "-x509", *made, "-subj", "/CN=patternapp-cluster", *authority)
    _openssl("genrsa", "-out", str(files.accounts_key), "2048")
    for name, holder in _HOLDERS.items():
        extensions = {"basicConstraints": "CA:FALSE", "extendedKeyUsage": "serverAuth,clientAuth"}
        if holder.names:
            extensions["subjectAltName"] = ",".join(holder.names)
        added = (word for one in extensions.items() for word in ("-addext", "=".join(one)))
        signed = ("-CA", str(files.authority), "-CAkey", str(files.authority_key))
        out = ("-keyout", str(files.key(name)), "-out", str(files.certificate(name)))
        _openssl("req", "-x509", *made, "-subj", holder.subject, *signed, *added, *out)
    return files


def _openssl(*command: str) -> None:
    subprocess.run(("openssl", *command), check=True, capture_output=True)
