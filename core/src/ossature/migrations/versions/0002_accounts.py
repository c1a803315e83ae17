"""Accounts and access: users and their sessions outside any tenant; members, roles, teams and keys within one.

The app role has no right on the tables outside a tenant. It reaches them through the functions below, each of which
does one narrow thing.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from ossature.db.operations import fk, roles
from ossature.db.tenancy import ACTOR

revision = "0002"
down_revision = "0001"

NOW = sa.text("now()")
LIVE = sa.text("deleted_at IS NULL")


def _moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    _platform_tables()
    _tenant_tables()
    app, system = roles(op)
    for group, grantees in ((FOR_APP, f"{app}, {system}"), (FOR_SYSTEM, system)):
        for signature, definition in group.items():
            head, body = re.split(r"\sAS\s", definition, maxsplit=1)
            op.execute(
                f"CREATE FUNCTION ossature.{signature} {head} SECURITY DEFINER "
                f"SET search_path = pg_catalog, pg_temp AS $body$ {body} $body$".replace(":", r"\:")
            )
            op.execute(f"REVOKE ALL ON FUNCTION ossature.{_types(signature)} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION ossature.{_types(signature)} TO {grantees}")


def downgrade() -> None:
    for signature in (*FOR_APP, *FOR_SYSTEM)[::-1]:
        op.execute(f"DROP FUNCTION ossature.{_types(signature)}")
    op.execute(
        "DROP TABLE ossature.legal_entity, ossature.team_member, ossature.team, ossature.api_key, "
        "ossature.member_role, ossature.role_grant, ossature.role, ossature.member"
    )
    op.execute("DELETE FROM ossature.record_type WHERE key IN ('ossature.team', 'ossature.legal_entity')")
    op.execute(
        "DROP TABLE ossature.denial, ossature.sign_in_attempt, ossature.invitation, ossature.password_link, ossature.refresh_token, "
        "ossature.session, ossature.user_account"
    )


def _types(signature: str) -> str:
    """`f(a uuid, b text)` -> `f(uuid, text)`."""
    name, _, arguments = signature.rstrip(")").partition("(")
    return f"{name}({', '.join(part.strip().split(' ', 1)[1] for part in arguments.split(',') if part.strip())})"


def _platform_tables() -> None:
    op.create_platform_table(
        "ossature",
        "user_account",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True, comment="lower case"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("locale", sa.Text),
        sa.Column("time_zone", sa.Text),
        sa.Column("theme", sa.Text, nullable=False, server_default="auto"),
        sa.Column("density", sa.Text, nullable=False, server_default="comfortable"),
        sa.Column("shortcuts", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("platform_admin", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
        _moment("created_at", nullable=False, server_default=NOW),
        _moment("password_changed_at"),
        sa.CheckConstraint("email = lower(email) AND email LIKE '%_@_%'", name="email"),
        sa.CheckConstraint("name <> ''", name="name"),
        sa.CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme"),
        sa.CheckConstraint("density IN ('comfortable', 'compact')", name="density"),
    )
    op.create_platform_table(
        "ossature",
        "session",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("ossature.user_account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("chosen_tenant", sa.Uuid, comment="the tenant worked in"),
        sa.Column("platform_actor", sa.Uuid, comment="set while a platform administrator has opened that tenant"),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("agent", sa.Text, nullable=False, server_default=""),
        _moment("created_at", nullable=False, server_default=NOW),
        _moment("last_seen_at", nullable=False, server_default=NOW),
        _moment("expires_at", nullable=False),
        _moment("revoked_at"),
        sa.Column("revoked_for", sa.Text),
        sa.CheckConstraint("kind IN ('page', 'api')", name="kind"),
        sa.Index("session_user_id_idx", "user_id"),
        sa.Index("session_expires_at_idx", "expires_at"),
    )
    op.create_platform_table(
        "ossature",
        "refresh_token",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("session_id", sa.Uuid, sa.ForeignKey("ossature.session.id", ondelete="CASCADE"), nullable=False),
        _moment("issued_at", nullable=False, server_default=NOW),
        _moment("used_at"),
        sa.Index("refresh_token_session_id_idx", "session_id"),
    )
    op.create_platform_table(
        "ossature",
        "password_link",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("ossature.user_account.id", ondelete="CASCADE"), nullable=False),
        _moment("expires_at", nullable=False),
        sa.Index("password_link_user_id_idx", "user_id"),
    )
    op.create_platform_table(
        "ossature",
        "invitation",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("to_tenant", sa.Uuid, sa.ForeignKey("ossature.tenant.id", ondelete="CASCADE"), nullable=False),
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("ossature.user_account.id", ondelete="CASCADE"), nullable=False),
        _moment("expires_at", nullable=False),
        sa.Index("invitation_member_idx", "to_tenant", "member_id"),
    )
    op.create_platform_table(
        "ossature",
        "sign_in_attempt",
        sa.Column("subject", sa.LargeBinary, primary_key=True, comment="SHA-256 of the e-mail that was typed"),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        _moment("last_at", nullable=False, server_default=NOW),
        _moment("locked_until"),
        sa.Index("sign_in_attempt_last_at_idx", "last_at"),
    )
    op.create_platform_table(
        "ossature",
        "denial",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _moment("at", nullable=False, server_default=NOW),
        sa.Column("about_tenant", sa.Uuid),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("user_id", sa.Uuid),
        sa.Column("permission", sa.Text, nullable=False, server_default=""),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False, server_default=""),
        sa.Index("denial_about_tenant_at_idx", "about_tenant", "at"),
        sa.Index("denial_at_idx", "at"),
    )


def _tenant_tables() -> None:
    op.create_tenant_table(
        "ossature",
        "member",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("ossature.user_account.id"), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("joined", sa.Boolean, nullable=False, server_default=sa.text("true")),
        _moment("created_at", nullable=False, server_default=NOW),
        _moment("last_sign_in_at", comment="here; what somebody does elsewhere is not shown"),
        fk("id", "ossature.actor"),
        sa.UniqueConstraint("tenant_id", "user_id"),
        sa.CheckConstraint("joined OR NOT active", name="joined"),
        sa.Index("member_user_id_idx", "user_id"),
        untracked=("last_sign_in_at",),
    )
    op.create_tenant_table(
        "ossature",
        "role",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("preset", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint("name <> ''", name="name"),
        sa.CheckConstraint("rank BETWEEN 0 AND 100", name="rank"),
    )
    op.create_tenant_table(
        "ossature",
        "role_grant",
        sa.Column("role_id", sa.Uuid, nullable=False),
        sa.Column("permission", sa.Text, nullable=False),
        sa.Column("reach", sa.Text, nullable=False, server_default="all"),
        fk("role_id", "ossature.role", "CASCADE"),
        sa.UniqueConstraint("tenant_id", "role_id", "permission"),
        sa.CheckConstraint("reach IN ('own', 'team', 'all')", name="reach"),
        root="role_id",
    )
    op.create_tenant_table(
        "ossature",
        "member_role",
        sa.Column("member_id", sa.Uuid, nullable=False),
        sa.Column("role_id", sa.Uuid, nullable=False),
        fk("member_id", "ossature.member", "CASCADE"),
        fk("role_id", "ossature.role"),
        sa.UniqueConstraint("tenant_id", "member_id", "role_id"),
        sa.Index("member_role_role_id_idx", "tenant_id", "role_id"),
        root="member_id",
    )
    op.create_tenant_table(
        "ossature",
        "api_key",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("member_id", sa.Uuid, comment="whose personal key this is"),
        sa.Column("scopes", JSONB, nullable=False),
        sa.Column("api_version", sa.Text),
        _moment("created_at", nullable=False, server_default=NOW),
        sa.Column("created_by_id", sa.Uuid, server_default=sa.text(ACTOR)),
        _moment("expires_at"),
        _moment("revoked_at"),
        _moment("last_used_at"),
        fk("id", "ossature.actor"),
        fk("member_id", "ossature.member", "CASCADE"),
        sa.CheckConstraint("name <> ''", name="name"),
        sa.CheckConstraint("jsonb_typeof(scopes) = 'object'", name="scopes"),
        sa.Index("api_key_member_id_idx", "tenant_id", "member_id"),
        untracked=("digest", "last_used_at"),
    )
    op.create_record_table(
        "ossature",
        "team",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        _length("name", 120),
        _length("description", 2000),
        folded=("name",),
        search=("name",),
    )
    _index_record("team", "name", unique="name")
    op.create_tenant_table(
        "ossature",
        "team_member",
        sa.Column("team_id", sa.Uuid, nullable=False),
        sa.Column("member_id", sa.Uuid, nullable=False),
        fk("team_id", "ossature.team", "CASCADE"),
        fk("member_id", "ossature.member", "CASCADE"),
        sa.UniqueConstraint("tenant_id", "team_id", "member_id"),
        sa.Index("team_member_member_id_idx", "tenant_id", "member_id"),
        root="team_id",
    )
    op.create_record_table(
        "ossature",
        "legal_entity",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("siren", sa.Text),
        sa.Column("vat_number", sa.Text),
        sa.Column("street", sa.Text),
        sa.Column("postcode", sa.Text),
        sa.Column("city", sa.Text),
        sa.Column("country", sa.Text, nullable=False, server_default="FR"),
        sa.Column("currency", sa.Text, nullable=False, server_default="EUR"),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="Europe/Paris"),
        sa.Column("tax_regime", sa.Text, nullable=False, server_default="standard"),
        *(
            _length(name, longest)
            for name, longest in (
                ("name", 200), ("siren", 9), ("vat_number", 20), ("street", 200), ("postcode", 20), ("city", 120),
                ("country", 2), ("time_zone", 60),
            )
        ),
        sa.CheckConstraint(
            "currency IN ('EUR', 'CHF', 'GBP', 'USD', 'CAD', 'MAD', 'TND', 'XOF', 'XAF', 'JPY')", name="currency"
        ),
        sa.CheckConstraint("tax_regime IN ('standard', 'franchise', 'training', 'none')", name="tax_regime"),
        folded=("name", "siren"),
        search=("name", "siren", "city"),
    )  # fmt: skip
    _index_record("legal_entity", "name", unique="siren")


def _length(name: str, longest: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({name}) BETWEEN 1 AND {longest}", name=name)


def _index_record(table: str, order: str, unique: str) -> None:
    """For lists in the order of one column, and no two live rows with the same other one."""
    op.create_index(
        f"{table}_{order}_idx", table, ["tenant_id", f"{order}_fold", "id"], schema="ossature", postgresql_where=LIVE
    )
    op.create_index(
        f"{table}_{unique}_live_key",
        table,
        ["tenant_id", f"{unique}_fold"],
        schema="ossature",
        unique=True,
        postgresql_where=sa.text(f"deleted_at IS NULL AND {unique} IS NOT NULL"),
    )


# What the app role may call (the system role too). Signature -> the rest of the definition.
FOR_APP = {
    # -- signing in -----------------------------------------------------------------------------------------------
    # Counts the attempt before the password is looked at, so that a thousand guesses at once are still counted.
    "begin_sign_in(p_email text, p_free integer, p_first integer, p_longest integer)": """
        RETURNS TABLE (user_id uuid, password_hash text, locked_for integer) LANGUAGE plpgsql AS
        DECLARE v_subject bytea := sha256(convert_to(p_email, 'UTF8')); v_at timestamptz := clock_timestamp();
                v_failures integer; v_until timestamptz; v_last timestamptz;
        BEGIN
          DELETE FROM ossature.sign_in_attempt a WHERE a.subject IN (
            SELECT b.subject FROM ossature.sign_in_attempt b WHERE b.last_at < v_at - interval '1 day'
            LIMIT 100 FOR UPDATE SKIP LOCKED);
          INSERT INTO ossature.sign_in_attempt (subject) VALUES (v_subject) ON CONFLICT DO NOTHING;
          SELECT a.failures, a.locked_until INTO v_failures, v_until
            FROM ossature.sign_in_attempt a WHERE a.subject = v_subject FOR UPDATE;
          v_at := clock_timestamp();
          IF v_until > v_at THEN
            RETURN QUERY SELECT NULL::uuid, NULL::text, ceil(extract(epoch FROM v_until - v_at))::integer;
            RETURN;
          END IF;
          v_failures := v_failures + 1;
          UPDATE ossature.sign_in_attempt a SET failures = v_failures, last_at = v_at,
            locked_until = CASE WHEN v_failures >= p_free THEN
              v_at + make_interval(secs => least(p_longest, p_first * 2 ^ least(v_failures - p_free, 20))) END
            WHERE a.subject = v_subject;
          RETURN QUERY SELECT u.id, u.password_hash, 0 FROM (SELECT 1) one
            LEFT JOIN ossature.user_account u ON u.email = p_email AND u.active;
        END""",
    "open_session(p_id uuid, p_user uuid, p_kind text, p_tenant uuid, p_days integer, p_address text, p_agent text)": """
        RETURNS timestamptz LANGUAGE plpgsql AS
        DECLARE v_email text; v_expires timestamptz := now() + make_interval(days => p_days);
        BEGIN
          SELECT u.email INTO v_email FROM ossature.user_account u WHERE u.id = p_user AND u.active;
          IF v_email IS NULL THEN RETURN NULL; END IF;
          UPDATE ossature.member m SET last_sign_in_at = now() WHERE m.tenant_id = p_tenant AND m.user_id = p_user;
          DELETE FROM ossature.sign_in_attempt a WHERE a.subject = sha256(convert_to(v_email, 'UTF8'));
          DELETE FROM ossature.session s WHERE s.id IN (
            SELECT o.id FROM ossature.session o WHERE o.expires_at < now() - interval '30 days'
            LIMIT 100 FOR UPDATE SKIP LOCKED);
          INSERT INTO ossature.session (id, user_id, kind, chosen_tenant, expires_at, address, agent)
            VALUES (p_id, p_user, p_kind, p_tenant, v_expires, p_address, left(p_agent, 300));
          RETURN v_expires;
        END""",
    "memberships(p_user uuid)": """
        RETURNS TABLE (id uuid, slug text, name text, locale text, time_zone text, member_id uuid)
        LANGUAGE sql STABLE AS
        SELECT t.id, t.slug, t.name, t.locale, t.time_zone, m.id FROM ossature.member m
          JOIN ossature.tenant t ON t.id = m.tenant_id
          WHERE m.user_id = p_user AND m.active AND t.status = 'active' ORDER BY t.name, t.id""",
    # -- what an actor may do, and everything a request needs to know about its caller ----------------------------
    "actor_access(p_tenant uuid, p_member uuid)": """
        RETURNS jsonb LANGUAGE sql STABLE AS
        WITH held AS (
          SELECT r.id, r.key, r.rank FROM ossature.member_role mr
            JOIN ossature.role r ON r.tenant_id = mr.tenant_id AND r.id = mr.role_id
            WHERE mr.tenant_id = p_tenant AND mr.member_id = p_member),
        grants AS (
          SELECT g.permission, max(CASE g.reach WHEN 'all' THEN 2 WHEN 'team' THEN 1 ELSE 0 END) AS width
            FROM ossature.role_grant g WHERE g.tenant_id = p_tenant AND g.role_id IN (SELECT h.id FROM held h)
            GROUP BY g.permission)
        SELECT jsonb_build_object(
          'roles', (SELECT coalesce(jsonb_agg(h.key ORDER BY h.rank DESC, h.key), '[]') FROM held h),
          'rank', (SELECT coalesce(max(h.rank), 0) FROM held h),
          'grants', (SELECT coalesce(jsonb_object_agg(g.permission, g.width), '{}') FROM grants g),
          'owners', CASE WHEN EXISTS (SELECT 1 FROM grants g WHERE g.width = 1) THEN (
            SELECT coalesce(jsonb_agg(DISTINCT o.member_id), '[]') FROM ossature.team_member o
              WHERE o.tenant_id = p_tenant AND o.team_id IN (
                SELECT own.team_id FROM ossature.team_member own
                  JOIN ossature.team t ON t.tenant_id = own.tenant_id AND t.id = own.team_id AND t.deleted_at IS NULL
                  WHERE own.tenant_id = p_tenant AND own.member_id = p_member)) ELSE '[]' END)""",
    "enabled_plugins(p_tenant uuid)": """
        RETURNS jsonb LANGUAGE sql STABLE AS
        SELECT coalesce(jsonb_agg(tp.key ORDER BY tp.key), '[]') FROM ossature.tenant_plugin tp
          WHERE tp.tenant_id = p_tenant""",
    "load_session(p_session uuid)": """
        RETURNS jsonb LANGUAGE plpgsql AS
        DECLARE v ossature.session; u ossature.user_account; t ossature.tenant; v_actor uuid; v_platform boolean := false;
        BEGIN
          SELECT * INTO v FROM ossature.session s
            WHERE s.id = p_session AND s.revoked_at IS NULL AND s.expires_at > now();
          IF v.id IS NULL THEN RETURN NULL; END IF;
          SELECT * INTO u FROM ossature.user_account a WHERE a.id = v.user_id AND a.active;
          IF u.id IS NULL THEN RETURN NULL; END IF;
          IF v.last_seen_at < now() - interval '10 minutes' THEN
            UPDATE ossature.session s SET last_seen_at = now() WHERE s.id = v.id;
          END IF;
          SELECT * INTO t FROM ossature.tenant x WHERE x.id = v.chosen_tenant AND x.status = 'active';
          IF t.id IS NOT NULL THEN
            IF v.platform_actor IS NOT NULL THEN
              v_platform := u.platform_admin;
              v_actor := CASE WHEN v_platform THEN v.platform_actor END;
            ELSE
              SELECT m.id INTO v_actor FROM ossature.member m
                WHERE m.tenant_id = t.id AND m.user_id = u.id AND m.active;
            END IF;
          END IF;
          RETURN jsonb_build_object(
            'session', v.id, 'kind', v.kind, 'expires', extract(epoch FROM v.expires_at),
            'user', jsonb_build_object('id', u.id, 'email', u.email, 'name', u.name, 'locale', u.locale,
              'time_zone', u.time_zone, 'theme', u.theme, 'density', u.density, 'shortcuts', u.shortcuts,
              'platform_admin', u.platform_admin),
            'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'slug', o.slug, 'name', o.name)
              ORDER BY o.name, o.id), '[]') FROM ossature.memberships(u.id) o),
            'tenant', CASE WHEN v_actor IS NOT NULL THEN jsonb_build_object('id', t.id, 'slug', t.slug,
              'name', t.name, 'locale', t.locale, 'time_zone', t.time_zone) END,
            'actor', v_actor, 'label', u.name, 'platform', v_platform,
            'plugins', CASE WHEN v_actor IS NOT NULL THEN ossature.enabled_plugins(t.id) END,
            'access', CASE WHEN v_actor IS NOT NULL AND NOT v_platform
              THEN ossature.actor_access(t.id, v_actor) END);
        END""",
    "load_api_key(p_prefix text)": """
        RETURNS jsonb LANGUAGE plpgsql AS
        DECLARE k ossature.api_key; t ossature.tenant; u ossature.user_account; a ossature.actor;
        BEGIN
          SELECT * INTO k FROM ossature.api_key x WHERE x.prefix = p_prefix AND x.revoked_at IS NULL
            AND (x.expires_at IS NULL OR x.expires_at > now());
          IF k.id IS NULL THEN RETURN NULL; END IF;
          SELECT * INTO a FROM ossature.actor x WHERE x.tenant_id = k.tenant_id AND x.id = k.id AND x.active;
          SELECT * INTO t FROM ossature.tenant x WHERE x.id = k.tenant_id AND x.status = 'active';
          IF a.id IS NULL OR t.id IS NULL THEN RETURN NULL; END IF;
          IF k.member_id IS NOT NULL THEN
            SELECT b.* INTO u FROM ossature.member m JOIN ossature.user_account b ON b.id = m.user_id AND b.active
              WHERE m.tenant_id = k.tenant_id AND m.id = k.member_id AND m.active;
            IF u.id IS NULL THEN RETURN NULL; END IF;
          END IF;
          IF k.last_used_at IS NULL OR k.last_used_at < now() - interval '10 minutes' THEN
            UPDATE ossature.api_key x SET last_used_at = now() WHERE x.tenant_id = k.tenant_id AND x.id = k.id;
          END IF;
          RETURN jsonb_build_object(
            'digest', encode(k.digest, 'hex'), 'actor', k.id, 'label', a.label, 'member', k.member_id,
            'scopes', k.scopes, 'api_version', k.api_version,
            'expires', extract(epoch FROM k.expires_at),
            'user', CASE WHEN u.id IS NOT NULL THEN jsonb_build_object('id', u.id, 'email', u.email, 'name', u.name,
              'locale', u.locale, 'time_zone', u.time_zone) END,
            'tenant', jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'locale', t.locale,
              'time_zone', t.time_zone),
            'plugins', ossature.enabled_plugins(t.id),
            'access', CASE WHEN k.member_id IS NOT NULL THEN ossature.actor_access(t.id, k.member_id) END);
        END""",
    # -- sessions -------------------------------------------------------------------------------------------------
    "choose_tenant(p_session uuid, p_tenant uuid)": """
        RETURNS boolean LANGUAGE sql AS
        WITH chosen AS (
          UPDATE ossature.session s SET chosen_tenant = p_tenant, platform_actor = NULL
            WHERE s.id = p_session AND s.revoked_at IS NULL AND (p_tenant IS NULL OR EXISTS (
              SELECT 1 FROM ossature.memberships(s.user_id) m WHERE m.id = p_tenant))
            RETURNING s.user_id),
        noted AS (
          UPDATE ossature.member m SET last_sign_in_at = now() FROM chosen c
            WHERE m.tenant_id = p_tenant AND m.user_id = c.user_id)
        SELECT true FROM chosen""",
    "revoke_session(p_session uuid, p_user uuid, p_why text)": """
        RETURNS boolean LANGUAGE sql AS
        UPDATE ossature.session s SET revoked_at = now(), revoked_for = p_why
          WHERE s.id = p_session AND s.user_id = p_user AND s.revoked_at IS NULL RETURNING true""",
    "revoke_sessions(p_user uuid, p_except uuid, p_why text)": """
        RETURNS integer LANGUAGE sql AS
        WITH gone AS (UPDATE ossature.session s SET revoked_at = now(), revoked_for = p_why
          WHERE s.user_id = p_user AND s.id IS DISTINCT FROM p_except AND s.revoked_at IS NULL RETURNING 1)
        SELECT count(*)::integer FROM gone""",
    "user_sessions(p_user uuid)": """
        RETURNS TABLE (id uuid, kind text, address text, agent text, created_at timestamptz, last_seen_at timestamptz)
        LANGUAGE sql STABLE AS
        SELECT s.id, s.kind, s.address, s.agent, s.created_at, s.last_seen_at FROM ossature.session s
          WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.expires_at > now()
          ORDER BY s.last_seen_at DESC LIMIT 50""",
    "issue_refresh_token(p_session uuid, p_digest bytea)": """
        RETURNS void LANGUAGE sql AS
        INSERT INTO ossature.refresh_token (digest, session_id) VALUES (p_digest, p_session)""",
    # A token that comes twice was stolen or replayed: the whole session ends. The caller commits before it refuses.
    "rotate_refresh_token(p_old bytea, p_new bytea)": """
        RETURNS TABLE (outcome text, session_id uuid, user_id uuid) LANGUAGE plpgsql AS
        DECLARE t ossature.refresh_token; s ossature.session;
        BEGIN
          SELECT * INTO t FROM ossature.refresh_token x WHERE x.digest = p_old FOR UPDATE;
          IF t.digest IS NULL THEN RETURN QUERY SELECT 'unknown', NULL::uuid, NULL::uuid; RETURN; END IF;
          SELECT * INTO s FROM ossature.session x WHERE x.id = t.session_id;
          IF t.used_at IS NOT NULL THEN
            UPDATE ossature.session x SET revoked_at = now(), revoked_for = 'refresh token used twice'
              WHERE x.id = s.id AND x.revoked_at IS NULL;
            RETURN QUERY SELECT 'reused', s.id, s.user_id; RETURN;
          END IF;
          IF s.revoked_at IS NOT NULL OR s.expires_at <= now() THEN
            RETURN QUERY SELECT 'ended', s.id, s.user_id; RETURN;
          END IF;
          UPDATE ossature.refresh_token x SET used_at = now() WHERE x.digest = p_old;
          INSERT INTO ossature.refresh_token (digest, session_id) VALUES (p_new, s.id);
          RETURN QUERY SELECT 'rotated', s.id, s.user_id;
        END""",
    "session_of_refresh_token(p_digest bytea)": """
        RETURNS TABLE (session_id uuid, user_id uuid) LANGUAGE sql STABLE AS
        SELECT s.id, s.user_id FROM ossature.refresh_token t JOIN ossature.session s ON s.id = t.session_id
          WHERE t.digest = p_digest""",
    # -- accounts -------------------------------------------------------------------------------------------------
    # An address that is taken answers the account that has it; its name and password stay.
    "create_user(p_id uuid, p_email text, p_name text, p_locale text, p_time_zone text)": """
        RETURNS TABLE (id uuid, created boolean) LANGUAGE plpgsql AS
        BEGIN
          INSERT INTO ossature.user_account (id, email, name, locale, time_zone)
            VALUES (p_id, p_email, p_name, p_locale, p_time_zone) ON CONFLICT (email) DO NOTHING;
          RETURN QUERY SELECT u.id, u.id = p_id FROM ossature.user_account u WHERE u.email = p_email;
        END""",
    "password_of(p_user uuid)": """
        RETURNS text LANGUAGE sql STABLE AS
        SELECT u.password_hash FROM ossature.user_account u WHERE u.id = p_user AND u.active""",
    # After signing in with a password that was hashed with older parameters; never over a newer password.
    "rehash_password(p_user uuid, p_old text, p_new text)": """
        RETURNS void LANGUAGE sql AS
        UPDATE ossature.user_account u SET password_hash = p_new WHERE u.id = p_user AND u.password_hash = p_old""",
    "set_password(p_user uuid, p_hash text)": """
        RETURNS text LANGUAGE sql AS
        WITH gone AS (DELETE FROM ossature.password_link l WHERE l.user_id = p_user)
        UPDATE ossature.user_account u SET password_hash = p_hash, password_changed_at = now()
          WHERE u.id = p_user RETURNING u.email""",
    "save_profile(p_user uuid, p_name text, p_locale text, p_time_zone text, p_theme text, p_density text, p_shortcuts boolean)": """
        RETURNS void LANGUAGE sql AS
        UPDATE ossature.user_account u SET name = p_name, locale = p_locale, time_zone = p_time_zone, theme = p_theme,
          density = p_density, shortcuts = p_shortcuts WHERE u.id = p_user""",
    # Only for an account that never had a password and belongs to no other organisation than the bound one.
    "make_password_link(p_user uuid, p_digest bytea, p_hours integer)": """
        RETURNS boolean LANGUAGE plpgsql AS
        BEGIN
          IF NOT EXISTS (SELECT 1 FROM ossature.user_account u WHERE u.id = p_user AND u.active
              AND u.password_hash IS NULL AND NOT u.platform_admin)
            OR EXISTS (SELECT 1 FROM ossature.member m WHERE m.user_id = p_user
              AND m.tenant_id IS DISTINCT FROM nullif(current_setting('ossature.tenant', true), '')::uuid)
          THEN RETURN false; END IF;
          DELETE FROM ossature.password_link l WHERE l.user_id = p_user OR l.expires_at < now();
          INSERT INTO ossature.password_link (digest, user_id, expires_at)
            VALUES (p_digest, p_user, now() + make_interval(hours => p_hours));
          RETURN true;
        END""",
    "password_link(p_digest bytea)": """
        RETURNS TABLE (user_id uuid, email text, name text, locale text) LANGUAGE sql STABLE AS
        SELECT u.id, u.email, u.name, u.locale FROM ossature.password_link l
          JOIN ossature.user_account u ON u.id = l.user_id AND u.active
          WHERE l.digest = p_digest AND l.expires_at > now()""",
    "use_password_link(p_digest bytea, p_hash text)": """
        RETURNS uuid LANGUAGE sql AS
        WITH used AS (DELETE FROM ossature.password_link l WHERE l.digest = p_digest AND l.expires_at > now()
          RETURNING l.user_id)
        UPDATE ossature.user_account u SET password_hash = p_hash, password_changed_at = now()
          FROM used WHERE u.id = used.user_id AND u.active RETURNING u.id""",
    # For somebody whose account is not this organisation's own: it is theirs to say that they join.
    "make_invitation(p_member uuid, p_digest bytea, p_hours integer)": """
        RETURNS boolean LANGUAGE plpgsql AS
        DECLARE v_tenant uuid := nullif(current_setting('ossature.tenant', true), '')::uuid; v_user uuid;
        BEGIN
          SELECT m.user_id INTO v_user FROM ossature.member m
            WHERE m.tenant_id = v_tenant AND m.id = p_member AND NOT m.joined;
          IF v_user IS NULL THEN RETURN false; END IF;
          DELETE FROM ossature.invitation i
            WHERE (i.to_tenant = v_tenant AND i.member_id = p_member) OR i.expires_at < now();
          INSERT INTO ossature.invitation (digest, to_tenant, member_id, user_id, expires_at)
            VALUES (p_digest, v_tenant, p_member, v_user, now() + make_interval(hours => p_hours));
          RETURN true;
        END""",
    "invitation(p_digest bytea)": """
        RETURNS TABLE (user_id uuid, email text, slug text, tenant text) LANGUAGE sql STABLE AS
        SELECT u.id, u.email, t.slug, t.name FROM ossature.invitation i
          JOIN ossature.user_account u ON u.id = i.user_id AND u.active
          JOIN ossature.tenant t ON t.id = i.to_tenant AND t.status = 'active'
          WHERE i.digest = p_digest AND i.expires_at > now()""",
    "accept_invitation(p_digest bytea, p_session uuid)": """
        RETURNS uuid LANGUAGE plpgsql AS
        DECLARE v ossature.invitation;
        BEGIN
          DELETE FROM ossature.invitation i USING ossature.session s
            WHERE i.digest = p_digest AND i.expires_at > now() AND s.id = p_session AND s.user_id = i.user_id
              AND s.revoked_at IS NULL AND s.expires_at > now()
            RETURNING i.* INTO v;
          IF v.member_id IS NULL THEN RETURN NULL; END IF;
          UPDATE ossature.member m SET joined = true, active = true WHERE m.tenant_id = v.to_tenant AND m.id = v.member_id;
          UPDATE ossature.actor a SET active = true WHERE a.tenant_id = v.to_tenant AND a.id = v.member_id;
          RETURN v.to_tenant;
        END""",
    "tenant_members()": """
        RETURNS TABLE (id uuid, user_id uuid, name text, email text, active boolean, joined boolean,
          has_password boolean, created_at timestamptz, last_sign_in_at timestamptz) LANGUAGE sql STABLE AS
        SELECT m.id, u.id, u.name, u.email, m.active AND u.active, m.joined, u.password_hash IS NOT NULL, m.created_at,
          m.last_sign_in_at FROM ossature.member m JOIN ossature.user_account u ON u.id = m.user_id
          WHERE m.tenant_id = nullif(current_setting('ossature.tenant', true), '')::uuid
          ORDER BY ossature.fold(u.name), m.id""",
    # -- refusals -------------------------------------------------------------------------------------------------
    "record_denial(p_tenant uuid, p_actor uuid, p_user uuid, p_permission text, p_method text, p_path text, p_request text)": """
        RETURNS void LANGUAGE sql AS
        WITH old AS (DELETE FROM ossature.denial d WHERE d.id IN (
          SELECT o.id FROM ossature.denial o WHERE o.at < now() - interval '90 days'
          LIMIT 100 FOR UPDATE SKIP LOCKED))
        INSERT INTO ossature.denial (about_tenant, actor_id, user_id, permission, method, path, request)
          VALUES (p_tenant, p_actor, p_user, left(p_permission, 200), left(p_method, 10), left(p_path, 500),
            left(p_request, 100))""",
    # -- the platform's administrators; each asks for the session of one ------------------------------------------
    "is_platform_session(p_session uuid)": """
        RETURNS boolean LANGUAGE sql STABLE AS
        SELECT EXISTS (SELECT 1 FROM ossature.session s JOIN ossature.user_account u ON u.id = s.user_id
          WHERE s.id = p_session AND s.revoked_at IS NULL AND s.expires_at > now() AND u.active AND u.platform_admin)""",
    "platform_tenants(p_session uuid)": """
        RETURNS TABLE (id uuid, slug text, name text, status text, created_at timestamptz, members bigint)
        LANGUAGE sql STABLE AS
        SELECT t.id, t.slug, t.name, t.status, t.created_at,
          (SELECT count(*) FROM ossature.member m WHERE m.tenant_id = t.id AND m.active)
          FROM ossature.tenant t WHERE ossature.is_platform_session(p_session) ORDER BY t.name, t.id""",
    "platform_create_tenant(p_session uuid, p_id uuid, p_slug text, p_name text, p_locale text, p_time_zone text)": """
        RETURNS boolean LANGUAGE sql AS
        INSERT INTO ossature.tenant (id, slug, name, locale, time_zone)
          SELECT p_id, p_slug, p_name, p_locale, p_time_zone WHERE ossature.is_platform_session(p_session)
          ON CONFLICT (slug) DO NOTHING RETURNING true""",
    "platform_set_status(p_session uuid, p_tenant uuid, p_status text)": """
        RETURNS boolean LANGUAGE sql AS
        UPDATE ossature.tenant t SET status = p_status
          WHERE t.id = p_tenant AND ossature.is_platform_session(p_session) RETURNING true""",
    "platform_open_tenant(p_session uuid, p_tenant uuid, p_actor uuid)": """
        RETURNS boolean LANGUAGE sql AS
        UPDATE ossature.session s SET chosen_tenant = p_tenant, platform_actor = p_actor
          WHERE s.id = p_session AND ossature.is_platform_session(p_session) AND EXISTS (
            SELECT 1 FROM ossature.tenant t JOIN ossature.actor a ON a.tenant_id = t.id AND a.id = p_actor
              AND a.kind = 'platform' WHERE t.id = p_tenant AND t.status = 'active')
          RETURNING true""",
}

# What only the system role may call: the command line, where no session of an administrator exists.
FOR_SYSTEM = {
    "system_create_tenant(p_id uuid, p_slug text, p_name text, p_locale text, p_time_zone text)": """
        RETURNS boolean LANGUAGE sql AS
        INSERT INTO ossature.tenant (id, slug, name, locale, time_zone)
          VALUES (p_id, p_slug, p_name, p_locale, p_time_zone) ON CONFLICT (slug) DO NOTHING RETURNING true""",
    "system_set_status(p_tenant uuid, p_status text)": """
        RETURNS boolean LANGUAGE sql AS
        UPDATE ossature.tenant t SET status = p_status WHERE t.id = p_tenant RETURNING true""",
    "system_user(p_email text)": """
        RETURNS TABLE (id uuid, name text, platform_admin boolean, has_password boolean) LANGUAGE sql STABLE AS
        SELECT u.id, u.name, u.platform_admin, u.password_hash IS NOT NULL FROM ossature.user_account u
          WHERE u.email = p_email""",
    "system_set_platform_admin(p_user uuid, p_admin boolean)": """
        RETURNS boolean LANGUAGE sql AS
        UPDATE ossature.user_account u SET platform_admin = p_admin WHERE u.id = p_user RETURNING true""",
    "system_denials(p_tenant uuid, p_limit integer)": """
        RETURNS TABLE (at timestamptz, actor_id uuid, user_id uuid, permission text, method text, path text, request text)
        LANGUAGE sql STABLE AS
        SELECT d.at, d.actor_id, d.user_id, d.permission, d.method, d.path, d.request FROM ossature.denial d
          WHERE d.about_tenant IS NOT DISTINCT FROM p_tenant ORDER BY d.at DESC LIMIT p_limit""",
}
