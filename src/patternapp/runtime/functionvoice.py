"""What functions say and what becomes of them, from the pool to the terminal and the store."""

from __future__ import annotations
