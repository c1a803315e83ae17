"""Every route of the application, requested by everybody: each role, another tenant, keys, administrators, nobody.

What is expected follows from the route's access rule and the caller's grants; what a route is about (its id, its body)
stands in the tables below. A route that they do not cover fails: whoever adds one says what it is about.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image
from sqlalchemy import select, text
from werkzeug.routing import Rule

from ossature.auth.accounts import create_user, set_platform_admin
from ossature.auth.sign_in import memberships, open_session
from ossature.context import Context, Reach
from ossature.db import transaction
from ossature.db.kernel import change, mass, mass_row
from ossature.duplicates.tables import duplicate
from ossature.ids import new_id
from ossature.imports.table import import_row, import_run
from ossature.mail.table import table as mail
from ossature.rbac.keys import issue_key
from ossature.rbac.rights import rights
from ossature.rbac.roles import create_role
from ossature.rbac.rules import AccessRule, rule_of
from ossature.records.links import create_link
from ossature.testing.background_rows import add_job
from ossature.testing.people import _CSRF, HostClient, Person, Tenant, _csrf_header, client_of

pytestmark = pytest.mark.database

MakeTenant = Callable[..., Tenant]
ROLES = ("owner", "admin", "manager", "user", "auditor", "viewer", "sales_rep", "read_only")

# -- what the routes are about: a row is added with each new route that takes an argument or stands outside the rules -----

RECORD_API = {
    "crm.company": "/api/companies", "crm.contact": "/api/contacts", "crm.deal": "/api/deals",
    "crm.pipeline": "/api/crm/pipelines", "billing.number_series": "/api/billing/number-series", "_dummy.pebble": "/api/_dummy/pebbles",
    "_kinds.sample": "/api/_kinds/samples", "_kinds.shelf": "/api/_kinds/shelves", "ossature.team": "/api/ossature/teams",
    "ossature.legal_entity": "/api/ossature/legal-entities",
}  # fmt: skip

# endpoint -> what its `<uuid:id>` or other argument names
ABOUT = {
    "crm.move_deals": "crm.pipeline", "_dummy.show_heavier": "_dummy.pebble",
    "_dummy.show_shared": "_dummy.pebble link", "_dummy.like_shared": "_dummy.pebble link",
    "settings_members.member": "member", "settings_members.deactivate": "member", "settings_members.activate": "member",
    "settings_members.new_link": "member", "settings_roles.edit": "role", "settings_roles.delete": "role",
    "settings_teams.edit": "ossature.team", "settings_teams.delete": "ossature.team", "settings_keys.revoke": "key",
    "settings_keys.version": "key",
    "settings_plugins.switch_on": "plugin", "settings_plugins.switch_off": "plugin", "settings.end_session": "session",
    "settings_background.job": "job", "settings_background.cancel": "job", "settings_background.retry": "job",
    "settings_background.again": "job", "settings_background.set_aside": "job", "background_api.job_show": "job",
    "background_api.job_cancel": "job", "background_api.job_retry": "job", "settings_schedules.run": "schedule",
    "settings_schedules.pause": "schedule", "settings_schedules.resume": "schedule",
    "settings_schedules.change_time": "schedule", "background_api.schedule_run": "schedule",
    "background_api.schedule_change": "schedule",
    "history_api.show": "change_set", "history.show": "change_set", "history.undo": "change_set", "history_api.undo": "change_set",
    "platform.suspend": "tenant", "platform.resume": "tenant", "platform.open_tenant": "tenant",
    "settings_mail.show": "mail", "settings_mail.html": "mail", "settings_mail.attachment": "mail",
    "settings_mail.message": "mail", "settings_mail.again": "mail",
    "settings_tags.edit": "tag", "settings_tags.delete": "tag", "tags_api.tag_show": "tag", "tags_api.tag_change": "tag",
    "tags_api.tag_merge": "tag", "tags_api.tag_delete": "tag",
    "saved_views.edit": "view", "saved_views.save": "view", "saved_views.delete": "view",
    "saved_views_api.view_show": "view", "saved_views_api.view_change": "view", "saved_views_api.view_delete": "view",
}  # fmt: skip

# What is called the same in every tenant, or nothing at all.
OF_EVERYBODY = (None, "plugin", "tenant", "schedule")

# Routes without a permission: (method, endpoint) -> what members, and what the signed out, are answered.
SIGN_IN, CHOOSE = "to sign in", "to choose"
OF_THE_HISTORY = "to those who see the history, and of their own"
OPEN: dict[tuple[str, str], tuple[Any, Any]] = {
    ("GET", "home.index"): (200, 200),
    ("GET", "auth.sign_in"): (303, 200),
    ("POST", "auth.sign_in"): (422, 422),
    ("POST", "auth.sign_out"): (SIGN_IN, SIGN_IN),
    ("GET", "auth.first_password"): (404, 404),
    ("POST", "auth.first_password"): (404, 404),
    ("GET", "auth.join"): (404, SIGN_IN),
    ("POST", "auth.join"): (404, SIGN_IN),
    ("GET", "auth.choose_tenant"): (200, SIGN_IN),
    ("POST", "auth.switch_tenant"): (404, SIGN_IN),
    ("POST", "auth.set_locale"): (422, 422),
    ("POST", "auth.set_preferences"): (204, SIGN_IN),
    ("POST", "auth_api.login"): (422, 422),
    ("POST", "auth_api.refresh"): (401, 401),
    ("POST", "auth_api.logout"): (200, 200),
    ("GET", "auth_api.me"): (200, 401),
    ("GET", "changes_api.changes"): (200, 401),
    ("GET", "history.show"): (OF_THE_HISTORY, SIGN_IN),
    ("POST", "history.undo"): (OF_THE_HISTORY, SIGN_IN),
    ("GET", "history.version"): (404, SIGN_IN),
    ("POST", "history.version"): (404, SIGN_IN),
    ("GET", "history_api.show"): (OF_THE_HISTORY, 401),
    ("GET", "recycle_bin.index"): (200, SIGN_IN),
    ("POST", "recycle_bin.restore"): (422, SIGN_IN),
    ("POST", "history_api.undo"): (OF_THE_HISTORY, 401),
    ("GET", "why.index"): (200, SIGN_IN),
    ("GET", "why_api.ask"): (400, 401),
    ("GET", "search.index"): (200, SIGN_IN),
    ("GET", "search.hits"): (400, SIGN_IN),
    ("GET", "search.palette"): (200, SIGN_IN),
    ("POST", "search.set_pin"): (404, SIGN_IN),
    ("GET", "search_api.search"): (400, 401),
    ("GET", "saved_views.new"): (404, SIGN_IN),
    ("POST", "saved_views.new"): (404, SIGN_IN),
    ("GET", "saved_views.edit"): (200, SIGN_IN),
    ("POST", "saved_views.edit"): (303, SIGN_IN),
    ("POST", "saved_views.save"): (303, SIGN_IN),
    ("POST", "saved_views.delete"): (404, SIGN_IN),  # the API has just deleted it
    ("POST", "saved_views.default"): (404, SIGN_IN),
    ("GET", "saved_views_api.view_list"): (200, 401),
    ("POST", "saved_views_api.view_create"): (422, 401),
    ("GET", "saved_views_api.view_show"): (200, 401),
    ("PATCH", "saved_views_api.view_change"): (200, 401),
    ("DELETE", "saved_views_api.view_delete"): (200, 401),
    ("GET", "settings_tags.index"): (200, SIGN_IN),
    ("GET", "tags_api.tag_list"): (200, 401),
    ("GET", "tags_api.tag_show"): (200, 401),
    ("GET", "drafts_api.draft_show"): (200, 401),
    ("PUT", "drafts_api.draft_keep"): (400, 401),
    ("DELETE", "drafts_api.draft_drop"): (400, 401),
    ("GET", "settings.index"): (303, SIGN_IN),
    ("GET", "components.show"): (200, SIGN_IN),
    ("GET", "components.options"): (200, SIGN_IN),
    ("POST", "components.notice"): (200, SIGN_IN),
    ("GET", "settings.me"): (200, SIGN_IN),
    ("POST", "settings.me"): (303, SIGN_IN),
    ("POST", "settings.change_password"): (422, SIGN_IN),
    ("POST", "settings.end_session"): (303, SIGN_IN),
    ("GET", "settings_keys.index"): (200, SIGN_IN),
    ("GET", "settings_keys.new"): (200, SIGN_IN),
    ("POST", "settings_keys.new"): (422, SIGN_IN),
    ("POST", "settings_keys.revoke"): (303, SIGN_IN),
    ("GET", "settings_keys.version"): (200, SIGN_IN),
    ("POST", "settings_keys.version"): (303, SIGN_IN),
    ("GET", "ossature_actors_api.options"): (200, 401),
    ("GET", "documentation.openapi"): (200, 200),
    ("GET", "documentation.docs"): (200, 401),
    ("GET", "health.alive"): (200, 200),
    ("GET", "health.ready"): (200, 200),
    ("GET", "health.ready_alias"): (200, 200),
    ("GET", "health.api_health"): (200, 200),
    ("GET", "health.metrics"): (200, 200),
    ("GET", "assets.built"): (404, 404),
    ("GET", "_dummy.about"): (200, 200),
    ("GET", "_dummy.show_shared"): (200, 200),
    ("POST", "_dummy.like_shared"): (200, 200),
}

# The history of a record takes a right of its own besides that of seeing the record.
HISTORY = {"ossature.history.view"}

# A unique field of each record that has one, with a value.
BY_KEY = {
    "_kinds.sample": "code/Q-77", "ossature.team": "name/North%20by%20key", "ossature.legal_entity": "siren/552008443",
    "billing.number_series": "name/By%20key",
}  # fmt: skip

# What would change the ground under the requests after it comes last, what puts it back after that.
LAST = (
    "_files_delete", "_file_remove", "_files_restore", "_file_restore", "_delete", "_restore", ".delete", ".deactivate", ".activate", ".switch_off", ".switch_on", ".revoke", ".end_session",
    ".sign_out", ".logout", ".refresh",
)  # fmt: skip


@dataclass(frozen=True)
class Route:
    """One method of one rule, with the access rule that its view declares."""

    rule: Rule
    method: str
    access: AccessRule

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def endpoint(self) -> str:
        return str(self.rule.endpoint)

    @property
    def api(self) -> bool:
        return self.rule.rule.startswith("/api/")

    @property
    def record(self) -> str | None:
        """The record whose default routes this is one of."""
        if not self.access.permission or ("_records" not in self.endpoint):
            return None
        return self.access.permission.rpartition(".")[0]

    @property
    def by_key(self) -> bool:
        """Whether it writes the record that has a value, which is another one in each organisation."""
        keyed = "/by/<field>" in self.rule.rule or (self.called_so and self.method == "PUT")
        return self.record is not None and keyed

    @property
    def called_so(self) -> bool:
        """Whether its address names the record by what it is called elsewhere."""
        return "/by-external/" in self.rule.rule

    @property
    def of_imports(self) -> bool:
        """Whether it is about the imports of a record."""
        return self.record is not None and "_import_" in self.endpoint

    @property
    def of_files(self) -> bool:
        """Whether it is about the files of a record."""
        return self.record is not None and "/<uuid:id>/files" in self.rule.rule

    @property
    def about(self) -> str | None:
        if not self.rule.arguments or self.by_key:
            return None
        if self.record and "_mass_" in self.endpoint:
            return f"{self.record} mass"
        if self.of_imports:
            return f"{self.record} import"
        if self.record and "_duplicate" in self.endpoint:
            return f"{self.record} pair"
        return self.record or ABOUT.get(self.endpoint)

    @property
    def place(self) -> tuple[int, str]:
        late = [number for number, ending in enumerate(LAST) if self.endpoint.split("_alias")[0].endswith(ending)]
        return (late[0] + 1 if late else 0, self.rule.rule)


def routes_of(app: Flask) -> list[Route]:
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            access = rule_of(app.view_functions[rule.endpoint], method)
            assert access is not None, f"{method} {rule.rule} says not who may call it"
            found.append(Route(rule, method, access))
    return sorted(found, key=lambda route: route.place)


@dataclass
class Subjects:
    """Things of one tenant to be asked for, owned by one person, made when first named."""

    owner: Person
    about: Person
    found: dict[str, str] = field(default_factory=dict)

    def id(self, what: str) -> str:
        if what not in self.found:
            self.found[what] = self._make(what)
        return self.found[what]

    def note(self, record: str) -> str:
        """A new note on the thing of a record, by who asks where they may write one; nothing's where there is no such thing."""
        path = f"{RECORD_API[record]}/{self.id(record)}/notes"
        for person in (self.about, self.owner):
            answer = person.api.post(path, json={"text": "Hello"})
            if answer.status_code == 201:
                return str(answer.json["data"]["id"])
        return str(uuid4())

    def external(self, record: str) -> dict[str, str]:
        """What the thing of a record is called elsewhere."""
        id = self.id(record)
        self.owner.api.put(f"{RECORD_API[record]}/{id}/external-ids/shop/{id}")
        return {"source": "shop", "value": id}

    def file(self, record: str) -> str:
        """A picture on the thing of that record; nothing's where there is no such thing."""
        if f"file of {record}" not in self.found:
            path = f"{RECORD_API[record]}/{self.id(record)}/files"
            answer = self.owner.api.post(path, data=self.upload(), content_type="multipart/form-data")
            made = answer.status_code == 201
            self.found[f"file of {record}"] = str(answer.json["data"]["id"] if made else uuid4())
        return self.found[f"file of {record}"]

    def upload(self) -> dict[str, Any]:
        picture = io.BytesIO()
        Image.new("RGB", (4, 4)).save(picture, "PNG")
        return {"file": (io.BytesIO(picture.getvalue()), f"{new_id().hex}.png")}

    def _make(self, what: str) -> str:
        if what in RECORD_API:
            answer = self.owner.api.post(RECORD_API[what], json=self.body(what))
            assert answer.status_code == 201, answer.text
            return str(answer.json["data"]["id"])
        if what.endswith(" mass"):
            return self._act(what.removesuffix(" mass"))
        if what.endswith(" import"):
            return self._import(what.removesuffix(" import"))
        if what.endswith(" link"):
            pebble = UUID(self._make(what.removesuffix(" link")))
            with self.owner.work():
                return create_link("_dummy.pebble.share", pebble).url.rpartition("/")[2]
        if what.endswith(" pair"):
            return self._pair(what.removesuffix(" pair"))
        match what:
            case "member":
                return str(self.owner.tenant.member("viewer").member_id)
            case "role":
                with self.owner.work():
                    return str(create_role(f"Role {new_id().hex[-6:]}", "").id)
            case "key":
                with self.about.work():
                    held = next(iter(self.about.context.access.grants))
                    scopes = {held: self.about.context.access.grants[held]}
                    return str(issue_key("Sync", scopes, member_id=self.about.member_id).id)
            case "session":
                return str(self.about.session("page"))
            case "view":
                body = {"record": "ossature.team", "name": f"View {new_id().hex[-8:]}"}
                return str(self.about.api.post("/api/ossature/views", json=body).json["data"]["id"])
            case "tag":
                body = {"name": f"Tag {new_id().hex[-8:]}"}
                return str(self.owner.api.post("/api/ossature/tags", json=body).json["data"]["id"])
            case "change_set":
                team = self.owner.api.post(RECORD_API["ossature.team"], json=self.body("ossature.team"))
                made = UUID(team.json["data"]["id"])  # one of its own, since undoing deletes it
                with self.owner.work() as work:
                    return str(work.scalar(select(change.c.change_set_id).where(change.c.root_id == made).limit(1)))
            case "plugin":
                return "_dummy"
            case "job":
                return str(add_job(self.owner.tenant, "_dummy.polish", "dead"))
            case "mail":
                file = UUID(self.file("ossature.team"))
                values = {
                    "id": new_id(), "recipients": ["anna@client.example"], "sender": "North", "subject": "Hello",
                    "text": "Hello", "html": "<p>Hello", "files": [file], "state": "failed", "ended_at": sa.func.now(),
                }  # fmt: skip
                with self.owner.tenant.work() as work:
                    work.execute(sa.insert(mail).values(**values))
                return str(values["id"])
            case "schedule":
                return "_dummy.nightly"
            case "tenant":
                return str(self.owner.tenant.id)
        raise AssertionError(what)

    def _act(self, record: str) -> str:
        """A change of many records that the person has asked for, refused for what somebody else did; whoever asks reads it."""
        values = {
            "id": new_id(), "record": record, "act": "edit", "changes": {}, "overwrite": False, "total": 1, "done": 1,
            "refused": 1, "actor_id": self.about.member_id, "change_set_id": new_id(),
            "job_id": add_job(self.owner.tenant, "_dummy.polish", "queued"),
        }  # fmt: skip
        row = {
            "mass_id": values["id"], "number": 1, "record_id": UUID(self.id(record)), "version": 1,
            "outcome": "refused", "code": "changed_meanwhile",
        }  # fmt: skip
        with self.owner.tenant.work() as work:
            work.execute(sa.insert(mass).values(**values))
            work.execute(sa.insert(mass_row).values(**row))
        return str(values["id"])

    def _import(self, record: str) -> str:
        """An import that the person has begun, with one row; whoever begins one reads it."""
        column = {"index": 0, "header": "Name", "to": "id"}
        look = {"notation": {"width": 1}, "headers": ["Name"], "sheets": [], "notes": []}
        values = {
            "id": new_id(), "record": record, "filename": "things.csv", "size": 1, "key": new_id().hex, "look": look,
            "mapping": {"columns": [column]}, "state": "draft", "actor_id": self.about.member_id,
            "change_set_id": new_id(), "total": 1, "counts": {},
        }  # fmt: skip
        row = {"import_id": values["id"], "number": 1, "cells": [None], "written": False}
        with self.owner.tenant.work() as work:
            work.execute(sa.insert(import_run).values(**values))
            work.execute(sa.insert(import_row).values(**row))
        return str(values["id"])

    def import_body(self, route: Route) -> dict[str, Any]:
        """What one of its requests says."""
        ending = route.endpoint.split("_alias")[0].rpartition("_import_")[2]
        if ending == "start":
            return {"data": {"file": (io.BytesIO(b"Name\nAnna\n"), "a.csv")}, "content_type": "multipart/form-data"}
        said: dict[str, Any] = {"correct": {"cells": {"0": "x"}}, "value": {"column": 0, "value": "x", "to": "y"}}
        return {"json": said.get(ending, {})}

    def _pair(self, record: str) -> str:
        """Two things of theirs that look like one."""
        first, second = sorted((UUID(self.id(record)), UUID(self._make(record))))
        values = {"id": new_id(), "record": record, "a_id": first, "b_id": second, "score": 90, "reasons": []}
        with self.owner.tenant.work() as work:
            work.execute(sa.insert(duplicate).values(**values, state="open"))
        return str(values["id"])

    def body(self, what: str) -> dict[str, Any]:
        name = "last_name" if what == "crm.contact" else "name"
        given: dict[str, Any] = {name: f"Thing {new_id().hex[-8:]}", "owner_id": str(self.about.member_id)}
        if what == "crm.pipeline":
            return given | {"stages": [{"name": "Open"}]}
        if what == "billing.number_series":
            if "entity of series" not in self.found:
                self.found["entity of series"] = self._make("ossature.legal_entity")
            return given | {"legal_entity_id": self.found["entity of series"]}
        return given


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: with which clients, which rights, about whose things."""

    page: HostClient
    api: HostClient
    grants: Mapping[str, Reach]
    subjects: Subjects

    def ask(self, route: Route, subjects: Subjects | None = None) -> Any:
        subjects = subjects or self.subjects
        path = route.rule.rule
        if route.by_key:
            assert route.record is not None
            path = path.replace("<field>/<path:value>", BY_KEY.get(route.record, ""))
        if "<source>" in path and route.record:
            called = subjects.external(route.record)
            path = path.replace("<source>", called["source"]).replace("<path:value>", called["value"])
        for argument in route.rule.arguments:
            value = subjects.id(route.about) if route.about else str(uuid4())
            value = "owner_id" if argument == "field" and route.record else value
            if argument == "note" and route.about:
                value = subjects.note(route.about)
            if argument == "record" and route.record:
                value = subjects.id(route.record)
            if argument == "file_id" and route.record:
                value = subjects.file(route.record)
            path = path.replace(f"<uuid:{argument}>", value).replace(f"<path:{argument}>", "nothing.css")
            path = path.replace(f"<int:{argument}>", "1")
            path = path.replace(f"<{argument}>", value)
        assert "<" not in path, f"{route.name}: nothing is known of its arguments; add it to the table ABOUT"
        given: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": f"10.1.{uuid4().bytes[0]}.{uuid4().bytes[1]}"}}
        if route.endpoint == "health.metrics":
            given = {}
        if route.api:
            if route.of_imports:
                given |= subjects.import_body(route) if route.method in ("POST", "PATCH") else {}
            elif route.endpoint.split("_alias")[0].endswith("_files_create"):
                given |= {"data": subjects.upload(), "content_type": "multipart/form-data"}
            elif route.of_files and route.method == "PATCH":
                given["json"] = {"name": f"{new_id().hex}.png"}
            elif route.method in ("POST", "PUT", "PATCH"):
                given["json"] = subjects.body(route.record) if route.record else {}
            if route.endpoint.split("_alias")[0].endswith("_bulk"):
                given["json"] = {"operations": [{"op": "create", "data": given["json"]}]}
            if "_note_" in route.endpoint and "json" in given:
                given["json"] = {"text": "Hello"}
            return self.api.open(path, method=route.method, **given)
        if route.method == "POST":
            given["data"] = subjects.body(route.record) if route.record else {}
            if "_note_" in route.endpoint:
                given["data"] = {"text": "Hello"}
            if route.endpoint.endswith(("_external_add", "_external_remove")) and route.record:
                given["data"] = subjects.external(route.record)
            if route.of_files:
                given["data"] = {"name": f"{new_id().hex}.png"}
        return self.page.open(path, method=route.method, **given)


def outcome(answer: Any) -> Any:
    if answer.status_code == 303 and "/sign-in" in answer.headers["Location"]:
        return SIGN_IN
    if answer.status_code == 303 and answer.headers["Location"].endswith("/choose"):
        return CHOOSE
    return answer.status_code


def granted(route: Route) -> frozenset[int]:
    """What somebody who may is answered: what the route is for, or a fault of an empty form."""
    if route.record and route.method == "POST" and route.endpoint.endswith("_cell"):
        return frozenset({200, 422})
    if route.of_imports and route.api and route.method != "GET":
        # A check that was asked for just before is under way; what is asked of no column, or of another preset, is a fault.
        return frozenset({200, 201, 202, 404, 409, 422})
    if route.of_imports and not route.api:
        return frozenset({200, 303} if route.method == "GET" else {200, 303, 422})  # each step leads to where it is
    if route.record and route.endpoint.endswith("_imports"):
        return frozenset({200} if route.method == "GET" else {422})  # no file is sent
    if route.record and route.endpoint.split("_alias")[0].endswith("_mass"):
        return frozenset({422} if route.api else {200})
    what = route.endpoint.split("_alias")[0]
    if route.record and what.endswith(("_merge", "_merge_plan", "_duplicates_similar", "_similar")):
        # Two records would have to be named, and fields that the rules look at.
        return frozenset({422} if route.api else {200, 303})
    if route.record and what.endswith("_duplicates_scan"):
        return frozenset({202 if route.api else 303})
    if route.record and "_duplicate_decide" in what:
        return frozenset({400})  # it is not said what they are
    if route.record and route.api:
        # What a record is written by is in the address, and may differ from the name in the body.
        made = route.endpoint.split("_alias")[0].endswith("_create")
        return frozenset({200, 201} if route.by_key else {201 if made else 200})
    if route.endpoint.endswith("_mass_choice"):
        return frozenset({200 if route.method == "GET" else 409})  # nothing is chosen
    if route.record and route.endpoint.endswith("_export"):
        return frozenset({200})
    if route.endpoint.endswith("_move"):
        return frozenset({400})  # the address names no board
    if route.record:
        form = route.endpoint.endswith(("_new", "_edit"))
        return frozenset({200} if route.method == "GET" else {303, 422} if form else {303})
    return frozenset({200} if route.method == "GET" else {200, 303, 404, 409, 422})


def as_signed_out(page: HostClient) -> HostClient:
    """The token that a form of ours carries, so that the answer is the rule's and not the missing token's."""
    with page.session_transaction(base_url=page.base_url) as cookie:
        cookie["csrf_token"] = _CSRF
    return page


@pytest.fixture
def furnished(tenant: Tenant) -> Callable[[str], Caller]:
    """`furnished("viewer")`: a member of that role with things of their own."""
    owner = tenant.member("owner")

    def caller(role: str) -> Caller:
        person = owner if role == "owner" else tenant.member(role)
        return Caller(person.page, person.api, dict(person.context.access.grants), Subjects(owner, person))

    return caller


def may_import(route: Route, caller: Caller) -> bool:
    """Whoever may create such records or change them, where it is about imports."""
    imports = route.of_imports or route.endpoint.endswith("_imports")
    return not imports or bool({f"{route.record}.create", f"{route.record}.edit"} & caller.grants.keys())


def expected_of_member(route: Route, caller: Caller) -> set[Any]:
    match route.access.kind:
        case "permission":
            assert route.access.permission is not None
            needed = {
                route.access.permission,
                *(HISTORY if route.endpoint.split("_alias")[0].endswith(("_timeline", "_history")) else ()),
            }
            may = needed <= caller.grants.keys() and may_import(route, caller)
            return set(granted(route)) if may else {403}
        case "platform_admin":
            return {403}
    answers = OPEN.get((route.method, route.endpoint))
    assert answers is not None, f"{route.name} is missing from the table OPEN"
    if answers[0] == OF_THE_HISTORY:
        return {200, 303, 409} if caller.grants.keys() >= HISTORY else {404}
    return {answers[0]}


def faults_of(routes: list[Route], expected: Callable[[Route], set[Any]], ask: Callable[[Route], Any]) -> Iterator[str]:
    for route in routes:
        answer = ask(route)
        if outcome(answer) not in expected(route):
            yield f"{route.name} ({route.endpoint}): {outcome(answer)}, expected {sorted(map(str, expected(route)))}"
        elif route.api and answer.status_code >= 400 and answer.mimetype == "application/json":
            error = answer.json.get("error", {})
            if not {"code", "message", "details", "request_id"} <= error.keys():
                yield f"{route.name}: a refusal outside the envelope"


def test_the_tables_cover_every_route_and_nothing_else(app: Flask) -> None:
    routes = routes_of(app)
    assert len(routes) > 150
    missing = [
        route.name
        for route in routes
        if (
            route.rule.arguments
            and route.about is None
            and not route.by_key
            and (route.method, route.endpoint) not in OPEN
        )
        or (route.access.kind not in ("permission", "platform_admin") and (route.method, route.endpoint) not in OPEN)
        or (route.record is not None and route.record not in RECORD_API)
    ]
    assert missing == [], "add these routes to the tables of this file"
    endpoints = {route.endpoint for route in routes}
    assert {endpoint for _method, endpoint in OPEN} | ABOUT.keys() <= endpoints


@pytest.mark.req("S3-125", "S4-120", "S2-013")
@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_its_rights_say_at_every_route(app: Flask, furnished: Any, role: str) -> None:
    caller = furnished(role)
    faults = list(faults_of(routes_of(app), lambda route: expected_of_member(route, caller), caller.ask))
    assert faults == [], "\n".join(faults)


@pytest.mark.req("S3-125", "S3-045", "S2-059")
def test_the_signed_out_get_nothing_but_what_is_public(app: Flask, tenant: Tenant, furnished: Any) -> None:
    subjects = furnished("owner").subjects
    nobody = Caller(
        as_signed_out(client_of(app, tenant.url, **{"X-CSRFToken": _csrf_header(app)})),
        client_of(app, tenant.url),
        {},
        subjects,
    )

    def expected(route: Route) -> set[Any]:
        answers = OPEN.get((route.method, route.endpoint))
        return {answers[1]} if answers else {401 if route.api else SIGN_IN}

    faults = list(faults_of(routes_of(app), expected, nobody.ask))
    assert faults == [], "\n".join(faults)


@pytest.mark.req("S4-004", "S2-012", "S4-658")
def test_another_tenants_owner_finds_nothing_by_known_ids(app: Flask, furnished: Any, make_tenant: MakeTenant) -> None:
    ours = furnished("owner").subjects
    stranger = make_tenant().member("owner")
    caller = Caller(stranger.page, stranger.api, stranger.context.access.grants, Subjects(stranger, stranger))
    about_ids = [route for route in routes_of(app) if route.about not in OF_EVERYBODY]
    assert len(about_ids) > 80
    before = {what: ours.id(what) for what in {str(route.about) for route in about_ids}}
    shown = {key: ours.owner.api.get(f"{path}/{before[key]}").json["data"] for key, path in RECORD_API.items()}

    faults = list(faults_of(about_ids, lambda _route: {404}, lambda route: caller.ask(route, ours)))
    assert faults == [], "\n".join(faults)
    after = {key: ours.owner.api.get(f"{path}/{before[key]}").json["data"] for key, path in RECORD_API.items()}
    assert after == shown


@pytest.mark.req("S4-004", "S2-012", "S4-658")
def test_another_tenants_owner_finds_nothing_at_our_address(
    app: Flask, tenant: Tenant, furnished: Any, make_tenant: MakeTenant
) -> None:
    ours = furnished("owner").subjects
    stranger = make_tenant().member("owner")
    page = client_of(app, tenant.url, **{"X-CSRFToken": _csrf_header(app)})
    with page.session_transaction(base_url=tenant.url) as cookie:
        cookie["sid"], cookie["uid"] = str(stranger.session("page")), str(stranger.user_id)
        cookie["tid"], cookie["csrf_token"] = str(stranger.tenant.id), _CSRF
    api = client_of(app, tenant.url, Authorization=stranger.api.always["Authorization"])
    caller = Caller(page, api, {}, ours)

    def expected(route: Route) -> set[Any]:
        """What opens without a look at who asks does so for them, too: assets, and links to those who hold one."""
        return {OPEN[route.method, route.endpoint][1]} if route.access.kind in ("bare", "link") else {404}

    faults = list(faults_of(routes_of(app), expected, caller.ask))
    assert faults == [], "\n".join(faults)


@pytest.mark.req("A-052", "S4-120")
def test_a_key_gets_what_its_scopes_say_at_every_route_of_the_api(app: Flask, tenant: Tenant, furnished: Any) -> None:
    subjects = furnished("owner").subjects
    everything = dict.fromkeys(rights().permissions, Reach.ALL)
    views = {name: Reach.ALL for name in everything if name.endswith(".view")}
    for scopes in (everything, views, {"_dummy.pebble.view": Reach.OWN}):
        with tenant.work():
            key = issue_key("Sync", scopes)
        client = client_of(app, tenant.url, Authorization=f"Bearer {key.shown}")
        caller = Caller(client, client, scopes, Subjects(subjects.owner, subjects.about))
        routes = [route for route in routes_of(app) if route.api]
        if scopes.get("_dummy.pebble.view") is Reach.OWN:
            routes = [route for route in routes if route.about != "_dummy.pebble"]
        expected = {("GET", "documentation.docs"): {200}}
        # A service sees what is shared with everybody, and this is somebody's own.
        expected |= {(route.method, route.endpoint): {404} for route in routes if route.about == "view"}
        expected |= {
            (route.method, route.endpoint): {404}
            for route in routes
            if str(route.about).endswith((" mass", " import"))
            and route.access.permission in scopes
            and may_import(route, caller)
        }

        def may(
            route: Route, caller: Caller = caller, expected: dict[tuple[str, str], set[int]] = expected
        ) -> set[Any]:
            return expected.get((route.method, route.endpoint)) or expected_of_member(route, caller)

        faults = list(faults_of(routes, may, caller.ask))
        assert faults == [], "\n".join(faults)


@pytest.mark.req("S2-047", "S2-057", "S3-125")
def test_an_administrator_of_the_platform_is_no_member_anywhere(app: Flask, tenant: Tenant, furnished: Any) -> None:
    subjects = furnished("owner").subjects
    base = app.extensions["ossature"].config.base_url
    email = f"root-{new_id().hex[-8:]}@example.com"
    with transaction(Context(means="command"), role="system"):
        user = create_user(email, "Root")
        set_platform_admin(user.id, True)
    with transaction(Context(means="command")):
        signed_in = open_session(user.id, "page", memberships(user.id), None)
    page = client_of(app, base, **{"X-CSRFToken": _csrf_header(app)})
    with page.session_transaction(base_url=base) as cookie:
        cookie["sid"], cookie["uid"], cookie["csrf_token"] = str(signed_in.session_id), str(user.id), _CSRF
    caller = Caller(page, page, {}, subjects)

    def expected(route: Route) -> set[Any]:
        if route.access.kind == "platform_admin":
            return {200} if route.method == "GET" else {303, 422}
        if route.access.tenant:
            return {403 if route.api else CHOOSE}
        answers = OPEN[route.method, route.endpoint]
        return {answers[0], 404, 200} if route.about == "session" else {answers[0]}

    faults = list(faults_of(routes_of(app), expected, caller.ask))
    assert faults == [], "\n".join(faults)


@pytest.mark.req("S3-124")
def test_no_page_or_cookie_changes_anything_without_the_forms_token(app: Flask, furnished: Any) -> None:
    caller = furnished("owner")
    page = caller.page
    del page.always["X-CSRFToken"]
    writes = [
        route
        for route in routes_of(app)
        if route.method not in ("GET",) and not route.rule.rule.startswith("/api/auth/")
    ]
    assert len(writes) > 60
    by_cookie = Caller(page, page, caller.grants, caller.subjects)

    def expected(route: Route) -> set[Any]:
        """Refused; or a record's form once more, with what was typed in it. Links are no cookies."""
        if route.access.kind == "link":
            return {200}
        return {200} if hasattr(app.view_functions[route.endpoint], "__shows_again__") else {400}

    def written() -> Any:
        with caller.subjects.owner.work() as work:
            return work.execute(text("SELECT count(*) FROM ossature.change_set WHERE means = 'page'")).scalar_one()

    before = written()
    faults = list(faults_of(writes, expected, by_cookie.ask))
    assert faults == [], "\n".join(faults)
    assert written() == before


def test_a_tenant_without_a_plugin_has_none_of_its_routes(app: Flask, furnished: Any, make_tenant: MakeTenant) -> None:
    ours = furnished("owner").subjects
    person = make_tenant(plugins=frozenset()).member("owner")
    caller = Caller(person.page, person.api, person.context.access.grants, ours)
    of_plugins = [
        route for route in routes_of(app) if route.endpoint.startswith(("crm", "billing", "_dummy", "_kinds"))
    ]
    assert len(of_plugins) > 60
    faults = list(faults_of(of_plugins, lambda _route: {404}, caller.ask))
    assert faults == [], "\n".join(faults)


def test_an_id_of_nothing_is_not_found(app: Flask, furnished: Any) -> None:
    caller = furnished("owner")
    nothing = Subjects(caller.subjects.owner, caller.subjects.about)
    about_ids = [route for route in routes_of(app) if route.about not in OF_EVERYBODY]
    nothing.found.update({str(route.about): str(uuid4()) for route in about_ids})
    faults = list(faults_of(about_ids, lambda _route: {404}, lambda route: caller.ask(route, nothing)))
    assert faults == [], "\n".join(faults)
