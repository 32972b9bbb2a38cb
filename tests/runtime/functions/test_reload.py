from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from runtime.functions.rig import ECHO, HOLD, function

from patternapp.runtime.functions.pool import FunctionUnavailable

if TYPE_CHECKING:
    from runtime.functions.rig import Rig


def version(number: int) -> str:
    return ECHO + textwrap.dedent(
        f"""
        @app.get("/version")
        async def version() -> int:
            return {number}
        """
    )


async def test_a_changed_file_replaces_the_function_that_imported_it_and_no_other(rig: Rig) -> None:
    rig.write(one=version(1), two=version(1))
    await rig.start(function("one", "one:app"), function("two", "two:app"))
    await rig.get("one")
    other = await rig.get("two")

    rig.write(one=version(2))
    await rig.heard.until(lambda: rig.heard.of("reloaded"))

    assert await rig.get("one", "/version") == 2
    assert rig.ready("two") == [other]
    assert [change.function for change in rig.heard.of("reloaded")] == ["one"]


async def test_two_changes_within_a_second_are_both_seen(rig: Rig) -> None:
    rig.write(one=version(1))
    await rig.start(function("one", "one:app"))
    await rig.get("one")

    rig.write(one=version(2))
    await rig.heard.until(lambda: rig.heard.of("reloaded"))
    rig.write(one=version(3))
    await rig.heard.until(lambda: len(rig.heard.of("reloaded")) == 2)

    assert await rig.get("one", "/version") == 3


async def test_a_module_of_the_app_that_several_functions_import_reloads_them_all(rig: Rig) -> None:
    rig.write(shared="NUMBER = 1\n", one=f"import shared\n{ECHO}", two=f"import shared\n{ECHO}", three=ECHO)
    names = ("one", "two", "three")
    await rig.start(*(function(name, f"{name}:app") for name in names))
    for name in names:
        await rig.get(name)

    rig.write(shared="NUMBER = 2\n")
    await rig.heard.until(lambda: len(rig.heard.of("reloaded")) == 2)

    assert {change.function for change in rig.heard.of("reloaded")} == {"one", "two"}


async def test_a_module_that_was_first_imported_in_a_request_is_watched_too(rig: Rig) -> None:
    late = "@app.get('/late')\nasync def late() -> int:\n    import late\n    return late.NUMBER\n"
    rig.write(late="NUMBER = 1\n", one=f"{ECHO}\n{late}")
    await rig.start(function("one", "one:app"))
    assert await rig.get("one", "/late") == 1

    rig.write(late="NUMBER = 2\n")
    await rig.heard.until(lambda: rig.heard.of("reloaded"))

    assert await rig.get("one", "/late") == 2


async def test_the_old_instance_stays_when_the_new_code_cannot_be_imported(rig: Rig) -> None:
    rig.write(one=version(1))
    await rig.start(function("one", "one:app"))
    old = await rig.get("one")

    rig.write(one="this is no Python\n")
    (failure,) = await rig.heard.until(lambda: rig.heard.of("failed"))

    assert "SyntaxError" in failure.reason
    assert str(rig.folder / "one.py") in failure.traceback
    assert await rig.get("one") == old


async def test_the_mended_code_replaces_the_instance_that_stayed(rig: Rig) -> None:
    rig.write(one=version(1))
    await rig.start(function("one", "one:app"))
    await rig.get("one")
    rig.write(one="import nothing_of_that_name\n")
    await rig.heard.until(lambda: rig.heard.of("failed"))

    rig.write(one=version(2))
    await rig.heard.until(lambda: rig.heard.of("reloaded"))

    assert await rig.get("one", "/version") == 2
    assert rig.state("one").last_error is None


async def test_a_function_that_could_not_be_imported_is_tried_as_soon_as_a_file_changes(rig: Rig) -> None:
    rig.write(one=f"import missing\n{ECHO}")
    await rig.start(function("one", "one:app"))
    with pytest.raises(FunctionUnavailable, match="missing"):
        await rig.get("one")

    rig.write(missing="")
    await rig.heard.until(lambda: rig.ready("one"))

    assert await rig.get("one")


async def test_at_zero_a_function_that_has_run_is_imported_again_at_once(rig: Rig) -> None:
    rig.write(one=version(1))
    await rig.start(function("one", "one:app", idle=0.02))
    await rig.get("one")
    await rig.heard.until(lambda: rig.heard.of("stopped"))

    rig.write(one="ratio = 1 / 0\n")
    (failure,) = await rig.heard.until(lambda: rig.heard.of("failed"))

    assert "ZeroDivisionError" in failure.reason


async def test_a_function_that_never_ran_is_left_alone(rig: Rig) -> None:
    rig.write(one=ECHO, two=ECHO)
    await rig.start(function("one", "one:app"), function("two", "two:app"))
    await rig.get("one")

    await rig.pool.reload(["one", "two"])

    assert rig.state("two").instances == ()
    assert [change.function for change in rig.heard.changes] == ["one", "one"]


async def test_requests_in_flight_end_on_the_old_instance_while_new_ones_go_to_the_new(rig: Rig) -> None:
    rig.write(hold=HOLD)
    await rig.start(function("hold", "hold:app"))
    old = await rig.get("hold")

    async with rig.held("hold") as requests:
        await rig.pool.reload(["hold"])
        new = await rig.get("hold")

    assert requests[0].result() == old
    assert new != old
    await rig.heard.until(lambda: rig.heard.of("stopped"))
    assert rig.ready("hold") == [new]


async def test_files_that_are_not_the_apps_own_reload_nothing(rig: Rig) -> None:
    rig.write(one=version(1))
    await rig.start(function("one", "one:app"))
    await rig.get("one")

    for folder in (".venv", "node_modules", "__pycache__"):
        (rig.folder / folder).mkdir()
        (rig.folder / folder / "one.py").write_text("")
    (rig.folder / "notes.txt").write_text("")
    rig.write(unrelated="", one=version(2))
    await rig.heard.until(lambda: rig.heard.of("reloaded"))

    assert len(rig.heard.of("reloaded")) == 1


async def test_nothing_is_compiled_into_the_apps_folder(rig: Rig) -> None:
    rig.write(one=ECHO)
    await rig.start(function("one", "one:app"))
    await rig.get("one")

    assert [path.name for path in rig.folder.iterdir()] == ["one.py"]
