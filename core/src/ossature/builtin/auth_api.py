"""`/api/auth`: sign in for an access token, refresh it, sign out, and who am I."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ossature.auth import sign_in as service
from ossature.auth.request import REFRESH_PATH, caller
from ossature.auth.state import access_state
from ossature.context import TenantInfo, current
from ossature.errors import Detail, Invalid, Unauthenticated
from ossature.hooks.specs import hookimpl
from ossature.i18n import translator
from ossature.rbac import public, signed_in
from ossature.rbac.permissions import aliases_held
from ossature.web.api import documented, known_arguments, read_object, success

_, _l, ngettext = translator("ossature")

REFRESH_COOKIE = "ossature_refresh"

blueprint = APIBlueprint("auth_api", __name__, url_prefix=REFRESH_PATH)


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=1024)

    email: str = Field(min_length=1, max_length=254)
    password: str = Field(min_length=1)
    tenant: str | None = Field(None, max_length=63, description="The organisation's name in addresses")


class TenantOut(BaseModel):
    id: UUID
    slug: str
    name: str


class TokenData(BaseModel):
    access_token: str
    token_type: str = Field(description="Always Bearer")
    expires_in: int = Field(description="Seconds")
    tenant: TenantOut | None


class TokenAnswer(BaseModel):
    success: bool
    data: TokenData
    meta: dict[str, Any]


class UserOut(BaseModel):
    id: UUID
    email: str
    name: str
    locale: str
    time_zone: str


class ActorOut(BaseModel):
    id: UUID
    kind: str
    label: str


class MeData(BaseModel):
    user: UserOut | None
    actor: ActorOut | None
    tenant: TenantOut | None
    tenants: list[TenantOut]
    roles: list[str]
    permissions: dict[str, str] = Field(description="Permission -> own, team or all")
    aliases: list[str] = Field(description="Sketched names of permissions that are held")
    platform_admin: bool


class MeAnswer(BaseModel):
    success: bool
    data: MeData
    meta: dict[str, Any]


class Done(BaseModel):
    success: bool
    data: None
    meta: dict[str, Any]


@blueprint.post("/login")
@public
def login() -> Response:
    """Exchange e-mail and password for an access token; the refresh token comes as a cookie."""
    known_arguments(())
    given = _read_login()
    done = service.sign_in(
        given.email,
        given.password,
        kind="api",
        host_tenant=current().tenant,
        wanted=given.tenant,
        must_choose=True,
        address=request.remote_addr or "",
        agent=request.headers.get("User-Agent", ""),
    )
    if former := request.cookies.get(REFRESH_COOKIE):
        service.end_session_of(former)
    return _tokens(done.user_id, done.session_id, done.tenant, service.first_refresh_token(done.session_id))


@blueprint.post("/refresh")
@public
def refresh() -> Response:
    """A new access token for the refresh cookie, which is replaced; each works once."""
    known_arguments(())
    given = request.cookies.get(REFRESH_COOKIE)
    if not given:
        raise Unauthenticated(_("There is no refresh token. Sign in."))
    fresh, session_id, user_id = service.rotate_refresh_token(given)
    found = access_state().cache.session(session_id, None, user_id)
    on_host = current().tenant
    if found is None or (on_host and (found.tenant is None or found.tenant.id != on_host.id)):
        raise Unauthenticated(_("Your session has ended. Sign in again."))
    return _tokens(user_id, session_id, found.tenant, fresh)


@blueprint.post("/logout")
@public
def logout() -> Response:
    """End the session of the access token or the refresh cookie; saying so twice does no harm."""
    known_arguments(())
    found = caller()
    if found and found.session_id and found.user and found.kind == "api":
        service.sign_out(found.session_id, found.user.id)
    if given := request.cookies.get(REFRESH_COOKIE):
        service.end_session_of(given)
    response = success(None)
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, samesite="Strict", httponly=True)
    return response


@blueprint.get("/me")
@signed_in(tenant=False)
def me() -> Response:
    """The caller: user, organisation, roles and permissions."""
    known_arguments(())
    context, found = current(), caller()
    user, actor, tenant = found.user if found else None, context.actor, context.tenant
    grants = context.access.grants
    return success(
        {
            "user": user
            and {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "locale": context.locale,
                "time_zone": context.time_zone,
            },
            "actor": actor and {"id": actor.id, "kind": actor.kind, "label": actor.label},
            "tenant": tenant and _tenant(tenant.id, tenant.slug, tenant.name),
            "tenants": [_tenant(place.id, place.slug, place.name) for place in (found.places if found else ())],
            "roles": list(context.access.roles),
            "permissions": {name: grants[name].value for name in sorted(grants)},
            "aliases": aliases_held(grants),
            "platform_admin": context.platform_admin,
        }
    )


def _read_login() -> Login:
    try:
        return Login.model_validate(read_object())
    except ValidationError as error:
        raise Invalid(
            _("The sign-in could not be read."),
            [
                Detail(
                    ".".join(str(part) for part in fault["loc"]),
                    {"extra_forbidden": "unknown_field", "missing": "required"}.get(fault["type"], "invalid"),
                    _("This field is unknown.") if fault["type"] == "extra_forbidden" else _("Give a text."),
                )
                for fault in error.errors(include_url=False, include_context=False, include_input=False)
            ],
        ) from None


def _tenant(id_: UUID, slug: str, name: str) -> dict[str, Any]:
    return {"id": id_, "slug": slug, "name": name}


def _tokens(user_id: UUID, session_id: UUID, tenant: TenantInfo | None, refresh_token: str) -> Response:
    state = access_state()
    tenant_id = tenant.id if tenant else None
    found = state.cache.session(session_id, tenant_id, user_id)
    token = state.tokens.issue(user_id, session_id, tenant_id, found.access.roles if found else ())
    response = success(
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": state.tokens.seconds,
            "tenant": tenant and _tenant(tenant.id, tenant.slug, tenant.name),
        }
    )
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        REFRESH_COOKIE,
        refresh_token,
        max_age=state.config.session_days * 86400,
        path=REFRESH_PATH,
        httponly=True,
        samesite="Strict",
        secure=state.config.secure_cookies,
    )
    return response


documented(
    login,
    summary="Sign in",
    tag="Access",
    operation_id="login",
    body=Login,
    answer=TokenAnswer,
    refusals=(400, 401, 409, 413, 415, 422, 429),
)
documented(
    refresh, summary="Refresh the access token", tag="Access", operation_id="refresh", answer=TokenAnswer,
    refusals=(400, 401, 429),
)  # fmt: skip
documented(logout, summary="Sign out", tag="Access", operation_id="logout", answer=Done, refusals=(400, 401, 429))
documented(me, summary="Who am I", tag="Access", operation_id="me", answer=MeAnswer, refusals=(400, 401, 429))


@hookimpl
def register_blueprints() -> list[APIBlueprint]:
    return [blueprint]
