from __future__ import annotations

import pytest

from patternapp import errors
from patternapp.http import limits


def test_the_environment_says_what_differs_from_the_usual_limits() -> None:
    known = limits.of({"PATTERNAPP_HEAD_SIZE": "4096", "PATTERNAPP_BODY_TIMEOUT": "0.5", "PATH": "/bin"})

    assert known == limits.Limits(head_size=4096, body_timeout=0.5)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "PATTERNAPP_HEADERS",
            "many",
            "PATTERNAPP_HEADERS=many is not a count from 1; mend it, or leave it out",
        ),
        ("PATTERNAPP_CONNECTIONS", "0", "is not a count from 1"),
        ("PATTERNAPP_CONNECTIONS", "1.5", "is not a count from 1"),
        ("PATTERNAPP_CONNECTIONS", "\u00b2", "is not a count from 1"),
        ("PATTERNAPP_IDLE_TIMEOUT", "-1", "is not seconds from 0"),
        ("PATTERNAPP_IDLE_TIMEOUT", "nan", "is not seconds from 0"),
        ("PATTERNAPP_IDLE_TIMEOUT", "inf", "is not seconds from 0"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_its_name(name: str, text: str, says: str) -> None:
    with pytest.raises(errors.EnvironmentProblem) as caught:
        limits.of({name: text})

    assert says in str(caught.value)
