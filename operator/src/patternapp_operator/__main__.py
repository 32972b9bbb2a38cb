"""The program: ``python -m patternapp_operator``."""

from __future__ import annotations

import asyncio
import os
import sys

from kubernetes.aio import config

from patternapp import errors
from patternapp_operator import logs, program, settings


def main() -> int:
    """Run one replica; the exit code is 3 where the environment is in the way."""
    chosen = settings.parse(sys.argv[1:], os.environ)
    logs.begin(chosen.log_level)
    try:
        asyncio.run(program.run(chosen))
    except (config.ConfigException, errors.PatternAppError, OSError) as error:
        sys.stderr.write(f"patternapp-operator: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
