"""`Idempotency-Key`: a request that is sent again is answered again, and done once.

The answer is stored in the transaction that did the work, so that both are there or neither; encrypted, since answers hold
personal data; kept for a day; found only by the actor who asked, in their organisation.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import file_digest, sha256
from typing import Any

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from ossature.context import current
from ossature.db.kernel import kept_answer
from ossature.db.work import session
from ossature.errors import BadRequest, Conflict, Detail, Invalid
from ossature.i18n.texts import translator

_, _l, _n = translator("ossature")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
KEPT = ("Content-Type", "ETag", "Location")
DAY = text("interval '24 hours'")


def once(do: Callable[[], Response]) -> Response:
    """What a request is answered: done now, or as it was answered under the same key.

    Raises `Invalid` where the key was given with something else, `Conflict` (`in_progress`) while that is being done.
    """
    key = request.headers.get(HEADER)
    actor, tenant_id = current().actor, current().tenant_id
    if key is None or request.method != "POST" or not request.path.startswith("/api/") or not (actor and tenant_id):
        return do()
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise _refused(BadRequest, "invalid", _("Give a key of 1 to %(n)d letters, digits and signs.", n=LONGEST_KEY))
    _alone(f"{tenant_id} {actor.id} {key}")
    asked = sha256(f"{request.method} {request.full_path}\n".encode() + _said()).digest()
    mine = sa.and_(kept_answer.c.tenant_id == tenant_id, kept_answer.c.actor_id == actor.id, kept_answer.c.key == key)
    kept = session().execute(select(kept_answer).where(mine, kept_answer.c.at > func.now() - DAY)).mappings().first()
    if kept is not None:
        return _again(kept, asked)
    response = do()
    if response.status_code < 400:
        _keep(response, actor_id=actor.id, key=key, asked=asked)
    return response


def _said() -> bytes:
    """What the request says. Of a form with files its values and their digests: what stands between the parts of such a
    body is made up anew each time, and the files need not fit into memory."""
    if request.mimetype != "multipart/form-data":
        return request.get_data()
    parts = [(name or "", value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    for name, file in request.files.items(multi=True):  # a part without a name has None
        parts.append((name or "", f"{file.filename}\n{file_digest(file.stream, 'sha256').hexdigest()}"))  # type: ignore[arg-type]
        file.stream.seek(0)
    return repr(sorted(parts)).encode()


def _alone(name: str) -> None:
    """Until the transaction ends nobody else does the same."""
    number = int.from_bytes(sha256(f"{HEADER} {name}".encode()).digest()[:8], "big", signed=True)
    if not session().execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
        raise _refused(
            Conflict, "in_progress", _("The same request is being answered at the moment; send it again shortly.")
        )


def _again(kept: Any, asked: bytes) -> Response:
    if bytes(kept["asked"]) != asked:
        raise _refused(
            Invalid, "key_reused", _("This key was given with another request; take a new key for each request.")
        )
    response = Response(kept["body"], kept["status"])
    response.headers.update({**kept["headers"], REPLAYED: "true"})
    return response


def _keep(response: Response, **values: Any) -> None:
    headers = {name: response.headers[name] for name in KEPT if name in response.headers}
    answer = {"status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}
    statement = insert(kept_answer).values(**values, **answer)
    anew = {name: statement.excluded[name] for name in ("asked", *answer)}  # one that was older than a day
    session().execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "actor_id", "key"], set_={**anew, "at": func.now()}
        )
    )


def describe_once(spec: dict[str, Any]) -> None:
    """Add the header to every operation of an OpenAPI document that it is read of."""
    info = "A key of your own: the same request sent again under it, within 24 hours, is answered again and done once"
    header = {
        "name": HEADER, "in": "header", "required": False, "description": info,
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    }  # fmt: skip
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    told = {"409": "The same request is being answered", "422": "The key was given with another request"}
    for methods in spec["paths"].values():
        if (operation := methods.get("post")) is not None:
            operation.setdefault("parameters", []).append(header)
            for status, words in told.items():
                operation["responses"].setdefault(status, {"description": words, "content": failed})


def _refused(kind: type[Any], code: str, message: str) -> Any:
    return kind(message, [Detail(HEADER, code, message)], code=code)
