"""The program: `patternapp`, and ``python -m patternapp``.

What holds here: until the command line is loaded and can say what happened, Ctrl-C ends the process without a word.
"""

import signal


def main() -> None:
    """Load the command line and run it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from patternapp.cli import main as commands  # noqa: PLC0415 - what is to be guarded takes place here

    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands.main()


if __name__ == "__main__":
    main()
