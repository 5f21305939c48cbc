"""The whole life of a report by HTTP alone: planned, asked back, applied, refused, corrected, withdrawn, restored, remembered."""

import asyncio
import os
import threading
from collections.abc import Iterator
from importlib import resources

import httpx
import msgspec
import pytest

from database import executed, named
from publishing import TWIN, Office, faults, office, planned, refused
from serving import program
from test_tables import HEADER, as_xlsx

REPORT = "/v1/reports/nz-nap2-c5-r2017-09-2017-11"
NEXT = TWIN.replace(b"September to November 2017", b"December 2017 to February 2018").replace(
    b"Sep \xe2\x80\x93 Nov 2017", b"Dec 2017 \xe2\x80\x93 Feb 2018"
)


@pytest.fixture
def served_office(dsn: str) -> Iterator[Office]:
    with office(dsn) as one:
        yield one


@pytest.fixture(scope="module")
def busy_office(server: str, template: str) -> Iterator[Office]:
    """One for the tests that leave the reports of commitment 5 alone."""
    name = f"ogp_busy_office_{os.getpid()}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    with office(named(server, name)) as one:
        yield one


def head(one: Office) -> int:
    return one.reader.get("/v1/releases").json()["meta"]["release"]


def test_life_of_a_report(served_office: Office) -> None:
    one, ssc = served_office, served_office.client("ssc")
    before = head(one)

    # A plan shows everything and changes nothing.
    answer = planned(ssc, TWIN, "twin.txt", source_url="https://example.org/r", published_on="2017-12-20")
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    plan = answer.json()
    data, apply = plan["data"], plan["links"]["apply"]
    assert answer.headers["location"] == plan["links"]["self"] and apply == plan["links"]["self"] + "/apply"
    assert (data["head"], data["questions"], data["confirm"]) == (before, [], None)
    assert head(one) == before and one.reader.get(REPORT).status_code == 404
    made = {change["id"]: change for change in data["changes"]}
    assert made["nz-nap2-c5"]["before"] == one.reader.get("/v1/commitments/nz-nap2-c5").json()["data"]
    assert any("milestone 2" in entry["title"] for entry in data["entries"])
    assert ssc.get(plan["links"]["self"]).json()["data"] == {**data, "applied": None}

    # Applied, it is exactly what was shown; applied again, it answers the same.
    done = ssc.post(apply)
    assert done.status_code == 200, done.text
    release = done.json()["data"]
    assert release["number"] == before + 1 == data["release"]["number"] and release["root"] == data["release"]["root"]
    for change in data["changes"]:
        assert one.reader.get(f"/v1/{change['noun']}/{change['id']}").json()["data"] == change["after"], change["id"]
    told = one.reader.get("/feed.json").json()["items"]
    assert {entry["title"] for entry in data["entries"]} <= {item["title"] for item in told}
    again = ssc.post(apply)
    assert (again.status_code, again.json()["data"]) == (200, release) and head(one) == before + 1
    assert ssc.get(plan["links"]["self"]).json()["data"]["applied"] == before + 1

    # A correction says which version it is about, and why.
    path = "/v1/organisations/nz-psc"
    patch, reason = {"website": "https://psc.example.org"}, {"reason": "the agency has moved"}
    refused(ssc.patch(path, json=patch, params=reason), 428, "precondition-required")
    refused(ssc.patch(path, json=patch, params=reason, headers={"if-match": '"x"'}), 412, "precondition-failed")
    etag = one.etag(path)
    shown = ssc.patch(path, json=patch, params={**reason, "dry_run": "true"}, headers=etag).json()["data"]
    assert shown["changes"][0]["after"]["website"] == patch["website"] and head(one) == before + 1
    corrected = ssc.patch(path, json=patch, params=reason, headers=etag)
    assert corrected.status_code == 200 and corrected.json()["data"]["changes"] == shown["changes"]
    assert one.reader.get(path).json()["data"]["website"] == patch["website"]
    refused(ssc.patch(path, json=patch, params=reason, headers=etag), 412, "precondition-failed")

    # Withdrawn, it is 410 and remembered; restored, it is there again.
    gone = ssc.delete(REPORT, params={"reason": "wrong file"}, headers=one.etag(REPORT))
    assert gone.status_code == 200, gone.text
    assert "wrong file" in refused(one.reader.get(REPORT), 410, "gone")["detail"]
    refused(ssc.delete(REPORT, params={"reason": "again"}, headers={"if-match": "*"}), 410, "gone")
    assert ssc.post(f"{REPORT}/restore", params={"reason": "it was right"}).status_code == 200
    refused(ssc.post(f"{REPORT}/restore", params={"reason": "it was right"}), 422, "refused")
    versions = one.reader.get(f"{REPORT}/versions").json()["data"]
    assert [(it["version"], it["withdrawn"], it["reason"]) for it in versions] == [
        (1, False, None),
        (2, True, "wrong file"),
        (3, False, "it was right"),
    ]

    # Who did what, the refusals too.
    trail = msgspec.json.decode(program("log", "--json", "--database-url", one.dsn).stdout)
    mine = [(it["action"], it["refused"]) for it in trail if it["actor"] == "key ssc"]
    assert mine == [
        ("plan", None),
        ("import", None),
        ("correct", "precondition-required"),
        ("correct", "precondition-failed"),
        ("correction", None),
        ("correct", "precondition-failed"),
        ("withdrawal", None),
        ("withdraw", "gone"),
        ("restoration", None),
        ("withdraw", "refused"),
    ]
    assert {it["address"] for it in trail if it["actor"] == "key ssc"} == {"127.0.0.1"}


def test_questions_are_asked_and_answered(served_office: Office) -> None:
    one, admin = served_office, served_office.client("office")
    assert admin.post(planned(admin, TWIN).json()["links"]["apply"]).status_code == 200
    odd = NEXT.replace(b"Involve New Zealanders in working out how the following plan is made", b"Print leaflets")
    odd = odd.replace(b"Milestone 3", b"Milestone 4").replace(b"Underway", b"Ticking along", 1)
    odd = odd.replace(b"Milestone 4", b"Milestone 3\n\nHold a fair in each region\n\nProgress: Underway\n\nMilestone 4")
    odd = odd.replace(b"The State Services Commission (SSC)\n", b"The Office of Rivers\n", 1)
    plan = planned(admin, odd).json()
    asked = {it["key"]: it for it in plan["data"]["questions"]}
    assert plan["data"]["changes"] == [] and asked and all(it["default"] is None for it in asked.values())
    problem = refused(admin.post(plan["links"]["apply"]), 422, "document-refused")
    assert {it["key"] for it in problem["questions"]} == set(asked) and "--map" not in problem["detail"]
    wrong = admin.post(plan["links"]["apply"], json={"answers": dict.fromkeys(asked, "m99")})
    refused(wrong, 422, "document-refused")
    refused(admin.post(plan["links"]["apply"], json={"answer": {}}), 400, "bad-request")
    # With those settled, a plan shows the words and names that nobody knows, each with what happens without an answer.
    settled = dict.fromkeys(asked, "new")
    plan = planned(admin, odd, answers=msgspec.json.encode(settled).decode()).json()
    asked = {it["key"]: it["default"] for it in plan["data"]["questions"]}
    assert asked == {"status:Ticking along": "unknown", "organisation:The Office of Rivers": "new"}
    answers = {"status:Ticking along": "underway", "organisation:The Office of Rivers": "nz-dia"}
    done = admin.post(plan["links"]["apply"], json={"answers": answers})
    assert done.status_code == 200, done.text
    report = one.reader.get("/v1/reports/nz-nap2-c5-r2017-12-2018-02").json()["data"]
    assert report["organisations"] == ["nz-dia"]
    line = one.reader.get("/v1/progress/nz-nap2-c5-r2017-12-2018-02-m1").json()["data"]
    assert (line["status"], line["status_raw"]) == ("underway", "Ticking along")


def test_plan_is_refused_where_what_it_read_has_changed_since_and_only_there(served_office: Office) -> None:
    one, ssc, admin = served_office, served_office.client("ssc"), served_office.client("office")
    first, second = planned(ssc, TWIN).json(), planned(ssc, NEXT).json()
    # An empty release and one of another agency do not matter.
    assert admin.post("/v1/releases", params={"message": "the day's"}).status_code in (200, 201)
    psa = {"headers": one.etag("/v1/organisations/nz-dia"), "params": {"reason": "a test"}}
    assert (
        admin.patch("/v1/organisations/nz-dia", json={"website": "https://dia.example.org"}, **psa).status_code == 200
    )
    assert ssc.post(first["links"]["apply"]).status_code == 200
    problem = refused(ssc.post(second["links"]["apply"]), 409, "changed-since")
    assert "nz-nap2-c5" in problem["ids"]
    assert ssc.post(planned(ssc, NEXT).json()["links"]["apply"]).status_code == 200


def test_two_publishers_at_once_lose_nothing(served_office: Office) -> None:
    one = served_office
    clients = [one.client("ssc"), one.client("office")]
    plans = [planned(client, body).json() for client, body in zip(clients, (TWIN, NEXT), strict=True)]
    before, answers = head(one), {}

    def work(i: int) -> None:
        answers[i] = clients[i].post(plans[i]["links"]["apply"])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for answer in answers.values()) == [200, 409]
    loser = next(i for i, answer in answers.items() if answer.status_code == 409)
    retried = clients[loser].post(planned(clients[loser], (TWIN, NEXT)[loser]).json()["links"]["apply"])
    assert retried.status_code == 200 and head(one) == before + 2
    for path in (REPORT, "/v1/reports/nz-nap2-c5-r2017-12-2018-02"):
        assert one.reader.get(path).status_code == 200
    assert asyncio.run(faults(one.dsn)) == []


def test_an_import_that_takes_much_back_needs_its_figure(busy_office: Office) -> None:
    admin = busy_office.client("office")
    # The bundled plan table, with every end a year later.
    table = resources.files("ogp_open_data").joinpath("sample", "nz-nap2-plan.csv").read_bytes()
    changed = table.replace(b"2018-06", b"2019-06").replace(b"2017", b"2018")
    answer = admin.post("/v1/imports", content=changed, headers={"content-type": "text/csv"})
    assert answer.status_code == 201, answer.text
    figure, apply = answer.json()["data"]["confirm"], answer.json()["links"]["apply"]
    assert figure > 20
    assert refused(admin.post(apply), 422, "confirmation-needed")["confirm"] == figure
    refused(admin.post(apply, json={"confirm": figure - 1}), 422, "confirmation-needed")
    assert admin.post(apply, json={"confirm": figure}).status_code == 200


def test_the_same_document_again_would_change_nothing(served_office: Office) -> None:
    ssc = served_office.client("ssc")
    assert ssc.post(planned(ssc, TWIN).json()["links"]["apply"]).status_code == 200
    plan = planned(ssc, TWIN).json()
    assert (plan["data"]["changes"], plan["data"]["release"]) == ([], None)
    done = ssc.post(plan["links"]["apply"])
    assert (done.status_code, done.json()["data"]["number"]) == (200, None)


def test_merge_and_renumber(served_office: Office) -> None:
    one, admin = served_office, served_office.client("office")
    path, reason = "/v1/milestones/nz-nap2-c5-m3", {"reason": "as the plan prints it"}
    done = admin.post(f"{path}/renumber", params={"number": "3A", **reason}, headers=one.etag(path))
    assert done.status_code == 200 and one.reader.get(path).json()["data"]["number"] == "3A"
    into = {"into": "nz-nap2-c5-m2", **reason}
    dia, psc = "/v1/organisations/nz-dia", {"into": "nz-psc", "reason": "one agency now"}
    assert admin.post(f"{dia}/merge", params=psc, headers=one.etag(dia)).status_code == 200
    assert refused(one.reader.get(dia), 410, "gone")["successor"].endswith("/nz-psc")
    refused(admin.post(f"{path}/merge", params=into | {"into": "nz-psc"}, headers=one.etag(path)), 422, "refused")


def test_redaction_by_http_takes_the_words_from_everything_that_is_kept(busy_office: Office) -> None:
    one, admin = busy_office, busy_office.client("office")
    ssc, path, reason = one.client("ssc"), "/v1/organisations/nz-dia", {"reason": "asked for by the person"}
    secret = {"website": "https://dia.example.org/jane-citizen"}
    named = {**one.etag(path), "idempotency-key": "with the words"}
    assert admin.patch(path, json=secret, params=reason, headers=named).status_code == 200
    plan = planned(ssc, TWIN).json()["links"]
    gone = {"field": "website", "text": "jane-citizen"}
    refused(ssc.post(f"{path}/redact", json=gone, params=reason), 403, "forbidden")
    refused(admin.post(f"{path}/redact", json={"text": "jane"}, params=reason), 400, "bad-request")
    refused(admin.post("/v1/plans/nz-dia/redact", json=gone, params=reason), 404, "not-found")
    shown = admin.post(f"{path}/redact", json=gone, params={**reason, "dry_run": "true"})
    assert shown.status_code == 200 and [change["id"] for change in shown.json()["data"]["changes"]] == ["nz-dia"]
    again = [admin.post(f"{path}/redact", json=gone, params=reason, headers={"idempotency-key": "gone"}) for _ in "12"]
    assert [answer.status_code for answer in again] == [200, 200] and again[0].content == again[1].content
    assert one.reader.get(path).json()["data"]["website"] == "https://dia.example.org/[redacted]"
    refused(ssc.get(plan["self"]), 410, "import-expired")
    kept = "SELECT concat(array_agg(convert_from(body, 'UTF8')), (SELECT array_agg(planned) FROM pending_import)) FROM replay"
    assert not any("jane-citizen" in answer.text for answer in (shown, *again))
    asyncio.run(executed(one.dsn, f"DO $$ BEGIN ASSERT position('jane-citizen' IN ({kept})) = 0; END $$"))


def test_import_expires_and_is_then_told_so(busy_office: Office) -> None:
    ssc = busy_office.client("ssc")
    plan = planned(ssc, TWIN).json()["links"]
    asyncio.run(executed(busy_office.dsn, "UPDATE pending_import SET expires_at = now() - interval '1 minute'"))
    for answer in (ssc.get(plan["self"]), ssc.post(plan["apply"])):
        refused(answer, 410, "import-expired")


def test_plans_of_one_key_make_room_for_each_other(busy_office: Office) -> None:
    ssc = busy_office.client("ssc")
    plans = [planned(ssc, TWIN).json()["links"] for _ in range(11)]
    answers: list[httpx.Response] = [ssc.get(plan["self"]) for plan in plans]
    assert [answer.status_code for answer in answers] == [410] + [200] * 10
    left = "SELECT FROM pending_import WHERE body IS NULL AND applied IS NULL AND planned"
    for expected in (f"EXISTS ({left} = '{{}}')", f"NOT EXISTS ({left} <> '{{}}')"):
        asyncio.run(executed(busy_office.dsn, f"DO $$ BEGIN ASSERT {expected}; END $$"))


def test_faulty_rows_of_a_table_come_back_as_a_table_to_who_asks_for_one(busy_office: Office) -> None:
    admin = busy_office.client("office")
    table = (
        b"plan,commitment,period_start,period_end,milestone,status\r\nnz-nap2,7,2018-03-01,2018-06-31,1,Underway\r\n"
    )
    sent = {"content-type": "text/csv"}
    assert (
        refused(admin.post("/v1/imports", content=table, headers=sent), 422, "document-refused")["errors"][0]["row"]
        == 2
    )
    answer = admin.post("/v1/imports", content=table, headers={**sent, "accept": "text/csv"})
    assert (answer.status_code, answer.headers["content-disposition"]) == (422, 'attachment; filename="rejected.csv"')
    header, row = answer.content.decode("utf-8-sig").splitlines()
    assert header == "plan,commitment,period_start,period_end,milestone,status,row,error"
    assert row.startswith("nz-nap2,7,2018-03-01,2018-06-31,1,Underway,2,") and "period_end: " in row
    book = {"accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    assert admin.post("/v1/imports", content=table, headers={**sent, **book}).content.startswith(b"PK")


def test_workbook_is_planned_and_applied_like_any_document(served_office: Office) -> None:
    admin = served_office.client("office")
    rows = [HEADER, ["nz-nap2", "5", "2017-09-01", "2017-11-30", "1", "", "", "June 2018", "Underway"]]
    answer = admin.post("/v1/imports", content=as_xlsx(rows), params={"filename": "report.xlsx"})
    assert answer.status_code == 201, answer.text
    assert admin.post(answer.json()["links"]["apply"]).status_code == 200
    [one] = served_office.reader.get("/v1/progress?commitment=nz-nap2-c5").json()["data"]
    told = served_office.reader.get(f"{one['url']}/versions?field=status").json()["data"][0]
    assert (told["value"], told["source"]["name"], told["source"]["cell"]) == ("underway", "report.xlsx", "I2")
