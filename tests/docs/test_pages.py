from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from docs import pages

from patternapp.spec import load

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*sorted((pages.ROOT / "docs").rglob("*.md")), pages.ROOT / "README.md"]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")
PATTERNS = ("event-driven", "fan-out", "gateway", "queue", "schedule", "stream")


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.name)
def test_a_page_shows_what_its_files_say(page: Path) -> None:
    """`make golden` writes it anew."""
    assert pages.filled(page) == page.read_text()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_a_page_with_app_picture_objects_test_and_mistakes(pattern: str) -> None:
    page = pages.ROOT / "docs" / "patterns" / f"{pattern}.md"
    folder = f"examples/patterns/{pattern.replace('-', '_')}"

    used = set(pages.files(page))

    assert {f"{folder}/app.yaml", f"{folder}/tests/test_app.py", f"docs/patterns/mistakes/{pattern}.yaml"} <= used
    assert "```mermaid" in page.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_whole_app_on_a_page_is_valid_unless_its_mistakes_are_shown(page: Path) -> None:
    text = re.sub(r"^<!-- problems .*?^<!-- end -->$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)

    for match in FENCE.finditer(text):
        if match["language"] == "yaml" and "kind: PatternApp" in match["text"]:
            assert load.load_all(match["text"], file=page.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(FENCE.sub("", page.read_text()))]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_tests_of_the_samples_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "examples/patterns"]

    result = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout
