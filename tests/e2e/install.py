"""PatternApp and its sample shop on the cluster that is up, as a user installs them: `python -m e2e.install`.

What holds here:

* Again, it brings to the same state what is there, whatever of it is older.
* The chart is installed by Helm and tried out by `helm test`; nothing of it is changed but the names of the images.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kafka
import yaml
from charts import helm as helms
from cluster import api, versions
from cluster import build as building
from cluster.stack import state
from e2e import images, kube, store, volumes
from kafka import admin as kafka_admin
from kafka import errors as kafka_errors
from tools import build as tools

from patternapp.cluster import state as app_state
from patternapp.render import names

if TYPE_CHECKING:
    from cluster.stack.state import Stack

SYSTEM = "patternapp-system"
SHOP = "shop"
UPLOADS = "new-upload"
"""The entry of the shop whose function is called with pictures."""
TOPICS = {"shop-invoices": 4, "shop-clicks": 1}
"""The shop's topics, each with a partition for every worker that it may have."""
_HELM = "helm-4"
_WITHIN = 300.0
_REPORT_EVERY = 5.0
_APP = versions.ROOT / "examples" / "shop" / "app.yaml"


class NotInstalledError(Exception):
    """Something does not work as it should; the message says what."""


def install(stack: Stack, server: api.Api) -> None:
    """Everything, in order.

    Raises:
        NotInstalledError: something refused, or does not work in time.
        cluster.build.NotBuiltError: an image cannot be made.
    """
    _say("images")
    images.build()
    images.load(stack.containerd)
    volumes.provide(server)
    operator(stack, server)
    shop(stack, server)


def operator(stack: Stack, server: api.Api, *, chart: Path = helms.CHART, root: Path = versions.ROOT) -> None:
    """Install or upgrade a tree's operator, wait until all replicas are its, and try it out.

    Raises:
        NotInstalledError: Helm refused, or the trial failed.
    """
    kube.make(stack, server, name=SYSTEM)
    chosen = [
        f"--set={field}={value}"
        for part, name in (("image", "operator"), ("services.image", "services"))
        for field, value in _image(part, images.reference(name, root)).items()
    ]
    _say(f"operator {images.tag('operator', root)}")
    helm(stack, "upgrade", "--install", "patternapp", chart, "--wait", f"--timeout={_WITHIN:.0f}s", *chosen)
    _say("helm test")
    helm(stack, "test", "patternapp", "--logs")


def _image(part: str, reference: str) -> dict[str, str]:
    registry, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    return {f"{part}.registry": registry, f"{part}.repository": repository, f"{part}.tag": tag}


def helm(stack: Stack, *arguments: str | Path) -> str:
    """What a command of Helm prints, in the operator's namespace.

    Raises:
        NotInstalledError: it failed.
    """
    tools.require()
    with tempfile.TemporaryDirectory() as home:
        answer = helms.Helm(_HELM, Path(home), stack.kubeconfig).run(*arguments, "--namespace", SYSTEM)
    if answer.returncode:
        raise NotInstalledError(f"helm {' '.join(map(str, arguments))}\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def shop(stack: Stack, server: api.Api) -> None:
    """The shop of `examples/shop`, with this tree's image and the cluster's Kafka.

    Raises:
        NotInstalledError: it is not ready in time.
    """
    namespace = kube.make(stack, server, name=SHOP)
    topics(stack, TOPICS)
    if namespace.get("Secret", "pay-hook") is None:
        key = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        namespace.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pay-hook"}, "stringData": {"secret": key}}
        )
    namespace.apply(manifest(stack))
    _ready(kube.App(namespace, SHOP))
    hears = f"http://{names.own(SHOP, names.BUCKET_EVENTS)}.{SHOP}.svc.cluster.local/source/{UPLOADS}"
    store.install(namespace, tells=hears)


def manifest(stack: Stack) -> dict[str, Any]:
    """The shop's `app.yaml` with this tree's image, and the cluster's Kafka and S3 store."""
    app: dict[str, Any] = yaml.safe_load(_APP.read_text())
    app["spec"]["image"] = images.reference("shop")
    for entry in (*app["spec"]["queues"], *app["spec"]["streams"]):
        entry["kafka"]["bootstrapServers"] = [stack.kafka]
    (pictures,) = (one for one in app["spec"]["functions"] if one["name"] == "thumbnails")
    pictures["env"] = [{"name": "AWS_ENDPOINT_URL_S3", "value": store.endpoint(SHOP)}]
    pictures["resources"]["requests"]["cpu"] = "25m"  # the only node has two cores, and much else has a share of them
    return app


def topics(stack: Stack, wanted: dict[str, int]) -> None:
    """Make topics with so many partitions; one that is there stays."""
    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=stack.kafka)) as client:
        for name, partitions in wanted.items():
            with contextlib.suppress(kafka_errors.TopicAlreadyExistsError):
                client.create_topics([kafka_admin.NewTopic(name, partitions, 1)])


def _ready(app: kube.App) -> None:
    """Wait until an app works, and say how it goes."""
    began = said = time.monotonic()
    while not app.ready():
        now = time.monotonic()
        if now - began > _WITHIN:
            raise NotInstalledError(f"{app.name} is not ready after {_WITHIN:.0f} s\n{app.namespace.told()}")
        if now - said > _REPORT_EVERY:
            said = now
            told = app_state.brief(app.live()).said
            _say(f"{app.name}: {now - began:.0f} s: {told.reason}: {told.message}")
        time.sleep(0.5)  # between two looks at the cluster
    _say(f"{app.name} is ready after {time.monotonic() - began:.1f} s")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Install; exit code 3 and the reason where there is nothing to install on or with, 1 where it does not work."""
    try:
        stack = state.read()
        with contextlib.closing(api.Api(api.access(stack.kubeconfig))) as server:
            install(stack, server)
    except (state.NotUpError, building.NotBuiltError) as problem:
        _say(f"{problem}")
        sys.exit(3)
    except NotInstalledError as problem:
        _say(f"{problem}")
        sys.exit(1)


if __name__ == "__main__":
    main()
