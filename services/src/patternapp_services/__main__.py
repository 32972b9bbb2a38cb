"""``python -m patternapp_services ROLE --config FILE``."""

from __future__ import annotations

from patternapp_services import program

program.command()
