"""What must exist for an app to run, told neither in Kubernetes' words nor in asyncio's.

Here belong values (nodes and edges) and pure functions from `patternapp.spec` to them, one module a pattern.
Not here: object kinds, sockets, clocks, files.
"""
