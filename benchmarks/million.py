"""50 organisations on one database, the largest with 1,000,000 contacts and 200,000 companies: what lists are measured on.

    python benchmarks/million.py --home FOLDER [--server debian|embedded]

People, teams and roles are made by the product's own services; contacts and companies by PostgreSQL, as the owner with
triggers off and indexes made at the end. So they have no history and raised no events: a list reads neither, and the
history of a million rows would measure the history. Names are drawn with the weights of life: some families are large.
A folder that was filled before is used as it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from data import PASSWORD
from deployments import Deployment, debian, embedded
from flask import Flask
from sqlalchemy import text

from ossature.app import create_app
from ossature.auth.accounts import create_user, set_password
from ossature.auth.sign_in import memberships, open_session
from ossature.auth.state import access_state
from ossature.context import Context, Reach, TenantInfo, use_context
from ossature.db import migrate, transaction
from ossature.first_run import activate_first_plugins
from ossature.ids import new_id
from ossature.logs import configure_logging
from ossature.rbac.authority import grants_of
from ossature.rbac.members import add_member
from ossature.rbac.presets import OWNER
from ossature.rbac.roles import create_role, grant, role_by_key, set_grants
from ossature.rbac.tenants import create_tenant, operator_context
from ossature_crm import demo_names

LARGE = "grand"
REVENUE = "crm.company.view_revenue"
CONTACTS, COMPANIES = 1_000_000, 200_000
SMALL_TENANTS, SMALL_CONTACTS, SMALL_COMPANIES = 49, 4_000, 800
MEMBERS_OF_LARGE, MEMBERS_OF_SMALL = 100, 20
TEAM_SIZE = 20
OWN_PART, TEAM_PART = 0.02, 0.40
"""Which part of the largest organisation's rows the member with reach own has, and the teams of the one with reach team."""

# As docs/operators/database.md tells operators to set a server of 16 GB or more.
SERVER_SETTINGS = {
    "shared_buffers": "4GB", "effective_cache_size": "12GB", "work_mem": "16MB", "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB", "random_page_cost": "1.1", "max_connections": "200",
}  # fmt: skip


@dataclass(frozen=True)
class Million:
    """A filled deployment, and the application on it in this process."""

    deployment: Deployment
    app: Flask
    tenant: TenantInfo

    def context(self, who: str) -> Context:
        """What services see when a member of the largest organisation acts: `all`, `own` or `team`, by reach."""
        user_id = self.user(f"{who}@{self.tenant.slug}.example")
        session_id = open_session(user_id, "api", memberships(user_id), self.tenant).session_id
        found = access_state().cache.session(session_id, self.tenant.id, user_id)
        assert found is not None
        return Context(
            tenant=found.tenant, actor=found.actor, access=found.access, means="api", request_id=str(session_id)
        )

    def user(self, email: str) -> UUID:
        with transaction(Context(means="command"), role="system") as work:
            return work.execute(text("SELECT id FROM ossature.system_user(:email)"), {"email": email}).scalar_one()


@contextmanager
def million(home: Path, server: str, say: Callable[[str], None]) -> Iterator[Million]:
    """The database in `home`, filled unless it is; `server` is `debian` or `embedded`."""
    home = home.resolve() / server
    home.mkdir(parents=True, exist_ok=True)
    with debian(home, SERVER_SETTINGS) if server == "debian" else embedded(home) as deployment:
        config = deployment.config
        migrate.prepare(config)
        migrate.upgrade(config)
        activate_first_plugins(config)
        app = create_app(config)
        configure_logging(config.model_copy(update={"log_level": "error"}), "benchmarks")
        with app.app_context():
            whole = home / "filled"
            if not whole.exists():
                if _find(LARGE):
                    raise RuntimeError(f"the filling of {home} was interrupted; delete that folder and begin again")
                _fill(deployment, say)
                whole.touch()
            tenant = _find(LARGE)
            assert tenant is not None
            yield Million(deployment, app, tenant)


def _find(slug: str) -> TenantInfo | None:
    with transaction(Context(means="command")) as work:
        row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
    return TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone) if row else None


def _fill(deployment: Deployment, say: Callable[[str], None]) -> None:
    begun = time.perf_counter()

    def told(what: str) -> None:
        say(f"  {time.perf_counter() - begun:6.1f} s  {what}")

    small = [_tenant(f"petit-{number:02}", MEMBERS_OF_SMALL) for number in range(1, SMALL_TENANTS + 1)]
    told(f"{len(small)} small organisations with {MEMBERS_OF_SMALL} members each")
    with closing(deployment.administrator()) as connection:
        connection.execute(FUNCTIONS)
        indexes = _without_indexes(connection)
        large = _tenant(LARGE, MEMBERS_OF_LARGE, reaches=True)
        told(f"the largest, with {MEMBERS_OF_LARGE} members")
        jobs = list(_jobs(large, small))
        with ThreadPoolExecutor(2) as pool:
            for table in ("company", "contact", "company_address", "contact_address"):
                list(pool.map(lambda job: _run(deployment, *job), [job for name, *job in jobs if name == table]))
                told(f"rows of {table}")
            list(pool.map(lambda statement: _run(deployment, statement, {}), indexes))
        told(f"{len(indexes)} indexes")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
        connection.execute("DROP SCHEMA bench CASCADE")
        told("vacuumed and analysed")


def _run(deployment: Deployment, statement: str, values: dict[str, Any]) -> None:
    with closing(deployment.administrator()) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off")
        connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        psycopg.ClientCursor(connection).execute(statement.encode(), values or None)


def _without_indexes(connection: psycopg.Connection) -> list[str]:
    """Drop what would slow the filling; returns the statements that make them again, the long ones first."""
    rows = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indrelid "
        "WHERE c.relnamespace = 'crm'::regnamespace AND NOT indisprimary ORDER BY indexrelid::regclass::text"
    ).fetchall()
    for name, _definition in rows:
        connection.execute(f"DROP INDEX {name}".encode())
    return sorted((definition for _name, definition in rows), key=lambda one: ("gin" not in one, "contact" not in one))


# -- people ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class People:
    """An organisation and who may own rows in it."""

    tenant: TenantInfo
    own: UUID
    team: tuple[UUID, ...]
    others: tuple[UUID, ...]


def _tenant(slug: str, members: int, *, reaches: bool = False) -> People:
    """Members whose password is `PASSWORD` where somebody signs in with it: owner, own and team of the largest."""
    with use_context(operator_context(None)):
        tenant = create_tenant(slug, slug.capitalize(), preset="sales", locale="fr", plugins=["crm"])
        with transaction(operator_context(tenant), role="system"):
            grant(role_by_key("sales_rep").id, REVENUE, Reach.TEAM)
            own_role = create_role("Reach own", "", role_by_key("sales_rep").id)
            set_grants(own_role.id, dict.fromkeys(grants_of(own_role.id), Reach.OWN))
            users, ids = [], []
            for number in range(members):
                who = ("all", "own", "team")[number] if number < 3 else f"member-{number}"
                role = OWNER if number == 0 else "sales_rep"
                user = create_user(f"{who}@{slug}.example", f"{who.capitalize()} de {slug}", locale="fr")
                role_id = own_role.id if number == 1 else role_by_key(role).id
                users.append(user.id)
                ids.append(add_member(user.id, f"{who.capitalize()} de {slug}", [role_id]))
        if reaches:
            for number, who in enumerate(("all", "own", "team")):
                set_password(users[number], f"{who}@{slug}.example", PASSWORD)
        team = tuple(ids[2 : 2 + (TEAM_SIZE if reaches else members // 3)])
        with transaction(operator_context(tenant), role="system") as work:
            for name, chosen in (("Nord", team[: len(team) // 2]), ("Sud", (team[0], *team[len(team) // 2 :]))):
                team_id = new_id()
                work.execute(INSERT_TEAM, {"id": team_id, "name": name})
                work.execute(INSERT_TEAM_MEMBER, [{"id": new_id(), "team": team_id, "member": one} for one in chosen])
    return People(tenant, ids[1], team, tuple(one for one in ids[3:] if one not in team) or (ids[0],))


INSERT_TEAM = text("INSERT INTO ossature.team (id, name) VALUES (:id, :name)")
INSERT_TEAM_MEMBER = text("INSERT INTO ossature.team_member (id, team_id, member_id) VALUES (:id, :team, :member)")


# -- rows --------------------------------------------------------------------------------------------------------------

# `bench.pick` draws from a list with a weight on its beginning; an owner is drawn by the parts above; ids are UUIDs of
# version 7 whose time is that of the row, so that rows lie in the table in the order in which they were made.
FUNCTIONS = f"""
CREATE SCHEMA IF NOT EXISTS bench;
CREATE OR REPLACE FUNCTION bench.pick(list anyarray, weight float8) RETURNS anyelement LANGUAGE sql VOLATILE AS
$$ SELECT list[1 + floor(cardinality(list) * power(random(), weight))::int] $$;
CREATE OR REPLACE FUNCTION bench.id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid
   FROM (SELECT md5(random()::text) AS h) hashed $$;
CREATE OR REPLACE FUNCTION bench.owner(own uuid, team uuid[], others uuid[], r float8) RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT CASE WHEN r < {OWN_PART} THEN own WHEN r < {OWN_PART + TEAM_PART} THEN bench.pick(team, 1.5)
               WHEN r < 0.98 THEN bench.pick(others, 1.5) END $$;
CREATE OR REPLACE FUNCTION bench.slug(name text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT replace(replace(lower(translate(name, 'éèêëàâäîïôöùûüçÉ', 'eeeeaaaiioouuuce')), ' ', '-'), '''', '') $$;
"""

# Growth: half of what an organisation has was added in the last third of its six years.
_AT = "now() - interval '2190 days' * (1 - sqrt(n::float8 / %(total)s)) - interval '1 hour' * random()"

COMPANY = f"""
INSERT INTO crm.company (tenant_id, id, name, legal_name, status, industry, size, annual_revenue_minor,
    annual_revenue_currency, email, phone, website, siren, owner_id, created_at, updated_at, deleted_at, created_by_id)
SELECT %(tenant)s, bench.id(at), name, name || ' ' || bench.pick(ARRAY['SAS', 'SARL', 'SA', 'SCOP'], 2),
    bench.pick(ARRAY['active', 'prospect', 'inactive'], 1.6), bench.pick(%(industries)s::text[], 1.4),
    bench.pick(ARRAY['1-9', '10-49', '50-249', '250-999', '1000+'], 2.5), (10000 * exp(random() * 9))::bigint * 100, 'EUR',
    'contact@' || slug || '.example', '+331' || lpad((random() * 99999999)::int::text, 8, '0'), 'https://' || slug || '.example',
    lpad((random() * 999999999)::bigint::text, 9, '0'), bench.owner(%(own)s, %(team)s::uuid[], %(others)s::uuid[], random()),
    at, at + (now() - at) * random() ^ 3, CASE WHEN random() < 0.01 THEN now() - interval '1 day' * random() * 300 END, %(own)s
FROM (SELECT *, bench.slug(name) || '-' || n AS slug
      FROM (SELECT n, {_AT} AS at, bench.pick(%(words)s::text[], 1.3) || ' ' || bench.pick(%(families)s::text[], 1.5) AS name
            FROM generate_series(%(first)s, %(last)s) n OFFSET 0) drawn OFFSET 0) named
"""

CONTACT = f"""
INSERT INTO crm.contact (tenant_id, id, first_name, last_name, company_id, job_title, department, email, phone, mobile,
    status, source, owner_id, created_at, updated_at, deleted_at, created_by_id)
SELECT %(tenant)s, bench.id(at), given, family, c.id, bench.pick(%(jobs)s::text[], 1.3), bench.pick(%(departments)s::text[], 1),
    CASE WHEN random() < 0.93 THEN bench.slug(given) || '.' || bench.slug(family) || n || '@' ||
        coalesce(c.domain, bench.pick(ARRAY['courriel.example', 'poste.example', 'boite.example', 'perso.example'], 2)) END,
    CASE WHEN random() < 0.7 THEN '+33' || (1 + floor(random() * 5))::int || lpad((random() * 99999999)::int::text, 8, '0') END,
    CASE WHEN random() < 0.8 THEN '+336' || lpad((random() * 99999999)::int::text, 8, '0') END,
    bench.pick(ARRAY['customer', 'customer', 'customer', 'lead', 'lead', 'lead', 'prospect', 'prospect', 'inactive'], 1.1),
    CASE WHEN random() < 0.8 THEN bench.pick(ARRAY['website', 'referral', 'event', 'cold_call', 'other', 'advertisement', 'partner'], 1.8) END,
    bench.owner(%(own)s, %(team)s::uuid[], %(others)s::uuid[], random()),
    at, at + (now() - at) * random() ^ 3, CASE WHEN random() < 0.01 THEN now() - interval '1 day' * random() * 300 END, %(own)s
FROM (SELECT n, {_AT} AS at, bench.pick(%(given)s::text[], 1.2) AS given,
             CASE WHEN random() < 0.4 THEN bench.pick(%(families)s::text[], 1.4) ELSE bench.pick(%(rare)s::text[], 1.2) END AS family,
             floor(%(companies)s * 1.1 * power(random(), 1.6))::int AS company
      FROM generate_series(%(first)s, %(last)s) n OFFSET 0) drawn
LEFT JOIN (SELECT row_number() OVER (ORDER BY md5(id::text)) AS number, id, substr(website, 9) AS domain
           FROM crm.company WHERE tenant_id = %(tenant)s AND deleted_at IS NULL) c ON c.number = drawn.company
"""

ADDRESS = """
INSERT INTO crm.{part} (tenant_id, id, {part_of}, kind, line1, postal_code, city, created_at)
SELECT %(tenant)s, bench.id(created_at), id, '{kind}', (1 + floor(random() * 180))::int || ' ' || bench.pick(%(streets)s::text[], 1),
    split_part(place, '|', 1), split_part(place, '|', 2), created_at
FROM (SELECT id, created_at, bench.pick(%(cities)s::text[], 1.6) AS place FROM crm.{record}
      WHERE tenant_id = %(tenant)s AND random() < {often} OFFSET 0) rows
"""


def _jobs(large: People, small: list[People]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Table, statement and values; those of the largest organisation in pieces, so that two processors share them."""
    sizes = [(large, CONTACTS, COMPANIES, 4), *((one, SMALL_CONTACTS, SMALL_COMPANIES, 1) for one in small)]
    for people, contacts, companies, pieces in sizes:
        for table, statement, total in (("company", COMPANY, companies), ("contact", CONTACT, contacts)):
            for piece in range(pieces):
                first, last = total * piece // pieces + 1, total * (piece + 1) // pieces
                yield (
                    table,
                    statement,
                    _values(people) | {"total": total, "companies": companies, "first": first, "last": last},
                )
        for part, record, kind, often in (
            ("company_address", "company", "headquarters", 1), ("contact_address", "contact", "home", 0.1),
        ):  # fmt: skip
            yield (
                part,
                ADDRESS.format(part=part, part_of=f"{record}_id", record=record, kind=kind, often=often),
                _values(people),
            )


def _values(people: People) -> dict[str, Any]:
    return {
        "tenant": people.tenant.id, "own": people.own, "team": list(people.team), "others": list(people.others),
        "given": demo_names.FIRST_NAMES, "families": demo_names.LAST_NAMES, "rare": RARE_FAMILIES,
        "words": demo_names.WORDS, "industries": demo_names.INDUSTRIES, "jobs": demo_names.JOBS,
        "departments": demo_names.DEPARTMENTS, "streets": demo_names.STREETS,
        "cities": [f"{code}|{city}" for city, code in demo_names.CITIES],
    }  # fmt: skip


_BEGINNINGS = [
    "Arl",
    "Bal",
    "Beau",
    "Belle",
    "Berg",
    "Bois",
    "Bour",
    "Bresc",
    "Cal",
    "Cast",
    "Cham",
    "Chant",
    "Char",
    "Chev",
    "Clair",
    "Cor",
    "Cour",
    "Croz",
    "Del",
    "Des",
    "Duv",
    "Esc",
    "Ferr",
    "Fev",
    "Font",
    "Fro",
    "Gal",
    "Gir",
    "Grand",
    "Gros",
    "Haut",
    "Jol",
    "Lab",
    "Lac",
    "Lam",
    "Lang",
    "Lar",
    "Lav",
    "Mal",
    "Mar",
    "Maz",
    "Mont",
    "Mor",
    "Neuv",
    "Pal",
    "Pel",
    "Per",
    "Pont",
    "Pra",
    "Pui",
    "Quer",
    "Rab",
    "Riv",
    "Roch",
    "Sab",
    "Sal",
    "Sauv",
    "Ser",
    "Tal",
    "Ter",
    "Thi",
    "Tour",
    "Val",
    "Vaug",
    "Ver",
    "Vieil",
    "Vill",
]
_ENDINGS = [
    "ac",
    "adier",
    "aigne",
    "ain",
    "aire",
    "and",
    "ange",
    "ard",
    "arel",
    "at",
    "aud",
    "ault",
    "ay",
    "eau",
    "ebois",
    "echamp",
    "eclair",
    "egarde",
    "elin",
    "elle",
    "emont",
    "enet",
    "ereau",
    "ericourt",
    "ernay",
    "ert",
    "esson",
    "et",
    "euil",
    "eval",
    "eville",
    "ic",
    "ier",
    "igny",
    "ille",
    "in",
    "iol",
    "ion",
    "is",
    "ivet",
    "oin",
    "oire",
    "on",
    "ort",
    "ot",
    "ou",
    "oux",
    "ubert",
    "uc",
    "ue",
    "us",
]
RARE_FAMILIES = [beginning + ending for beginning in _BEGINNINGS for ending in _ENDINGS]


def main() -> None:
    options = argparse.ArgumentParser(description="Fill 50 organisations, one with a million contacts.")
    options.add_argument("--home", type=Path, required=True, help="keep the data here and use it again")
    options.add_argument("--server", choices=["debian", "embedded"], default="debian")
    given = options.parse_args()
    with million(given.home, given.server, lambda line: print(line, flush=True)) as found:
        print(f"{found.tenant.slug} on PostgreSQL {found.deployment.version()}: {found.deployment.config.database_url}")


if __name__ == "__main__":
    main()
