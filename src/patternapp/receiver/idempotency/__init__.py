"""Handles each event once, by its source and id, whoever delivers it however often.

Belongs here: what a claim is (`store`), the stores, and the step in front of the handlers that asks them (`once`). Does
not: HTTP. Only the module of the store that is used imports a database's client.

::

    claim ── new ──────────► handler ── done, reply, Reject ──► settle: kept, and answered again for a day
      │ │                        └───── Retry, a bug ─────────► release: the next delivery may try
      │ └─── held by another ──► 409, Retry-After
      └───── recorded ─────────► the same answer again; 422 where the event is another one of the same name
"""
