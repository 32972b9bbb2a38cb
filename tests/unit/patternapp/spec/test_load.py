from __future__ import annotations

import pathlib

import pytest

from patternapp import errors
from patternapp.spec import load, yaml

EXAMPLE = pathlib.Path(__file__).with_name("design-example.yaml")
APP = """\
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: NAME}
spec:
  functions:
    - {name: orders, handler: shop.orders:app}
"""


def app(name: str = "shop", more: str = "") -> str:
    return APP.replace("NAME", name) + more


def problems(text: str | bytes) -> tuple[errors.Problem, ...]:
    with pytest.raises(errors.SpecError) as caught:
        load.load_all(text, file="app.yaml")
    return caught.value.problems


def test_the_example_of_the_design_is_valid() -> None:
    shop = load.load(EXAMPLE.read_bytes(), file=EXAMPLE.name)

    assert [function.name for function in shop.spec.functions][:2] == ["orders", "thumbnails"]
    assert shop.spec.schedules[0].data == {"keep": 7}
    assert shop.spec.gateway is not None
    assert shop.spec.gateway.routes[2].auth == "none"


def test_what_is_left_out_has_its_default() -> None:
    shop = load.load(app(), file="app.yaml")

    assert shop.spec.functions[0].scale.max == 10
    assert shop.spec.functions[0].timeout == "30s"


def test_a_problem_says_file_line_path_reason_and_mend() -> None:
    (problem,) = problems(app(more="  queus: []\n"))

    assert problem == errors.Problem(
        "app.yaml", 7, "spec.queus", "UnknownField", "unknown field; did you mean 'queues'?"
    )


def test_problems_of_yaml_structure_and_rules_are_told_together() -> None:
    found = problems(app(more="  image: a\n  image: b\n  brokr: {}\n  schedules: [{name: s, cron: x, function: f}]\n"))

    assert [(problem.line, problem.reason) for problem in found] == [
        (8, "DuplicateKey"),
        (9, "UnknownField"),
        (10, "BadCron"),
        (10, "UnknownFunction"),
    ]


def test_a_wrong_entry_of_a_list_does_not_hide_what_the_rules_find_elsewhere() -> None:
    gateway = "  gateway: {routes: [{name: r, path: /r, methods: [FETCH], function: orders}]}\n"

    found = problems(app(more=gateway + "  schedules: [{name: s, cron: x, function: f}]\n"))

    assert [(problem.path, problem.reason) for problem in found] == [
        ("spec.gateway.routes[0].methods[0]", "NotAllowed"),
        ("spec.schedules[0].cron", "BadCron"),
        ("spec.schedules[0].function", "UnknownFunction"),
    ]


def test_what_is_wrong_already_is_not_wrong_twice() -> None:
    found = problems(app(more="  image: yes\n  delivery: {retry: on}\n"))

    assert [problem.reason for problem in found] == ["AmbiguousValue", "AmbiguousValue"]


def test_an_object_that_lost_a_broken_field_is_not_blamed_for_it() -> None:
    found = problems(app(more="  queues: [{name: q, kafka: {topik: t}, function: orders}]\n"))

    assert [(problem.path, problem.reason) for problem in found] == [
        ("spec.queues[0].kafka.bootstrapServers", "MissingField"),
        ("spec.queues[0].kafka.topic", "MissingField"),
        ("spec.queues[0].kafka.topik", "UnknownField"),
    ]


def test_every_app_of_a_file_is_loaded() -> None:
    apps = load.load_all(app("a") + "---\n" + app("b"), file="app.yaml")

    assert [found.metadata.name for found in apps] == ["a", "b"]


def test_problems_of_a_later_document_have_its_lines() -> None:
    (problem,) = problems(app("a") + "---\n" + app("b", "  imag: x\n"))

    assert problem.line == 14


def test_two_apps_of_one_name_are_refused() -> None:
    assert [problem.reason for problem in problems(app() + "---\n" + app())] == ["DuplicateName"]


def test_a_file_of_two_apps_is_refused_where_one_is_wanted() -> None:
    with pytest.raises(errors.SpecError) as caught:
        load.load(app("a") + "---\n" + app("b"), file="app.yaml")

    assert [problem.reason for problem in caught.value.problems] == ["SeveralApps"]


def test_another_kind_is_named() -> None:
    (problem,) = problems(app() + "---\napiVersion: v1\nkind: Secret\ndata: {}\n")

    assert (problem.line, problem.path, problem.reason) == (9, "kind", "OtherKind")
    assert "'Secret'" in problem.message


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", b""])
def test_an_empty_file_is_refused(text: str | bytes) -> None:
    assert [problem.reason for problem in problems(text)] == ["Empty"]


@pytest.mark.parametrize("text", ["just text", "- a\n", "5", "true"])
def test_a_document_that_is_no_object_is_refused(text: str) -> None:
    (problem,) = problems(text)

    assert (problem.path, problem.reason) == ("document", "WrongType")


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    found = problems(app(more="".join(f"  x{number}: 1\n" for number in range(1_000))))

    assert len(found) == load.PROBLEM_LIMIT + 1
    assert found[-1].reason == "TooManyProblems"


def test_a_caller_can_accept_a_reason() -> None:
    text = app(more="  delivery: {deadLetter: {uri: 'http://127.0.0.1:9000/'}}\n")

    assert load.load(text, file="app.yaml", accept={"LoopbackAddress"}).metadata.name == "shop"
    assert [problem.reason for problem in problems(text)] == ["LoopbackAddress"]


def test_an_object_of_the_api_server_is_read_without_what_others_wrote() -> None:
    resource = {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": "shop", "uid": "1", "resourceVersion": "2", "managedFields": []},
        "spec": {"functions": [{"name": "orders", "handler": "shop.orders:app"}]},
        "status": {"observedGeneration": 1},
    }

    assert load.from_object(resource).metadata.name == "shop"


def test_a_wrong_object_of_the_api_server_is_refused() -> None:
    with pytest.raises(errors.SpecError) as caught:
        load.from_object({"apiVersion": "patternapp.dev/v1alpha1", "kind": "PatternApp", "metadata": {"name": "shop"}})

    assert [problem.path for problem in caught.value.problems] == ["spec"]


def test_what_makes_an_app_impossible_cannot_be_accepted() -> None:
    with pytest.raises(errors.SpecError):
        load.load(app(more="  imag: x\n"), file="app.yaml", accept={"UnknownField"})


def test_the_routes_beside_a_broken_one_are_judged_and_keep_their_places() -> None:
    routes = "[{path: /a}, {name: b, path: /healthz, function: orders}, 5, {name: c, path: /c, function: nobody}]"

    found = problems(app(more=f"  gateway: {{routes: {routes}}}\n"))

    assert [(problem.path, problem.reason) for problem in found] == [
        ("spec.gateway.routes[0].name", "MissingField"),
        ("spec.gateway.routes[1].path", "ReservedPath"),
        ("spec.gateway.routes[2]", "WrongType"),
        ("spec.gateway.routes[3].function", "UnknownFunction"),
    ]


def test_what_a_nameless_function_may_be_called_is_not_guessed() -> None:
    text = app(more="  eventDriven: [{name: a, function: other}, {name: a, function: orders}]\n")

    found = problems(text.replace("functions:", "functions:\n    - {handler: 'a:b'}"))

    assert [problem.reason for problem in found] == ["MissingField", "DuplicateName"]


def test_a_file_that_is_too_large_is_told_the_limit() -> None:
    (problem,) = problems("#" * (yaml.BYTE_LIMIT + 1))

    assert problem.message == "more than 1048576 bytes; move data out of the file"
