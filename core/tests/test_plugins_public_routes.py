"""A plugin's public pages are there for the tenants that have the plugin, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ossature.testing.people import Tenant, client_of

pytestmark = pytest.mark.database


def test_a_public_page_of_a_plugin_answers_only_where_the_plugin_is_enabled(make_tenant: Callable[..., Tenant]) -> None:
    with_it, without = make_tenant(), make_tenant(plugins=frozenset({"crm"}))
    assert client_of(with_it.app, with_it.url).get("/_dummy/about").status_code == 200
    assert client_of(without.app, without.url).get("/_dummy/about").status_code == 404
    assert with_it.member("viewer").page.get("/_dummy/about").status_code == 200
    assert without.member("owner").page.get("/_dummy/about").status_code == 404
