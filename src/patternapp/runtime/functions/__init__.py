"""Functions as real processes on loopback, started on demand and scaled from and to zero.

Belongs here: the pool (`pool`), what it keeps of each function (`activator`, `instance`), which files of the app were
saved (`edits`), whom `dev` has it tell (`reporter`), the fork server and what runs in its children (`forkserver`,
`child`, `voice`, `modules`), and what they say to each other (`packets`). Does not: events, HTTP requests, delivery.
Linux only: it needs pidfd, memfd and the parent-death signal.

::

    dev: pool ── activator ── instance ── launcher ──┐ control socket: fork, signal, exited
                     (per function)  ▲               ▼
                                     │          fork server: FastAPI and uvicorn imported, no code of the app
         pipes: stdout and stderr,   │               │ fork
         channel: ready, lines       └──────────── child: one instance, serving the socket that dev bound
"""
