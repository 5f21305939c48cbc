"""What our feeds add to Atom in namespaces: the record in its entry, the mark of an archive, tombstones."""

import pytest
from msgspec import json
from msgspec.structs import replace

from feed_samples import BASE, MILESTONE, ORGANISATION, PLAN, POISONS, RECORDS, broken, entry, head, parsed, poisoned
from ogp_open_data.formats.feed import MOST_TEXT, OGP, Carried, Deleted, FeedEntry, State
from ogp_open_data.formats.to_feed import HISTORY, TOMBSTONES, atom
from ogp_open_data.records import NOUN_OF, Record, canonical, digest


def carried(record: Record) -> FeedEntry:
    doc = canonical(record).decode()
    noun, url = NOUN_OF[type(record)], f"{BASE}{record.url}?as_of=7"
    return entry(record, carried=Carried(noun, 2, 7, digest(doc.encode()), doc, url))


@pytest.mark.parametrize("poison", ["a word", *POISONS])
def test_an_entry_carries_its_record_whatever_it_holds(poison: str):
    records = [poisoned(record, f"a{poison.encode(errors='ignore').decode()}b") for record in RECORDS]
    feed = parsed(atom(head(), [carried(record) for record in records]))
    assert broken(feed) == []
    for record, one in zip(records, feed.iter(f"{{{OGP}}}record"), strict=True):
        assert json.decode(one.text, type=type(record)) == record
        assert (one.get("version"), one.get("release")) == ("2", "7")
        assert one.get("sha256") == digest(canonical(json.decode(one.text)))


def test_a_record_that_is_longer_than_readers_take_is_linked():
    huge = replace(MILESTONE, text="word " * MOST_TEXT)
    one = parsed(atom(head(), [carried(huge)])).find(f".//{{{OGP}}}record")
    assert one.text is None and one.get("src") == f"{BASE}{huge.url}?as_of=7"


def test_tombstones_and_the_mark_of_an_archive_are_in_their_own_namespaces():
    gone = [
        Deleted(entry(PLAN).id, entry(PLAN).updated, "a\x01 & b"),
        Deleted("tag:x.nz,2026:y", entry(PLAN).published),
    ]
    feed = parsed(atom(head(archive=True, state=State(12, "e")), [entry(ORGANISATION)], gone))
    assert broken(feed) == []
    assert feed.find(f"{{{HISTORY}}}archive") is not None
    assert dict(feed.find(f"{{{OGP}}}state").attrib) == {"release": "12", "epoch": "e"}
    first, second = feed.iterfind(f"{{{TOMBSTONES}}}deleted-entry")
    assert dict(first.attrib) == {"ref": entry(PLAN).id, "when": "2026-11-25T01:02:03.456789+00:00"}
    assert first.findtext(f"{{{TOMBSTONES}}}comment") == "a\ufffd & b"
    assert len(second) == 0
    assert parsed(atom(head(), [])).find(f"{{{HISTORY}}}archive") is None
