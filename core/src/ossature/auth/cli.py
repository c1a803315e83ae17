"""Commands for organisations, accounts and API keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from ossature.app import create_app
from ossature.auth import accounts
from ossature.config import Config
from ossature.context import Context, Reach, TenantInfo, use_context
from ossature.db import session, transaction
from ossature.errors import Invalid, Refusal
from ossature.rbac import keys, members, roles, tenants
from ossature.rbac.presets import DEFAULT_PRESET, PRESETS
from ossature.rbac.rights import rights


@contextmanager
def application() -> Iterator[None]:
    """The application, for its database, plugins and permissions; refusals become one line."""
    create_app(Config.load())
    try:
        with use_context(tenants.operator_context(None)):
            yield
    except Refusal as refusal:
        lines = [
            str(refusal.message),
            *(str(d.message) for d in refusal.details if str(d.message) != str(refusal.message)),
        ]
        raise click.ClickException(" ".join(lines)) from None


def _tenant(slug: str) -> TenantInfo:
    with transaction(Context(means="command")) as work:
        row = work.execute(text("SELECT * FROM ossature.find_tenant(:slug)"), {"slug": slug}).first()
    if row is None:
        raise click.ClickException(f"there is no tenant {slug!r}; `ossature tenant list` names them")
    return TenantInfo(row.id, row.slug, row.name, row.locale, row.time_zone)


@contextmanager
def inside(slug: str) -> Iterator[TenantInfo]:
    tenant = _tenant(slug)
    with transaction(tenants.operator_context(tenant), role="system"):
        yield tenant


def _user(email: str) -> tuple[UUID, str]:
    row = (
        session()
        .execute(text("SELECT id, name FROM ossature.system_user(:email)"), {"email": accounts.normalise_email(email)})
        .first()
    )
    if row is None:
        raise click.ClickException(f"there is no account {email!r}; make it with `ossature user create`")
    return row.id, row.name


def _password(given: str | None, email: str) -> str:
    return given or click.prompt(f"Password for {email}", hide_input=True, confirmation_prompt=True)


@click.group("tenant")
def tenant_group() -> None:
    """Tenants: the organisations that share this installation."""


@tenant_group.command("create")
@click.argument("slug")
@click.option("--name", help="Name on screen (default: the slug).")
@click.option("--locale", default="fr", show_default=True)
@click.option("--time-zone", default="Europe/Paris", show_default=True)
@click.option("--preset", type=click.Choice(sorted(PRESETS)), default=DEFAULT_PRESET, show_default=True, help="Roles.")
@click.option("--plugin", "plugins", multiple=True, help="Enable this plugin; repeatable (default: all that run).")
def create_tenant(
    slug: str, name: str | None, locale: str, time_zone: str, preset: str, plugins: tuple[str, ...]
) -> None:
    """Make a tenant; SLUG becomes part of its address."""
    with application():
        from ossature.kernel import kernel

        tenant = tenants.create_tenant(
            slug, name or slug, preset=preset, locale=locale, time_zone=time_zone,
            plugins=plugins or kernel().plugins.keys,
        )  # fmt: skip
    click.echo(f"Tenant {tenant.slug} is made. Next: ossature user create EMAIL --tenant {tenant.slug} --role owner")


@tenant_group.command("list")
def list_tenants() -> None:
    """Every tenant with its state."""
    with application(), transaction(role="system") as work:
        rows = work.execute(
            text("SELECT slug, name, status, locale, time_zone, created_at FROM ossature.tenant ORDER BY slug")
        ).all()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Slug", "Name", "State", "Locale", "Time zone", "Since"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row.slug, row.name, row.status, row.locale, row.time_zone, f"{row.created_at:%Y-%m-%d}")
    Console().print(table)


@tenant_group.command("suspend")
@click.argument("slug")
@click.option("--resume", is_flag=True, help="Open it again.")
def suspend_tenant(slug: str, resume: bool) -> None:
    """Let nobody in; nothing is lost."""
    with application():
        tenant = _tenant(slug)
        with transaction(role="system"):
            tenants.set_status(tenant.id, "active" if resume else "suspended")
    click.echo(f"Tenant {slug} is {'open again' if resume else 'suspended'}.")


@click.group("user")
def user_group() -> None:
    """Accounts of people, and their place in tenants."""


@user_group.command("create")
@click.argument("email")
@click.option("--name", help="Name (default: what stands before the @).")
@click.option("--tenant", "slug", help="Make them a member of this tenant.")
@click.option("--role", "role_keys", multiple=True, help="Role in the tenant; repeatable.")
@click.option("--password", envvar="OSSATURE_NEW_PASSWORD", help="Asked for when not given.")
@click.option("--link", is_flag=True, help="Print a link to choose the password instead.")
@click.option("--platform-admin", is_flag=True, help="Administrator of the whole installation.")
def create_user(
    email: str, name: str | None, slug: str | None, role_keys: tuple[str, ...], password: str | None, link: bool,
    platform_admin: bool,
) -> None:  # fmt: skip
    """Make an account, or add the one that has this address to a tenant."""
    if slug and not role_keys:
        raise click.UsageError("a member needs a role: --role owner")
    if link and (platform_admin or password or not slug):
        raise click.UsageError("--link is for members without a password: give --tenant, and neither of the others")
    with application():
        name = name or email.partition("@")[0]
        if slug:
            with inside(slug):
                user = accounts.create_user(email, name)
                members.add_member(user.id, name, [roles.role_by_key(key).id for key in role_keys])
                secret = accounts.make_password_link(user.id) if link else None
        else:
            with transaction(role="system"):
                user, secret = accounts.create_user(email, name), None
        if platform_admin:
            with transaction(role="system"):
                accounts.set_platform_admin(user.id, True)
        if user.created and not link:
            accounts.set_password(user.id, email, _password(password, email))
    click.echo(f"{email} {'is made' if user.created else 'had an account already'}.")
    if secret:
        click.echo(f"They choose their password at {Config.load().base_url}/password/{secret}")


@user_group.command("password")
@click.argument("email")
@click.option("--password", envvar="OSSATURE_NEW_PASSWORD", help="Asked for when not given.")
@click.option("--random", "by_chance", is_flag=True, help="Make one up and print it.")
def set_password(email: str, password: str | None, by_chance: bool) -> None:
    """Set a password; all sessions of the account end."""
    with application():
        with transaction(role="system"):
            user_id, _name = _user(email)
        chosen = secrets.token_urlsafe(15) if by_chance else _password(password, email)
        accounts.set_password(user_id, accounts.normalise_email(email), chosen)
    click.echo(f"The password of {email} is set." + (f" It is: {chosen}" if by_chance else ""))


@user_group.command("admin")
@click.argument("email")
@click.option("--remove", is_flag=True, help="Take it back.")
def set_admin(email: str, remove: bool) -> None:
    """Make an account an administrator of the installation."""
    with application(), transaction(role="system"):
        user_id, _name = _user(email)
        accounts.set_platform_admin(user_id, not remove)
    click.echo(f"{email} is {'no longer' if remove else 'now'} an administrator of the platform.")


@click.group("token")
def token_group() -> None:
    """API keys of services."""


@token_group.command("create")
@click.argument("name")
@click.option("--tenant", "slug", required=True)
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="Permission, or permission:own|team|all; repeatable."
)
@click.option("--days", type=int, default=365, show_default=True, help="Days until it expires; 0 for never.")
def create_token(name: str, slug: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a key for a service and print it, this once."""
    with application():
        wanted = {}
        for scope in scopes:
            permission, _colon, reach = scope.partition(":")
            if permission not in rights().permissions or reach not in ("", *Reach):
                raise Invalid(f"{scope!r} is not a permission, or its reach is none of own, team, all.")
            wanted[permission] = Reach(reach or "all")
        with inside(slug):
            issued = keys.issue_key(name, wanted, days=days or None)
    click.echo(issued.shown)


@token_group.command("list")
@click.option("--tenant", "slug", required=True)
def list_tokens(slug: str) -> None:
    """The keys of a tenant."""
    with application(), inside(slug):
        rows = keys.list_keys(everyones=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Prefix", "Name", "Of", "Expires", "Last used", "Revoked"):
        table.add_column(heading)
    for key in rows:
        dates = (
            f"{moment:%Y-%m-%d}" if moment else "" for moment in (key.expires_at, key.last_used_at, key.revoked_at)
        )
        table.add_row(f"oss_{key.prefix}", key.name, "member" if key.member_id else "service", *dates)
    Console().print(table)


@token_group.command("revoke")
@click.argument("prefix")
@click.option("--tenant", "slug", required=True)
def revoke_token(prefix: str, slug: str) -> None:
    """Stop a key at once; PREFIX as `token list` shows it."""
    with application(), inside(slug):
        wanted = prefix.removeprefix("oss_").partition("_")[0]
        found = next((key for key in keys.list_keys(everyones=True) if key.prefix == wanted), None)
        if found is None:
            raise click.ClickException(f"no key of {slug} begins with {prefix!r}")
        keys.revoke_key(found.id)
    click.echo(f"The key {found.name} is revoked.")
