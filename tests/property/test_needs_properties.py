from __future__ import annotations

from typing import Any

import spec_strategies
from hypothesis import HealthCheck, given, settings

from patternapp.cluster import resources
from patternapp.plan import compile as compiler
from patternapp.render import capabilities, objects
from patternapp_operator import needs

SENDERS_KNOWN = capabilities.Capabilities(authentication_oidc=True)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(spec_strategies.resources())
def test_whatever_an_app_becomes_is_among_the_kinds_of_its_patterns(app: dict[str, Any]) -> None:
    patterns = [pattern for pattern in needs.PATTERNS if app["spec"].get(pattern)]

    items = objects.render(compiler.compile_app(spec_strategies.parsed(app)), SENDERS_KNOWN)

    assert {needs.resource(resources.kind_of(item)) for item in items} <= set(needs.resources(patterns))
