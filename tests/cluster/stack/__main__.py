"""`python -m cluster.stack up`, `down`, `status` and `build`: the whole real stack on this machine."""

from __future__ import annotations

import argparse
import sys

from cluster import build
from cluster.stack import building, lifecycle


def main() -> None:
    """Do what is asked; exit code 3 and the reason where the environment is in the way, 1 where something failed."""
    commands = {
        "build": building.build,
        "up": lifecycle.up,
        "down": lifecycle.down,
        "status": lifecycle.status,
    }
    parser = argparse.ArgumentParser(prog="python -m cluster.stack")
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except (build.NotBuiltError, lifecycle.UnfitError) as problem:
        _give_up(str(problem), 3)
    except lifecycle.FailedError as problem:
        _give_up(str(problem), 1)


def _give_up(why: str, code: int) -> None:
    sys.stderr.write(f"{why}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
