from __future__ import annotations

import re

from patternapp_operator import admission, needs

BUDGET, QUESTION = 10_000_000, 350_000
"""What a policy may cost, and what asking the authorizer once costs, in the API server's units."""
POLICIES = [item["spec"] for item in admission.objects() if item["kind"] == "ValidatingAdmissionPolicy"]


def questions(text: str) -> int:
    return text.count(".check(")


def test_no_policy_can_ask_more_than_its_budget_allows() -> None:
    for policy in POLICIES:
        expressions = [one["expression"] for one in (*policy["variables"], *policy["validations"])]

        assert max(map(questions, expressions)) == 1
        assert sum(map(questions, expressions)) * QUESTION < BUDGET * 0.9


def test_messages_ask_nothing_as_the_server_would_not_let_them() -> None:
    for policy in POLICIES:
        asking = {one["name"] for one in policy["variables"] if questions(one["expression"])}
        for validation in policy["validations"]:
            named = set(re.findall(r"variables\.(\w+)", validation["messageExpression"]))
            assert not questions(validation["messageExpression"])
            assert not named & asking


def test_every_kind_is_asked_about_once() -> None:
    asked = [
        text for one in POLICIES[0]["validations"] for text in re.findall(r"resource\('(\w+)'\)", one["expression"])
    ]

    assert sorted(asked) == sorted(needs.split(name)[1] for name in needs.resources(needs.PATTERNS))


def test_every_policy_fails_closed_and_is_bound_to_deny() -> None:
    policies = {item["metadata"]["name"]: item for item in admission.objects() if "validations" in item["spec"]}
    bindings = [item["spec"] for item in admission.objects() if "policyName" in item["spec"]]

    assert {one["policyName"] for one in bindings} == policies.keys()
    assert all(
        one["validationActions"] == ["Deny"] and one.keys() == {"policyName", "validationActions"} for one in bindings
    )
    assert {policy["spec"]["failurePolicy"] for policy in policies.values()} == {"Fail"}


def test_variables_stand_before_they_are_used() -> None:
    for policy in POLICIES:
        seen: set[str] = set()
        for variable in policy["variables"]:
            assert set(re.findall(r"variables\.(\w+)", variable["expression"])) <= seen
            seen.add(variable["name"])
