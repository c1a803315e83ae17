"""Everything a plugin may import. What is not in `__all__` may change without notice.

`API_VERSION` follows its own count: a plugin's manifest names the one it is written for.
"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Blueprint
from sqlalchemy.orm import Mapped

from ossature.builtin.settings import render_settings
from ossature.context import Access, Actor, Context, Reach, current, use_context
from ossature.db.tenancy import tenant_key as fk
from ossature.db.types import Money
from ossature.db.work import after_commit, session, transaction
from ossature.duplicates.rules import alike, same
from ossature.errors import (
    BadRequest,
    Conflict,
    Detail,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Refusal,
    Unavailable,
)
from ossature.events.emit import emit
from ossature.events.types import Event, EventType, Handler, handles
from ossature.files.queries import files_of, open_file
from ossature.files.service import store_file
from ossature.files.table import StoredFile
from ossature.hooks.specs import hookimpl
from ossature.hooks.types import (
    ApiAlias,
    ChangeKind,
    DemoData,
    DemoSize,
    HealthCheck,
    NavItem,
    Permission,
    PresetGrant,
    RecordChange,
    RecordTab,
    SettingsPage,
    Widget,
)
from ossature.i18n.texts import translator
from ossature.ids import new_id
from ossature.jobs.run import JobRun
from ossature.jobs.types import Job, Schedule, job
from ossature.mail.sending import can_send_mail, mails_about, send_mail
from ossature.mail.table import Mail
from ossature.plugins.manifest import API_VERSION
from ossature.rbac.predicate import reaches
from ossature.rbac.rules import platform_admin, public, requires, signed_in
from ossature.rbac.tenants import each_tenant
from ossature.records import (
    Grid,
    Part,
    Record,
    RecordType,
    Related,
    Screens,
    Section,
    boolean,
    choice,
    country,
    day,
    decimal,
    derived,
    email_address,
    integer,
    long_text,
    moment,
    money,
    part_of,
    phone_number,
    position,
    reference,
    rules,
    secret,
    text,
    web_address,
)
from ossature.records.bulk import insert_rows
from ossature.records.conditions import Condition, when
from ossature.records.external_ids import external_ids_of, find_by_external, set_external
from ossature.records.links import NewLink, PublicLink, create_link, link, links_of, revoke_link
from ossature.records.lookup import record_type
from ossature.records.many import Change, NewRow, Outcome, create_many, delete_many, update_many, update_many_each
from ossature.records.query import get_row
from ossature.records.service import create, delete, restore, update
from ossature.settings import NumberSetting, Setting
from ossature.web import Crumb, notify, render
from ossature.web.api import read_object, success
from ossature.web.versions import ApiChange, renamed

__all__ = [
    "API_VERSION",
    "APIBlueprint",
    "Access",
    "Actor",
    "ApiAlias",
    "ApiChange",
    "BadRequest",
    "Blueprint",
    "Change",
    "ChangeKind",
    "Condition",
    "Conflict",
    "Context",
    "Crumb",
    "DemoData",
    "DemoSize",
    "Detail",
    "Event",
    "EventType",
    "Forbidden",
    "Grid",
    "Handler",
    "HealthCheck",
    "Invalid",
    "Job",
    "JobRun",
    "Mail",
    "Mapped",
    "Money",
    "NavItem",
    "NewLink",
    "NewRow",
    "NotFound",
    "NumberSetting",
    "Outcome",
    "Part",
    "Permission",
    "PreconditionFailed",
    "PresetGrant",
    "PublicLink",
    "Reach",
    "Record",
    "RecordChange",
    "RecordTab",
    "RecordType",
    "Refusal",
    "Related",
    "Schedule",
    "Screens",
    "Section",
    "Setting",
    "SettingsPage",
    "StoredFile",
    "Unavailable",
    "Widget",
    "after_commit",
    "alike",
    "boolean",
    "can_send_mail",
    "choice",
    "country",
    "create",
    "create_link",
    "create_many",
    "current",
    "day",
    "decimal",
    "delete",
    "delete_many",
    "derived",
    "each_tenant",
    "email_address",
    "emit",
    "external_ids_of",
    "files_of",
    "find_by_external",
    "fk",
    "get_row",
    "handles",
    "hookimpl",
    "insert_rows",
    "integer",
    "job",
    "link",
    "links_of",
    "long_text",
    "mails_about",
    "moment",
    "money",
    "new_id",
    "notify",
    "open_file",
    "part_of",
    "phone_number",
    "platform_admin",
    "position",
    "public",
    "reaches",
    "read_object",
    "record_type",
    "reference",
    "renamed",
    "render",
    "render_settings",
    "requires",
    "restore",
    "revoke_link",
    "rules",
    "same",
    "secret",
    "send_mail",
    "session",
    "set_external",
    "signed_in",
    "store_file",
    "success",
    "text",
    "transaction",
    "translator",
    "update",
    "update_many",
    "update_many_each",
    "use_context",
    "web_address",
    "when",
]  # fmt: skip
