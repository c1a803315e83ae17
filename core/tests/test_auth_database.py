"""What the database itself keeps from the application: accounts, sessions, secrets, other tenants' members."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ossature.auth.accounts import make_password_link
from ossature.auth.sign_in import choose_tenant
from ossature.context import Context
from ossature.db import transaction
from ossature.ids import new_id
from ossature.rbac.members import add_member, list_members
from ossature.rbac.roles import role_by_key
from ossature.testing.people import Tenant

pytestmark = pytest.mark.database

CLOSED = ("user_account", "session", "refresh_token", "password_link", "sign_in_attempt", "denial")
OPEN = ("member", "role", "role_grant", "member_role", "team", "team_member", "api_key", "legal_entity")
OPERATOR_ONLY = (
    "system_create_tenant",
    "system_set_status",
    "system_user",
    "system_set_platform_admin",
    "system_denials",
)


@pytest.mark.req("S2-031")
@pytest.mark.parametrize("table", OPEN)
def test_a_tenant_sees_its_own_rows_alone(make_tenant: Callable[..., Tenant], table: str) -> None:
    mine, theirs = make_tenant(), make_tenant()
    for tenant in (mine, theirs):
        tenant.member("owner")
    with mine.work() as work:
        tenants = work.execute(text(f"SELECT DISTINCT tenant_id FROM ossature.{table}")).scalars().all()
    assert set(tenants) <= {mine.id}
    with transaction(Context(means="command")) as work:
        assert work.execute(text(f"SELECT count(*) FROM ossature.{table}")).scalar_one() == 0


@pytest.mark.parametrize("table", CLOSED)
def test_the_application_cannot_read_what_belongs_to_no_tenant(tenant: Tenant, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), tenant.work() as work:
        work.execute(text(f"SELECT 1 FROM ossature.{table}"))


def test_functions_run_with_a_fixed_search_path_and_are_nobodys_by_default(tenant: Tenant) -> None:
    with tenant.work() as work:
        rows = work.execute(
            text(
                "SELECT p.proname, p.proconfig, has_function_privilege('public', p.oid, 'execute') AS everyone,"
                " has_function_privilege(current_user, p.oid, 'execute') AS mine"
                " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
                " WHERE n.nspname = 'ossature' AND p.prosecdef"
            )
        ).all()
    assert len(rows) > 30
    for row in rows:
        assert "search_path=pg_catalog, pg_temp" in row.proconfig, row.proname
        others = {setting.partition("=")[0] for setting in row.proconfig} - {"search_path"}
        assert others <= {"enable_seqscan", "enable_indexscan", "plan_cache_mode"}, row.proname
        assert not row.everyone, row.proname
    assert not [row.proname for row in rows if row.proname in OPERATOR_ONLY and row.mine]


def test_a_member_of_another_tenant_cannot_be_referred_to_even_by_a_guessed_id(
    make_tenant: Callable[..., Tenant],
) -> None:
    mine, theirs = make_tenant(), make_tenant()
    stranger, me = theirs.member("viewer"), mine.member("owner")
    with mine.work() as work:
        role = work.execute(text("SELECT id FROM ossature.role WHERE key = 'viewer'")).scalar_one()
    with pytest.raises(IntegrityError), mine.work() as work:
        work.execute(
            text("INSERT INTO ossature.member_role (id, member_id, role_id) VALUES (:id, :member, :role)"),
            {"id": new_id(), "member": stranger.member_id, "role": role},
        )
    assert me.member_id != stranger.member_id


def test_a_link_for_a_first_password_is_made_for_ones_own_new_accounts_alone(
    make_tenant: Callable[..., Tenant],
) -> None:
    mine, theirs = make_tenant(), make_tenant()
    stranger = theirs.member("viewer")
    with mine.work():
        assert make_password_link(stranger.user_id) is None


def test_when_somebody_signed_in_elsewhere_is_not_told(make_tenant: Callable[..., Tenant]) -> None:
    mine, theirs = make_tenant(), make_tenant()
    stranger = theirs.member("viewer")
    with mine.work():
        add_member(stranger.user_id, "Stranger", [role_by_key("viewer").id])
    stranger.session("page")

    def seen(tenant: Tenant) -> bool:
        with tenant.work():
            found = next(member for member in list_members() if member.user_id == stranger.user_id)
        return found.last_sign_in_at is not None

    assert (seen(theirs), seen(mine)) == (True, False)
    assert choose_tenant(stranger.session("page"), stranger.user_id, mine.id)
    assert seen(mine)


def test_partitions_begin_at_midnight_utc_in_whatever_zone_they_are_made(tenant: Tenant) -> None:
    with tenant.work() as work:
        bounds = work.execute(
            text(
                "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_catalog.pg_class c"
                " WHERE c.relname ~ '^change_[0-9]{4}_[0-9]{2}$' AND set_config('timezone', 'UTC', true) = 'UTC'"
            )
        ).scalars()
        found = list(bounds)
    assert found
    assert all(bound.count("-01 00:00:00+00'") == 2 for bound in found)


@pytest.mark.req("S4-120")
def test_rights_are_read_by_one_function_call(tenant: Tenant) -> None:
    person = tenant.member("manager")
    with transaction(Context(means="command")) as work:
        found = work.execute(text("SELECT ossature.load_session(:id)"), {"id": person.session("page")}).scalar_one()
        nobody = work.execute(text("SELECT ossature.load_session(:id)"), {"id": new_id()}).scalar_one()
    assert nobody is None
    assert found["access"]["roles"] == ["manager"]
    assert found["tenant"]["slug"] == tenant.slug
    assert "password_hash" not in str(found)


def test_changes_of_rights_are_in_the_history_without_secrets(tenant: Tenant) -> None:
    from ossature.context import Reach
    from ossature.rbac.keys import issue_key

    owner = tenant.member("owner")
    with owner.work():
        issue_key("Sync", {"ossature.team.view": Reach.ALL})
    with tenant.work() as work:
        rows = work.execute(
            text(
                "SELECT c.payload, s.actor_id FROM ossature.change c JOIN ossature.change_set s"
                " ON s.tenant_id = c.tenant_id AND s.id = c.change_set_id AND s.at = c.at"
                " WHERE c.record = 'ossature.api_key'"
            )
        ).all()
    assert len(rows) == 1
    assert rows[0].actor_id == owner.member_id
    assert rows[0].payload["name"] == "Sync"
    assert "digest" not in rows[0].payload
