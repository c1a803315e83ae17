"""Which faces a list has, by which fields, and the addresses that lead there."""

from __future__ import annotations

from ossature.errors import BadRequest, Detail
from ossature.i18n.texts import translator
from ossature.kernel import kernel
from ossature.records.definition import FACES, Face, board_fields, calendar_fields
from ossature.records.fields import Field
from ossature.records.list_address import ListAddress
from ossature.records.saved import Look
from ossature.records.types import RecordType
from ossature.web.face_models import FaceLink, Faces

_, _l, _n = translator("ossature")

_LABELS = {"list": _l("List"), "board": _l("Board"), "calendar": _l("Calendar")}
_ICONS = {"list": "layout-list", "board": "layout-kanban", "calendar": "calendar"}


def fields_of(rt: RecordType, face: Face) -> dict[str, Field]:
    """The fields that a face can be by, the record's own choice first; none for a list."""
    if face == "list":
        return {}
    found = board_fields(rt) if face == "board" else calendar_fields(rt)
    screens = kernel().screens[rt.key]
    wanted = (screens.board or screens.state) if face == "board" else screens.calendar
    if wanted in found:
        found = {wanted: found[wanted], **found}
    return found


def field_of(rt: RecordType, look: Look) -> Field:
    """The field that the present face is by. Raises `BadRequest` where the record has none."""
    fields = fields_of(rt, look.definition.face)
    if not fields:
        raise BadRequest(
            _("%(records)s have no such face.", records=rt.plural),
            [Detail("face", "no_field", _("There is no field that it could be by."))],
        )
    return fields[look.definition.by or next(iter(fields))]


def faces_of(rt: RecordType, look: Look) -> Faces:
    """The switcher: every face that the record can have, and what the present one can be by."""
    now, to = look.definition.face, ListAddress(rt, look)
    offered = [face for face in FACES if face == "list" or fields_of(rt, face)]
    links = []
    for face in offered:
        url = to(face=face, by=look.definition.by if face == now else "")
        links.append(FaceLink(str(_LABELS[face]), url, _ICONS[face], face == now))
    fields = fields_of(rt, now)
    chosen = look.definition.by or next(iter(fields), "")
    by = [FaceLink(str(item.label), to(face=now, by=name), active=name == chosen) for name, item in fields.items()]
    return Faces(tuple(links), tuple(by))
