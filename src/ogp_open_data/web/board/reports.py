"""`/reports/{id}`, which reads as it was published, and `/reports/{id}/changes`: what is new since another report."""

from ogp_open_data.formats.markup import commitment_words, lower
from ogp_open_data.intake.deciding.compare import Side, compare, previous
from ogp_open_data.intake.deciding.compare import Step as Compared
from ogp_open_data.records import Organisation, Progress, Report, name_on
from ogp_open_data.web import query
from ogp_open_data.web.board import telling, words
from ogp_open_data.web.board.commitments import records, versions
from ogp_open_data.web.board.frame import Page, asked, names, shown
from ogp_open_data.web.reads.comparison import same_commitment, side
from ogp_open_data.web.site import Request, Response


async def report(request: Request, name: str) -> Response:
    """`/reports/{id}`"""
    one = await asked(request)
    after = await side(one.site, name, None, one.head.number)
    before, found = previous(after), after.report
    named = await records(one, [found.plan, found.commitment, *found.organisations, *found.supporting_organisations])
    page = Page(
        template="report.html",
        path=f"/reports/{found.id}",
        title=telling.title(found),
        description=f"What the agency reported on {_called(found)} for {words.period(found)}.",
        data=f"/v1/reports/{found.id}",
        about={"commitment": found.commitment},
        about_title=f"What happens to {lower(_called(found))}",
        section="reports",
    )
    organisations = [row for row in named.values() if isinstance(row, Organisation)]
    return shown(
        one,
        page,
        report=found,
        plan=named.get(found.plan),
        commitment=named.get(found.commitment),
        organisations=names(organisations),
        then={row.id: name_on(row, found.period_end) for row in organisations},
        lines=_printed(after),
        milestones=names(list(after.milestones)),
        before=before.report if before else None,
        difference=compare(before, after) if before else None,
        following=_following(after),
        versions=await versions(one, "reports", found.id),
    )


def _called(one: Report) -> str:
    return commitment_words(one.commitment, one.plan)


def _printed(one: Side) -> list[Progress]:
    """The lines of a report in printed order."""
    place = {id: i for i, id in enumerate(one.report.milestones)}
    lines = [line for line in one.lines if line.report == one.report.id]
    return sorted(lines, key=lambda line: place.get(line.milestone, len(place)))


def _following(one: Side) -> Report | None:
    """The report that comes after one."""
    later = [other for other in one.reports if telling.order(other) > telling.order(one.report)]
    return min(later, key=telling.order, default=None)


async def changes(request: Request, name: str) -> Response:
    """`/reports/{id}/changes`: this report beside the one before it, or beside another that is named."""
    one = await asked(request, {"from": query.DIFF["from"]})
    after = await side(one.site, name, None, one.head.number)
    named = one.query.from_
    before = await side(one.site, name, named, one.head.number) if named else previous(after)
    same_commitment(before, after)
    found = after.report
    page = Page(
        template="changes.html",
        path=f"/reports/{found.id}/changes",
        title=f"What changed: {_called(found)}, {words.period(found)}",
        description=f"What changed in {lower(_called(found))} between two progress reports.",
        query={"from": named} if named else {},
        about={"commitment": found.commitment},
        about_title=f"What happens to {lower(_called(found))}",
        section="reports",
        index=named is None,
    )
    difference = compare(before, after)
    return shown(
        one,
        page,
        report=found,
        milestones=names(list(after.milestones)),
        before=before.report if before else None,
        difference=difference,
        moved=[step for step in difference.milestones if _moved(step)],
        same=[step for step in difference.milestones if not _moved(step)],
        others=sorted((row for row in after.reports if row.id != found.id), key=telling.order, reverse=True),
        machine=one.to(f"/v1/reports/{found.id}/diff", **{"from": named}),
    )


def _moved(step: Compared) -> bool:
    """Whether the two reports say something else of a milestone."""
    return (
        step.status.before != step.status.after
        or step.ends.before != step.ends.after
        or step.printed.before != step.printed.after
    )
