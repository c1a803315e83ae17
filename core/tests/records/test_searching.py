"""What a search finds and in which tier, what is too common, and that no permitted row is lost by it."""

from __future__ import annotations

from typing import Any

import pytest

from ossature.context import Reach
from ossature.kernel import Kernel, kernel
from ossature.rbac.roles import grant, role_by_key
from ossature.records import searching
from ossature.records.query import ListQuery, list_rows, options
from ossature.records.searching import CAP, Term, matches, read_terms, says_nothing, spellings
from ossature.testing.people import Person, Tenant
from ossature.testing.record_api import RecordApi
from ossature.testing.servers import Servers

pytestmark = pytest.mark.database

COMMON = CAP + 5


@pytest.fixture
def contacts(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/contacts", {"last_name": "Martin"})


@pytest.fixture
def companies(owner: Person) -> RecordApi:
    return RecordApi(owner, "/api/crm/companies", {"name": "Acme"})


@pytest.fixture(scope="module")
def letters(servers: Servers, database: str) -> bool:
    """Whether this PostgreSQL searches parts of words."""
    with servers.connect(database) as connection:
        return connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_trgm'").fetchone() is not None


def fill(tenant: Tenant, name: str, number: int, owner_id: Any = None) -> None:
    """Many samples, past the API, since a search does not care how they came."""
    with tenant.work() as work:
        work.connection().exec_driver_sql(
            "INSERT INTO _kinds.sample (tenant_id, id, name, owner_id) "
            "SELECT %(tenant)s, gen_random_uuid(), %(name)s || ' ' || n, %(owner)s FROM generate_series(1, %(number)s) n",
            {"tenant": tenant.id, "name": name, "number": number, "owner": owner_id},
        )


def every(samples: RecordApi, **query: Any) -> list[str]:
    """The names of all pages, as a client that follows `meta.next`."""
    found, cursor = [], None
    while True:
        answer = samples.list(**query, limit=200, **({"cursor": cursor} if cursor else {})).json
        found += [row["name"] for row in answer["data"]]
        cursor = answer["meta"]["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Élodie  garçon", [Term(("elodie",), ("elodie",)), Term(("garcon",), ("garcon",))]),
        ("Œuvre", [Term(("oeuvre",), ("oeuvre",))]),
        ("L'Atelier", [Term(("l'atelier", "atelier"), ("l'atelier", "atelier"))]),
        ("l\u2019atelier", [Term(("l\u2019atelier", "atelier"), ("l\u2019atelier", "atelier"))]),
        ("ateliers", [Term(("ateliers",), ("ateliers",), ("atelier",))]),
        ("journaux", [Term(("journaux",), ("journaux",), ("journau", "journal"))]),
        ("06 12 34 56 78", [Term(("06 12 34 56 78", "0612345678", "33612345678"), ("612345678",))]),
        ("martin % martin", [Term(("martin",), ("martin",))]),
        ("%%% --", []),
    ],
)
def test_a_text_is_read_as_terms(text: str, terms: list[Term]) -> None:
    assert read_terms(text) == terms
    assert says_nothing(text) == (not terms)


def test_what_looks_like_a_code_has_its_spellings() -> None:
    assert spellings("06 12 34 56 78") == ["06 12 34 56 78", "0612345678", "+33612345678"]
    assert spellings("+32 2 123 45 67") == ["+32 2 123 45 67", "3221234567", "+3221234567"]
    assert spellings("Anna@Example.com") == ["anna@example.com"]
    assert spellings("552 008 443") == ["552 008 443", "552008443"]
    assert spellings("Martin") == []


@pytest.mark.req("S0-23", "S2-091", "S4-638")
def test_people_are_found_by_name_address_and_number(contacts: RecordApi) -> None:
    one = contacts.add(
        first_name="Élodie", last_name="Lefèvre-Cœur", email="elodie.lefevre@Example.com", phone="01 23 45 67 89"
    )
    contacts.add(first_name="Anna", last_name="Martin", email="anna@example.com", phone="01 23 45 67 80")
    for search in (
        "elodie", "LEFÈVRE", "lefevre", "coeur", "Cœur", "elodie lefevre", "lefevre élodie", "elodie.lefevre@example.com",
        "elodie.lefevre@exa", "01 23 45 67 89", "0123456789", "+33 1 23 45 67 89", "01.23.45.67.89", "01 23 45 67 89 ",
    ):  # fmt: skip
        assert contacts.names(search=search) == [one["name"]], search
    assert contacts.names(search="01 23 45 67") == [one["name"], "Anna Martin"]


@pytest.mark.req("S2-091")
def test_elisions_and_plurals_do_not_matter(companies: RecordApi) -> None:
    companies.add(name="L\u2019Atelier du Nord")
    companies.add(name="Les Ateliers Réunis")
    companies.add(name="Journal de Lyon")
    both = {"L\u2019Atelier du Nord", "Les Ateliers Réunis"}
    for search in ("atelier", "l'atelier", "L\u2019ATELIER"):
        assert set(companies.names(search=search)) == both, search
    assert set(companies.names(search="ateliers")) == both
    assert companies.names(search="journaux") == ["Journal de Lyon"]


@pytest.mark.req("S4-089")
def test_parts_of_words_are_found_where_the_database_has_trigrams(contacts: RecordApi, letters: bool) -> None:
    contacts.add(first_name="Anna", last_name="Lefèvre")
    assert contacts.names(search="efev") == (["Anna Lefèvre"] if letters else [])
    assert contacts.names(search="lef") == ["Anna Lefèvre"]
    assert contacts.names(search="ef") == []


def test_tiers_are_told_apart(contacts: RecordApi, tenant: Tenant, letters: bool) -> None:
    contacts.add(last_name="Durand", email="anna@example.com")
    contacts.add(last_name="Petit", email="anna@example.com.au")
    with contacts.person.work():
        rt = kernel().records["crm.contact"]
        found = matches(rt, "anna@example.com")
        assert found.reach == "all"
        assert found.exact.count("-") == 4
        assert found.words.count("-") == 8
        assert matches(rt, "nobody").nothing


def test_the_recycle_bin_is_searched_by_itself(samples: RecordApi) -> None:
    gone = samples.add(name="Quartz gone")
    samples.add(name="Quartz here")
    samples.delete(gone["id"])
    assert samples.names(search="quartz") == ["Quartz here"]
    assert samples.names(search="quartz", deleted="true") == ["Quartz gone"]


@pytest.mark.req("S4-089", "A-024")
def test_what_is_too_common_is_answered_from_beginnings_of_words_and_none_of_them_is_lost(
    samples: RecordApi, tenant: Tenant, letters: bool
) -> None:
    fill(tenant, "Quartz", COMMON)
    samples.add(name="Rose quartz")
    samples.add(name="Metaquartz")
    answer = samples.list(search="quartz").json
    assert answer["meta"]["capped"] is letters
    found = every(samples, search="quartz")
    assert len(found) == len(set(found)) == COMMON + 1  # all that have a word that begins so, page by page
    assert "Rose quartz" in found
    assert samples.list(search="rose quartz").json["meta"]["capped"] is False
    assert samples.names(search="rose quartz") == ["Rose quartz"]
    assert every(samples, search="quartz 2004") == ["Quartz 2004"]


@pytest.mark.req("A-024")
def test_the_one_row_that_somebody_may_see_is_found_among_many_of_others(
    contacts: RecordApi, tenant: Tenant, owner: Person
) -> None:
    """Also where the word is not what titles are ordered by: a first name, here."""
    sales = tenant.member("sales_rep")
    with tenant.work() as work:
        grant(role_by_key("sales_rep").id, "crm.contact.view", Reach.OWN)
        work.connection().exec_driver_sql(
            "INSERT INTO crm.contact (tenant_id, id, first_name, last_name, status, owner_id) "
            "SELECT %(tenant)s, gen_random_uuid(), 'Marie', 'Durand ' || n, 'lead', %(owner)s "
            "FROM generate_series(1, %(number)s) n",
            {"tenant": tenant.id, "owner": owner.member_id, "number": COMMON},
        )
    contacts.add(first_name="Marie", last_name="Mine", owner_id=str(sales.member_id))
    assert contacts.by(sales).names(search="marie") == ["Marie Mine"]
    assert "Marie Mine" in sales.page.get("/crm/contacts?q=marie").text
    (hit,) = sales.api.get("/api/search?q=marie&records=crm.contact").json["data"]
    assert hit["title"] == "Marie Mine"


def test_what_is_common_is_found_far_down_a_list_as_well(
    samples: RecordApi, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not among the rows that are looked at first: gathered then, or, where there are too many for that, looked for."""
    monkeypatch.setattr(searching, "LOOKED_AT", 1)
    fill(tenant, "Amber", 300)
    fill(tenant, "Quartz", COMMON)
    wanted = sorted(f"Quartz {number}" for number in range(1, COMMON + 1))
    for most in (searching.GATHERED, CAP):
        monkeypatch.setattr(searching, "GATHERED", most)
        assert sorted(every(samples, search="quartz")) == wanted
        assert every(samples, search="quartz", sort="-name") == every(samples, search="quartz")[::-1]
        assert len(samples.person.api.get("/api/search?q=quartz&limit=20").json["data"]) == 20


@pytest.mark.req("S4-089")
def test_what_is_misspelled_is_found_by_what_is_spelled_alike(contacts: RecordApi, letters: bool) -> None:
    contacts.add(first_name="Anna", last_name="Dupont")
    contacts.add(first_name="Anna", last_name="Martin")
    for search in ("Dupotn", "dupond", "anna dupond"):
        page = contacts.person.page.get("/crm/contacts", query_string={"q": search}).text
        assert ("Anna Dupont" in page) is letters, search
        assert ("These are spelled alike." in page) is letters
        assert "Anna Martin" not in page
        found = contacts.person.api.get("/api/search", query_string={"q": search}).json
        assert [(hit["title"], hit["tier"]) for hit in found["data"]] == (
            [("Anna Dupont", "similar")] if letters else []
        )
        offered = contacts.person.api.get("/api/crm/contacts/options", query_string={"q": search}).json["data"]
        assert [one["label"] for one in offered] == (["Anna Dupont"] if letters else [])
        assert contacts.names(search=search) == []  # a program is told what contains the text, and nothing else
    assert contacts.names(search="zzzzzz") == []


@pytest.mark.req("S4-089")
def test_what_is_spelled_alike_is_only_looked_for_among_what_one_may_see(
    contacts: RecordApi, tenant: Tenant, letters: bool
) -> None:
    sales = tenant.member("sales_rep")
    with tenant.work():
        grant(role_by_key("sales_rep").id, "crm.contact.view", Reach.OWN)
    contacts.add(last_name="Dupond")
    contacts.add(last_name="Dupont", owner_id=str(sales.member_id))
    assert [hit["title"] for hit in sales.api.get("/api/search?q=dupond").json["data"]] == (
        ["Dupont"] if letters else []
    )
    assert [hit["title"] for hit in contacts.person.api.get("/api/search?q=dupond").json["data"]] == ["Dupond"]


def test_what_only_lies_within_too_many_is_answered_from_beginnings_of_words(
    samples: RecordApi, tenant: Tenant, letters: bool
) -> None:
    fill(tenant, "Quartz", COMMON)
    samples.add(name="Rose uart")
    answer = samples.list(search="uart").json
    assert [row["name"] for row in answer["data"]] == ["Rose uart"]
    assert answer["meta"]["capped"] is letters


@pytest.mark.req("A-024")
def test_a_reach_of_own_rows_loses_none_of_them_among_many_of_others(samples: RecordApi, tenant: Tenant) -> None:
    sales = tenant.member("sales_rep")
    with tenant.work():
        grant(role_by_key("sales_rep").id, "_kinds.sample.view", Reach.OWN)
    fill(tenant, "Quartz", COMMON, samples.person.member_id)
    fill(tenant, "Quartz mine", 3, sales.member_id)
    seen = samples.by(sales)
    assert every(seen, search="quartz") == ["Quartz mine 1", "Quartz mine 2", "Quartz mine 3"]
    assert every(seen, search="mine") == ["Quartz mine 1", "Quartz mine 2", "Quartz mine 3"]
    assert every(seen, search="quartz 17") == []


def test_the_page_of_a_list_says_what_could_not_be_answered(samples: RecordApi, tenant: Tenant, letters: bool) -> None:
    fill(tenant, "Quartz", COMMON)
    page = samples.person.page.get("/_kinds/samples?q=quartz").text
    said = "Many records contain “quartz”. These have a word that begins with it; type more letters."
    assert (said in page) is letters
    assert "Many records" not in samples.person.page.get("/_kinds/samples?q=quartz+1999").text
    nothing = samples.person.page.get("/_kinds/samples?q=%25%25%25")
    assert nothing.status_code == 200
    assert "Type at least one letter or digit to search." in nothing.text


def test_a_picker_offers_what_the_list_shows(samples: RecordApi, tenant: Tenant) -> None:
    sales = tenant.member("sales_rep")
    with tenant.work():
        grant(role_by_key("sales_rep").id, "_kinds.sample.view", Reach.OWN)
    samples.add(name="Quartz hidden", owner_id=str(samples.person.member_id))
    samples.add(name="Quartz mine", owner_id=str(sales.member_id))
    for person in (samples.person, sales):
        rt = kernel_of(person).records["_kinds.sample"]
        for search in ("quartz", "hidden", "mine", "", "%"):
            with person.work():
                offered = {option.title for option in options(rt.key, search)}
                listed = set() if search == "%" else {row["name"] for row in list_rows(rt, ListQuery(search)).rows}
            assert offered == listed, (person.role, search)
    assert samples.by(sales).names(search="hidden") == []


def kernel_of(person: Person) -> Kernel:
    found: Kernel = person.tenant.app.extensions["ossature"]
    return found
