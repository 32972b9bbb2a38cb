"""PatternApp's own data-plane services, each an ASGI app: `dev` mounts them, a cluster runs them as images.

They take what they need as arguments (where to publish, how to reach a function) and read no PatternApp file.
"""
