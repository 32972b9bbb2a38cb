"""An app on a cluster: the kinds it becomes, what it wants there, whose an object is, and whether it works.

The operator builds on what is pure here, and has requests of its own. The command line asks a cluster through `client`
and `connection`, which alone do I/O: reads and dry runs. Nothing here ever changes a cluster.
"""
