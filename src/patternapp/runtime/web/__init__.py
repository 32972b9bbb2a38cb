"""The one port: who may use it, what each path is, and the control API."""
