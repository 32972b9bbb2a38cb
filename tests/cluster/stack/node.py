"""The node: a process with namespaces of its own, in which all of a cluster runs, and with which all of it goes.

What holds here:

* The machine sees of it one link, one group of processes in every hierarchy of cgroups, and one folder. Its mounts, its
  firewall and its processes are only in its namespaces, and Linux ends them with its first process.
* When a program ends, the node ends: a part of a cluster that is missing is never found out late.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from cluster import api
from cluster.stack import addresses, cgroups, commands, ingress, layout, state
from components import kafka, process

LINK = "eth0"
"""The node's end of the link to the machine."""
_NAMESPACES = ("--cgroup", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc")
_OWN = ("/run", "/var/log", "/var/lib/cni", "/var/lib/kubelet")
"""Folders of the machine in which programs write whatever they are told; the node has empty ones of its own."""
_READY_WITHIN = 120.0
_LOOK_EVERY = 0.1


def enter(folder: Path) -> None:
    """Become the node of a folder; never returns."""
    place = layout.Layout(folder)
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)  # whoever of the node lives, holds it
    cgroups.enter()
    command = (sys.executable, "-m", "cluster.stack.node", str(place.folder), "--inside")
    os.execvp("unshare", ("unshare", *_NAMESPACES, *command))  # noqa: S606 - it becomes the node


def run(place: layout.Layout) -> None:
    """Run the node, as the first process of its namespaces."""
    _isolate()
    if child := os.fork():
        _reap(child)
    _connect()
    layout.write(place)
    ingress.prepare(place.envoy)
    try:
        programs = _start(place)
    except process.NotStartedError as problem:
        sys.exit(str(problem))
    while all(program.alive for program in programs):
        time.sleep(_LOOK_EVERY)
    state.forget()
    sys.exit(next(program.why() for program in programs if not program.alive))


def _start(place: layout.Layout) -> list[process.Program]:
    """Start all, in the order in which they can."""
    programs = [_launched(place, name, command) for name, command in commands.first(place)]
    folder = place.data / "kafka"
    folder.mkdir()
    broker = kafka.Broker(folder, host=addresses.NODE, port=addresses.KAFKA)
    (folder / "kafka.log").symlink_to(place.logs / "kafka.log")
    broker.prepare()
    broker.program.launch()
    server = api.access(place.kubeconfig("admin"))
    deadline = time.monotonic() + _READY_WITHIN
    while not api.is_ready(server):
        if time.monotonic() > deadline or not all(program.alive for program in programs):
            break  # whose fault it is is found out by whoever called
        time.sleep(_LOOK_EVERY)
    programs += [_launched(place, name, command) for name, command in commands.second(place)]
    return [*programs, broker.program]


def _launched(place: layout.Layout, name: str, command: commands.Command) -> process.Program:
    program = process.Program(command, log=place.logs / f"{name}.log", ready=lambda: True)
    program.launch()
    return program


def _isolate() -> None:
    # What is mounted here is seen by Pods, and by nothing outside.
    _run("mount", "--make-rshared", "/")
    _run("mount", "-t", "sysfs", "sysfs", "/sys")
    cgroups.mount()
    for folder in _OWN:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "tmpfs", folder)
    _run("hostname", layout.NODE)


def _reap(child: int) -> None:
    """What a first process is for: to wait for whatever is left behind, until the one that does the work has ended."""
    while True:
        pid, status = os.wait()
        if pid == child:
            sys.exit(os.waitstatus_to_exitcode(status))


def _connect() -> None:
    """Wait for the link that `link` makes, and make the bridge of Pods. There is no way out but to this machine."""
    deadline = time.monotonic() + _READY_WITHIN
    while not Path("/sys/class/net", LINK).exists():
        if time.monotonic() > deadline:
            sys.exit("the link to the machine did not come")
        time.sleep(_LOOK_EVERY)
    _run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
    bits = addresses.PODS.partition("/")[2]
    for words in (
        "link set lo up",
        f"address add {addresses.NODE}/{addresses.LINK_BITS} dev {LINK}",
        f"link set {LINK} up",
        f"link add {layout.BRIDGE} type bridge",
        f"address add {addresses.POD_GATEWAY}/{bits} dev {layout.BRIDGE}",
        f"link set {layout.BRIDGE} up",
        # So that the node itself may call Services: their addresses are replaced before a packet leaves.
        f"route add {addresses.SERVICES} dev {layout.BRIDGE} src {addresses.NODE}",
    ):
        _run("ip", *words.split())


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def main() -> None:
    """Become a node, or run as one."""
    parser = argparse.ArgumentParser(prog="python -m cluster.stack.node")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", action="store_true", help="the namespaces are there")
    options = parser.parse_args()
    if options.inside:
        run(layout.Layout(options.folder))
    else:
        enter(options.folder)


if __name__ == "__main__":
    main()
