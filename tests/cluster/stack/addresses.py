"""The cluster's addresses: of the machine and the node on the link between them, of Pods, of Services, and ports.

What holds here: no range is one that clusters take by default, so another can run on the same machine.
"""

from __future__ import annotations

NODE = "10.245.255.2"
MACHINE = "10.245.255.1"
"""This machine's end of the link, as Pods and the node see it."""
LINK_BITS = 30
PODS = "10.245.0.0/24"
POD_GATEWAY = "10.245.0.1"
SERVICES = "10.97.0.0/16"
KUBERNETES = "10.97.0.1"
"""The Service of the API server: the first of its range."""
DNS = "10.97.0.10"

API_SERVER = 6443
ETCD = 2379
KAFKA = 9092
REDIS = 6379
INGRESS = 8080
INTERNAL_INGRESS = 8081
ENVOY_ADMIN = 9901
