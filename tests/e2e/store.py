"""A real S3 store on the test cluster, Versity's gateway over a folder, which tells of its objects as S3 stores do.

What holds here: the shop calls the store without a signature, which its buckets' policies allow; whoever makes buckets
signs. The store tells once and never again, and a folder of its Pod is all that it has.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
import json
import secrets
import urllib.parse
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import harness
from cluster import build as building
from cluster import versions
from e2e import buildah

if TYPE_CHECKING:
    from pathlib import Path

    from e2e import kube, web

NAME = "s3"
REFERENCE = "dev.local/versitygw:1.8.0"
BUCKETS = ("uploads", "thumbnails")
_PACKAGE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_REGION = "us-east-1"
_PORT = 7070
_USER = 65532
_WITHIN = 180.0
_LABELS = {"app": NAME}


def archive() -> Path:
    """Where its image is, or will be."""
    return versions.cache() / "images" / f"{REFERENCE.rpartition('/')[2].replace(':', '-')}.tar"


def build() -> None:
    """Make the image if it is missing: about a minute and a half.

    Raises:
        cluster.build.NotBuiltError: there is no Go or no buildah, or one of them refused.
    """
    if archive().exists():
        return
    buildah.require("buildah", "go")
    building.once(archive(), _make)


def _make(place: Path) -> None:
    program = place.parent / "versitygw"
    building.install(_PACKAGE, program)
    with buildah.store(place.parent) as store:
        store.pack(program, name="store", options=('--entrypoint=["/versitygw"]', f"--user={_USER}:{_USER}"))
        store.give("store", place, called=REFERENCE)
    program.unlink()


@dataclass(frozen=True, slots=True)
class Store:
    """The store of a namespace, as the holder of its key."""

    address: web.Address
    access: str
    secret: str

    def call(self, method: str, path: str, data: bytes = b"", *, query: str = "") -> harness.Answer:
        """A signed request."""
        headers = _signed(self, method, path, query, data)
        return self.address.call(method, f"{path}?{query}" if query else path, data, headers)

    def put(self, key: str, content: bytes) -> None:
        """Put an object into a bucket: `key` is ``bucket/name``."""
        answer = self.call("PUT", f"/{key}", content)
        assert answer.status == 200, answer.body

    def get(self, key: str) -> bytes | None:
        """An object, None where there is none."""
        answer = self.call("GET", f"/{key}")
        assert answer.status in {200, 404}, answer.body
        return answer.body if answer.status == 200 else None


def endpoint(namespace: str) -> str:
    """Its URL for whoever is in the cluster."""
    return f"http://{NAME}.{namespace}.svc.cluster.local"


def install(namespace: kube.Namespace, *, tells: str) -> None:
    """Have it in a namespace, with its buckets; `tells` is the URL that hears of every object."""
    if namespace.get("Secret", NAME) is None:
        key = {"access": secrets.token_hex(10), "secret": secrets.token_hex(20)}
        namespace.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "stringData": key})
    namespace.apply(_service())
    namespace.apply(_deployment(tells))
    store = there(namespace)
    harness.eventually(functools.partial(_answers, store), within=_WITHIN)
    for bucket in BUCKETS:
        made = store.call("PUT", f"/{bucket}")
        assert made.status in {200, 409}, made.body
        allowed = store.call("PUT", f"/{bucket}", _policy(bucket), query="policy=")
        assert allowed.status in {200, 204}, allowed.body


def _answers(store: Store) -> bool:
    try:
        return store.call("GET", "/").status == 200
    except OSError:
        return False


def there(namespace: kube.Namespace) -> Store:
    """The store that a namespace has."""
    known = namespace.get("Secret", NAME)
    assert known is not None, f"there is no store in {namespace.name}"
    key = {name: b64decode(value).decode() for name, value in known["data"].items()}
    return Store(namespace.service(NAME), key["access"], key["secret"])


def _policy(bucket: str) -> bytes:
    allowed = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:PutObject"]}
    statement = {**allowed, "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()


def _signed(store: Store, method: str, path: str, query: str, data: bytes) -> dict[str, str]:
    """The headers of AWS Signature Version 4 (Amazon S3 API Reference, "Signature Calculations")."""
    now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(data).hexdigest()
    host = urllib.parse.urlsplit(store.address.url).netloc
    signed = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    listed = "".join(f"{name}:{value}\n" for name, value in signed.items())
    request = "\n".join((method, path, query, listed, ";".join(signed), digest))
    scope = f"{now[:8]}/{_REGION}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{store.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={store.access}/{scope}"
    return {**signed, "authorization": f"{credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"}


def _service() -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": _PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"selector": _LABELS, "ports": ports},
    }


def _deployment(tells: str) -> dict[str, Any]:
    keys = {"ROOT_ACCESS_KEY_ID": "access", "ROOT_SECRET_ACCESS_KEY": "secret"}
    container = {
        "name": NAME,
        "image": REFERENCE,
        "args": [f"--port=:{_PORT}", f"--event-webhook-url={tells}", "posix", "/data"],
        "env": [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": NAME, "key": key}}} for name, key in keys.items()
        ],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "fsGroup": _USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {"selector": {"matchLabels": _LABELS}, "template": template},
    }
