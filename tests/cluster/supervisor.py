"""The process that owns an etcd, a kube-apiserver and the few controllers without which nothing ever goes away.

What holds here:

* Only the API server listens on a port, on loopback; etcd listens on a socket inside a folder that only its owner
  may enter, and secrets are only there.
* It says one line of JSON: all that a client must know, once it is ready, or what went wrong.
* It ends on SIGTERM, when a program ends, or, if it is attached, when its input ends, which is when whoever started
  it is gone. The programs and the folder go with it.
* Of the controllers only those of `CONTROLLERS` run: garbage is collected, a deleted namespace is emptied, and a claim
  that is deleted goes; nothing makes Pods.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cluster import api, build, definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "persistentvolumeclaim-protection-controller")
_READY_WITHIN = 60.0
_LOOK_EVERY = 0.05
_LAST_LINES = 20
_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
"""Where there is such a command, Linux ends the programs even if the supervisor is killed."""


class _StartError(Exception):
    """A program ended, or was not ready in time; the message has the end of its log."""


class Supervisor:
    """The programs of one control plane, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> dict[str, object]:
        """Start all; what a client has to know, once the server is ready and has the definitions."""
        key = self._folder / "service-accounts.key"
        _run("openssl", "genrsa", "-out", str(key), "2048")
        token = secrets.token_urlsafe()
        (self._folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
        with _reserved_port() as port:
            self._launch("etcd", *self._etcd())
            self._launch("kube-apiserver", *self._kube_apiserver(port, key))
            url = f"https://{HOST}:{port}"
            kubeconfig = self._folder / "kubeconfig"
            kubeconfig.write_text(_kubeconfig(url, self._certificates / "apiserver.crt", token))
            server = self._ready(kubeconfig)
        definitions.install(server)
        server.close()
        # After the definitions: what is there when it starts it need not discover, which it does twice a minute.
        self._launch("kube-controller-manager", *self._kube_controller_manager(kubeconfig))
        pids = {name: program.pid for name, program in self._programs.items()}
        return {"url": url, "kubeconfig": str(kubeconfig), "pids": pids}

    def watch(self, told_by: tuple[socket.socket | TextIO, ...]) -> None:
        """Return once a program has ended or there is something to read."""
        while not select.select(told_by, (), (), 1.0)[0]:
            if any(program.poll() is not None for program in self._programs.values()):
                return

    def stop(self) -> None:
        """End the programs at once: nothing that they hold is wanted again."""
        for program in self._programs.values():
            program.kill()
        for program in self._programs.values():
            program.wait()

    @property
    def _certificates(self) -> Path:
        return self._folder / "certificates"

    def _etcd(self) -> Iterator[str]:
        yield f"--data-dir={self._folder / 'etcd'}"
        yield f"--listen-client-urls={self._etcd_url}"
        yield f"--advertise-client-urls=http://{HOST}:0"  # for members of a cluster; there is one
        yield f"--listen-peer-urls=http://{HOST}:0"
        yield "--unsafe-no-fsync"

    @property
    def _etcd_url(self) -> str:
        return f"unix://{self._folder / 'etcd.sock'}"

    def _kube_apiserver(self, port: int, key: Path) -> Iterator[str]:
        yield f"--etcd-servers={self._etcd_url}"
        yield f"--bind-address={HOST}"
        yield f"--advertise-address={HOST}"
        yield f"--secure-port={port}"
        yield "--permit-port-sharing"
        # It makes a certificate of its own, for this address.
        yield f"--cert-dir={self._certificates}"
        yield f"--token-auth-file={self._folder / 'tokens.csv'}"
        yield "--authorization-mode=RBAC"
        yield "--service-account-issuer=https://kubernetes.default.svc"
        yield f"--service-account-key-file={key}"
        yield f"--service-account-signing-key-file={key}"
        yield "--service-cluster-ip-range=10.96.0.0/16"
        # Its own address is no endpoint that a Pod could reach, and there are no Pods.
        yield "--endpoint-reconciler-type=none"
        # It wants the namespace's default ServiceAccount, which a controller makes; all other admission is on.
        yield "--disable-admission-plugins=ServiceAccount"

    def _kube_controller_manager(self, kubeconfig: Path) -> Iterator[str]:
        yield f"--kubeconfig={kubeconfig}"
        yield f"--controllers={','.join(CONTROLLERS)}"
        yield "--leader-elect=false"
        yield "--secure-port=0"
        # Its default of 20 requests a second would make tests wait for it.
        yield "--kube-api-qps=500"
        yield "--kube-api-burst=1000"

    def _launch(self, name: str, *options: str) -> None:
        bound = _WITH_PARENT if shutil.which(_WITH_PARENT[0]) else ()
        with self._log(name).open("wb") as log:
            self._programs[name] = subprocess.Popen(
                (*bound, str(build.program(name)), *options), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _ready(self, kubeconfig: Path) -> api.Api:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            self._require_alive()
            # The certificate is there first, then the port, then all that starts with the server.
            with contextlib.suppress(OSError):
                server = api.Api(api.access(kubeconfig))
                if server.get("/readyz").status == 200:
                    return server
                server.close()
            time.sleep(_LOOK_EVERY)
        raise _StartError(f"kube-apiserver was not ready in {_READY_WITHIN:.0f} s:\n{self._end('kube-apiserver')}")

    def _require_alive(self) -> None:
        for name, program in self._programs.items():
            if program.poll() is not None:
                raise _StartError(f"{name} ended with {program.returncode}:\n{self._end(name)}")

    def _end(self, name: str) -> str:
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-_LAST_LINES:])


@contextlib.contextmanager
def _reserved_port() -> Iterator[int]:
    """A free port that nobody else is given until the server, which shares it, listens on it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def _kubeconfig(url: str, authority: Path, token: str) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(authority)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    return json.dumps(config, indent=2)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        raise _StartError(f"{command[0]} is not installed; it makes the key that signs tokens") from None


def main() -> None:
    """Run a control plane in an empty folder, and remove that at the end."""
    parser = argparse.ArgumentParser(prog="python -m cluster.supervisor")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--attached", action="store_true", help="end when standard input ends; else, stay and detach")
    options = parser.parse_args()
    options.folder.mkdir(mode=0o700, exist_ok=True)
    if not options.attached and _detached(options.folder / "supervisor.log"):
        return
    with (options.folder / "lock").open("w") as lock:
        print(os.getpid(), file=lock, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        _supervise(options.folder, told_by=(_termination(), *((sys.stdin,) if options.attached else ())))


def _detached(log: Path) -> bool:
    """Go on in a process of its own; whether this is the one that is left behind."""
    if os.fork():
        return True
    os.setsid()
    os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY), sys.stderr.fileno())
    return False


def _termination() -> socket.socket:
    """Something that can be read once SIGTERM has come, so that nothing is interrupted half-way."""
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.detach())
    signal.signal(signal.SIGTERM, lambda *_: None)
    return woken


def _supervise(folder: Path, told_by: tuple[socket.socket | TextIO, ...]) -> None:
    supervisor = Supervisor(folder)
    try:
        state = json.dumps(supervisor.start())
        (folder / "state.json").write_text(state)
        _say(state)
        supervisor.watch(told_by)
    except (_StartError, AssertionError) as problem:
        _say(json.dumps({"error": str(problem)}))
    finally:
        supervisor.stop()
        shutil.rmtree(folder)


def _say(line: str) -> None:
    """Say the one line, and hang up: whoever reads to the end is not to wait any longer."""
    print(line, flush=True)  # noqa: T201 - the line that whoever started this waits for
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
