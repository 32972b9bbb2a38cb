"""A small shop of functions, one module each. They share `records`, `catalogue`, `storage`, `outbox` and `web`."""
