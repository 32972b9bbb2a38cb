from __future__ import annotations

import re

import spec_strategies
from hypothesis import given
from hypothesis import strategies as st

from patternapp.render import names

KEYS = st.one_of(
    st.builds(
        lambda pattern, name: f"{pattern}/{name}",
        st.sampled_from(["event-driven", "queue", "stream", "schedule", "source"]),
        spec_strategies.NAMES,
    ),
    st.builds(lambda entry, part: f"fan-out/{entry}/{part}", spec_strategies.NAMES, spec_strategies.NAMES),
)


@given(spec_strategies.NAMES, st.lists(KEYS, unique=True, max_size=8))
def test_two_entries_of_an_app_never_share_a_name(app: str, keys: list[str]) -> None:
    made = {names.entry(app, key) for key in keys}

    assert len(made) == len({names.job_sink(app, key) for key in keys}) == len(keys)
    assert all(len(name) <= names.LABEL_LIMIT for name in made)


@given(spec_strategies.NAMES, st.lists(spec_strategies.NAMES, unique=True, max_size=8))
def test_no_function_has_the_name_of_another_or_of_our_own_services(app: str, functions: list[str]) -> None:
    made = {names.function(app, function) for function in functions} | {names.own(app, role) for role in names.OWN}

    assert len(made) == len(functions) + len(names.OWN)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) for name in made)
    assert all(len(name) <= names.SERVICE_LIMIT for name in made)
