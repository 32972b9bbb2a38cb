"""A plan as Kubernetes objects: plain dicts, one API family a module, byte-stable.

Not here: talking to a cluster, reading files, deciding what an app consists of (`patternapp.plan`).
"""
