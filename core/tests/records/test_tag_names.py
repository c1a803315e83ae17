"""What is offered while tags are typed."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.database


def test_tags_in_use_are_offered_by_their_beginning_and_no_other_organisations(samples: Any, make_tenant: Any) -> None:
    first = samples.add(tags=["Élevé", "Eleventh", "Fair"])
    samples.by(make_tenant().member("owner")).add(tags=["Elephant"])

    def offered(q: str = "") -> list[str]:
        answer = samples.person.api.get(f"{samples.path}/tags", query_string={"q": q} if q else {})
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json["data"]]

    assert offered() == ["Élevé", "Eleventh", "Fair"]
    assert offered("ELEV") == ["Élevé", "Eleventh"]
    samples.patch(first["id"], {"tags": ["Fair"]})
    assert offered() == ["Fair"]
