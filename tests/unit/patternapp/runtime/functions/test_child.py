from __future__ import annotations

from patternapp.runtime.functions import child, instance, voice


def test_the_event_is_read_from_the_requests_headers() -> None:
    assert voice.number_of([(b"host", b"x"), (b"patternapp-event", b"41")]) == 41


def test_a_header_that_is_no_number_is_no_event() -> None:
    assert voice.number_of([(b"patternapp-event", b"-1"), (b"other", b"3")]) is None


def test_no_error_has_no_traceback() -> None:
    assert child.describe(None) == ""


def test_exits_are_told_in_words() -> None:
    codes = (0, 3, -9, -63)

    assert [instance.describe_exit(code) for code in codes] == [
        "exited with code 0",
        "exited with code 3",
        "was killed by SIGKILL",
        "was killed by signal 63",
    ]
