"""The pages of an import: a file is chosen, its columns are told, what it would do is checked, corrected, and done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from ossature.db.work import session
from ossature.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from ossature.i18n.texts import translator
from ossature.ids import as_id
from ossature.imports import service
from ossature.imports.check_views import check_page, done_page, row_page
from ossature.imports.column_forms import asked_of, columns_form, faults_of, fitted, once_more, read_form, without
from ossature.imports.mapping import Mapping
from ossature.imports.notation import Said
from ossature.imports.refused import refused_file
from ossature.imports.runs import Import
from ossature.imports.step_views import file_form, start_page, step_of, title_of
from ossature.records.clean import whole_number
from ossature.records.list_pages import list_crumbs
from ossature.records.lookup import OfRecord
from ossature.records.types import RecordType
from ossature.records.views import page_endpoint
from ossature.web import Crumb, notify, render
from ossature.web.api import dumps
from ossature.web.shell import wants_fragment

_, _l, _n = translator("ossature")

EARLIER = 20
Route = tuple[str, str, list[str], str, Callable[..., ResponseReturnValue]]


def import_routes(rt: RecordType) -> list[Route]:
    """The pages of a record's imports: name, address, methods, action, view. What is done there asks for more, see
    `imports.rights`."""
    pages = ImportPages(rt)
    one = f"/{rt.slug}/imports/<uuid:id>"
    return [
        ("imports", f"/{rt.slug}/imports", ["GET", "POST"], "view", pages.index),
        ("import_show", one, ["GET"], "view", pages.show),
        ("import_file", f"{one}/file", ["GET", "POST"], "view", pages.file),
        ("import_columns", f"{one}/columns", ["GET", "POST"], "view", pages.columns),
        ("import_check", f"{one}/check", ["GET", "POST"], "view", pages.check),
        ("import_stop", f"{one}/stop", ["POST"], "view", pages.stop),
        ("import_refused", f"{one}/refused", ["GET"], "view", pages.refused),
    ]


class ImportPages(OfRecord):
    """The pages of the imports of one record type."""

    # -- file ----------------------------------------------------------------------------------------------------------

    def index(self) -> ResponseReturnValue:
        """Where a file is chosen, and one's earlier imports; posted, the import begins."""
        if request.method == "GET":
            return self._start()
        sent = request.files.get("file")
        try:
            if sent is None or not sent.filename:
                raise Invalid(_("Choose a file first."))
            source: Any = sent.stream
            imp = service.start(self.rt, sent.filename, source)
        except Refusal as refusal:
            if isinstance(refusal, NotFound | Forbidden):
                raise
            session().rollback()
            return self._not_started(refusal)
        to = url_for(page_endpoint(self.rt, "import_columns"), id=imp.id)
        if wants_fragment():
            return Response(dumps({"url": to}), 201, mimetype="application/json")
        return redirect(to, 303)

    def _start(self, error: str = "") -> str:
        view = start_page(self.rt, service.own(self.rt, EARLIER), error)
        return render("imports/start.html", title=view.title, breadcrumbs=list_crumbs(self.rt), start=view)

    def _not_started(self, refusal: Refusal) -> ResponseReturnValue:
        words = in_words(refusal)
        if wants_fragment():
            return Response(dumps({"message": words}), refusal.status, mimetype="application/json")
        return Response(self._start(words), refusal.status)

    def file(self, id: UUID) -> ResponseReturnValue:
        """How the file is read; posted, it is read again."""
        imp = service.find(self.rt, id)
        if request.method == "GET":
            return self._file(imp)
        try:
            said = Said.model_validate(
                {name: value for name, value in request.form.items() if name in Said.model_fields}
            )
            if said not in (Said(), _said_of(imp)):
                imp = service.set_notation(imp, said)
        except ValidationError:
            return Response(self._file(imp, _("Choose among what is offered.")), 422)
        except (Invalid, Conflict) as refusal:
            session().rollback()
            return Response(self._file(service.find(self.rt, id), in_words(refusal)), refusal.status)
        step = "import_columns" if request.form.get("_do") == "next" else "import_file"
        return redirect(url_for(page_endpoint(self.rt, step), id=id), 303)

    def _file(self, imp: Import, error: str = "") -> str:
        return self._render("imports/file.html", form=file_form(imp, error))

    # -- columns -------------------------------------------------------------------------------------------------------

    def columns(self, id: UUID) -> ResponseReturnValue:
        """Where the columns go; kept with each choice, checked when everything is said."""
        imp = service.find(self.rt, id)
        if step_of(imp) == "done" or imp.busy:
            return redirect(url_for(page_endpoint(self.rt, "import_show"), id=id), 303)
        if request.method == "GET":
            return self._columns(imp, imp.mapping)
        do, _dash, place = request.form.get("_do", "keep").partition("-")
        if do in ("use", "forget"):
            return self._preset(imp, do)
        mapping = read_form(imp, request.form)
        position = whole_number(place, len(mapping.columns) - 1)
        places: list[int | None] = [*range(len(mapping.columns))]
        if position is not None and do == "again":
            mapping = once_more(mapping, position)
            places.insert(position + 1, None)
        elif position is not None and do == "without":
            mapping = without(mapping, position)
            del places[position]
        try:
            if mapping != imp.mapping:
                imp = service.set_mapping(imp, mapping)
            if do == "preset":
                kept = service.save_preset(imp, request.form.get("name", ""))
                notify(_("The choices are kept as “%(name)s”", name=kept.name))
            if do == "check":
                service.check(imp)
                return redirect(url_for(page_endpoint(self.rt, "import_check"), id=id), 303)
        except (Invalid, Conflict) as invalid:
            session().rollback()
            imp = service.find(self.rt, id)
            errors = list(_general(invalid)) if do in ("check", "preset") else []
            if errors or do in ("check", "preset"):
                return Response(self._columns(imp, mapping, errors), 422)
        return self._kept(imp, mapping, do, position, places)

    def _kept(
        self, imp: Import, mapping: Mapping, do: str, position: int | None, places: Sequence[int | None]
    ) -> ResponseReturnValue:
        """After a choice: for scripts what hangs on it, else the page again."""
        posted = request.form.copy()
        if do == "values":
            posted[f"c{position}-loaded"] = posted[f"c{position}-open"] = "1"
        form = columns_form(imp, asked_of(posted, mapping, faults_of(imp, mapping), places))
        if not wants_fragment():
            return self._render("imports/columns.html", form=form)
        changed = set(request.form.getlist("_at"))
        columns = [column for column in form.columns if str(column.position) in changed]
        return self._render("imports/_kept.html", form=form, columns=columns)

    def _columns(self, imp: Import, mapping: Mapping, errors: list[str] | None = None) -> str:
        faults = faults_of(imp, mapping) if request.method == "POST" else ()
        asked = asked_of(request.form, mapping, faults)
        return self._render("imports/columns.html", form=columns_form(imp, asked, errors or ()))

    def _preset(self, imp: Import, do: str) -> ResponseReturnValue:
        id = as_id(request.form.get("preset", ""))
        found = next((one for one in service.presets(self.rt) if one.id == id), None)
        if found is not None and do == "forget":
            try:
                service.remove_preset(self.rt, found.id)
                notify(_("“%(name)s” is forgotten", name=found.name))
            except Forbidden as refusal:
                session().rollback()
                notify(in_words(refusal), "danger")
        elif found is not None:
            try:
                service.set_mapping(imp, service.permitted(self.rt, fitted(found.mapping, imp.headers)))
                notify(_("Filled in as kept in “%(name)s”", name=found.name))
            except Invalid as invalid:
                session().rollback()
                notify(in_words(invalid), "danger")
        return redirect(url_for(page_endpoint(self.rt, "import_columns"), id=imp.id), 303)

    # -- check and end -------------------------------------------------------------------------------------------------

    def check(self, id: UUID) -> ResponseReturnValue:
        """What the import would do; posted, a correction, or the word to begin."""
        imp = service.find(self.rt, id)
        if request.method == "GET":
            if imp.state == "draft":
                return redirect(url_for(page_endpoint(self.rt, "import_columns"), id=id), 303)
            if step_of(imp) == "done":
                return redirect(url_for(page_endpoint(self.rt, "import_show"), id=id), 303)
            return self._check(imp)
        do = request.form.get("_do", "")
        try:
            if do == "correct":
                return self._correct(imp)
            if do in ("map", "propose", "create"):
                service.check(self._mended(imp, do))
            elif do in ("run", "without"):
                if do == "without" and imp.mapping.policy != "good":
                    imp = service.set_mapping(imp, imp.mapping.model_copy(update={"policy": "good"}))
                service.run(imp)
                return redirect(url_for(page_endpoint(self.rt, "import_show"), id=id), 303)
        except (Invalid, Conflict) as refusal:
            session().rollback()
            return Response(self._check(service.find(self.rt, id), in_words(refusal)), refusal.status)
        return redirect(url_for(page_endpoint(self.rt, "import_check"), id=id), 303)

    def _check(self, imp: Import, error: str = "") -> str:
        return self._render("imports/check.html", check=check_page(imp, request.args, error))

    def _correct(self, imp: Import) -> ResponseReturnValue:
        """A cell of a row gets another text; for scripts the row as it is then."""
        number, index = _posted("row"), _posted("index")
        text = request.form.get("proposal", request.form.get("to", ""))
        row = service.correct(imp, number, {index: text})
        if not wants_fragment():
            return redirect(url_for(page_endpoint(self.rt, "import_check"), id=imp.id, outcome="refused"), 303)
        page, line = row_page(service.find(self.rt, imp.id), row)
        return self._render("imports/_corrected.html", check=page, row=line)

    def _mended(self, imp: Import, do: str) -> Import:
        """The import with what mends a fault for all its rows."""
        index, value = _posted("index"), request.form.get("value", "")
        if do == "create":
            columns = [
                one.model_copy(update={"missing": "create"}) if one.index == index and one.to else one
                for one in imp.mapping.columns
            ]
            return service.set_mapping(imp, imp.mapping.model_copy(update={"columns": columns}))
        return service.map_value(imp, index, value, request.form.get("proposal" if do == "propose" else "to", ""))

    def show(self, id: UUID) -> ResponseReturnValue:
        """How far an import is and what became of its rows; before that, the step it is at."""
        imp = service.find(self.rt, id)
        step = step_of(imp)
        if step != "done":
            return redirect(url_for(page_endpoint(self.rt, f"import_{step}"), id=id), 303)
        return self._render("imports/done.html", check=done_page(imp, request.args))

    def stop(self, id: UUID) -> ResponseReturnValue:
        service.cancel(service.find(self.rt, id))
        return redirect(url_for(page_endpoint(self.rt, "import_show"), id=id), 303)

    def refused(self, id: UUID) -> ResponseReturnValue:
        """The rows that cannot go in, to be corrected in a spreadsheet and imported again."""
        return refused_file(service.find(self.rt, id))

    def _render(self, template: str, **values: Any) -> str:
        title = title_of(self.rt)
        crumbs = [*list_crumbs(self.rt), Crumb(title, url_for(page_endpoint(self.rt, "imports")))]
        return render(template, title=title, breadcrumbs=crumbs, **values)


def _posted(name: str) -> int:
    """A number of the form, -1 where there is none."""
    number = whole_number(request.form.get(name, ""))
    return -1 if number is None else number


def in_words(refusal: Refusal) -> str:
    """A refusal as one text: what is wrong, and what to do."""
    return " ".join(dict.fromkeys([str(refusal.message), *(str(one.message) for one in refusal.details)]))


def _general(invalid: Refusal) -> list[str]:
    """What the summary says: each fault, by column where it is one's."""
    return [str(one.message) for one in invalid.details] or [str(invalid.message)]


def _said_of(imp: Import) -> Said:
    """What the form of the notation says while nobody changes it."""
    notation = imp.notation
    csv = {"encoding": notation.encoding, "delimiter": notation.delimiter} if notation.format == "csv" else {}
    sheet = {"sheet": notation.sheet} if len(imp.sheets) > 1 else {}
    return Said(**csv, **sheet, header=notation.header, decimal=notation.decimal, dates=notation.dates)
