"""Runs that are killed at any point, and 400 nights of everything that goes wrong."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from copied import edit, held, release_of, run, table, tamper
from ogp_open_data.client import in_directory
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.records import NOUNS, Milestone
from publisher import Fault, Publisher, country, some, wording

# About as long as a milestone with its report is.
WORDS = 150


class Killed(BaseException):
    """The end of the program, at a point of our choice."""


def consistent(publisher: Publisher, into: str) -> None:
    """A visible copy is one whole release, tables included."""
    if not Path(into, "state.json").exists():
        return
    then = publisher.held[release_of(into)]
    assert held(into) == then
    for noun in NOUNS:
        assert (Path(into) / f"{noun}.csv").read_bytes() == table(noun, then[noun])


@pytest.mark.parametrize("anew", [False, True], ids=["changes", "whole"])
def test_killed_between_any_two_steps_a_copy_is_one_whole_release(
    publisher: Publisher, directory: Path, monkeypatch: pytest.MonkeyPatch, anew: bool
):
    """Every rename, link and removal of a run is tried as its last act."""
    into = str(directory)
    real = {name: getattr(os, name) for name in ("replace", "rename", "link", "fsync")}
    left = [0]

    def counted(name: str) -> Callable[..., object]:
        def act(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real[name](*arguments, **named)

        return act

    monkeypatch.setattr(in_directory, "os", type("Os", (), {**vars(os), **{name: counted(name) for name in real}}))
    for point in range(1, 200):
        left[0] = point
        try:
            run(publisher, into)
        except Killed:
            consistent(publisher, into)
            continue
        if left[0] > 0 and point > 1:
            break
        edit(publisher, f"wording {point}")
        publisher.epoch = str(uuid4()) if anew else publisher.epoch
    left[0] = 0
    assert point > 20, "there were points to be killed at"
    run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert len(list(directory.glob(".copy-*"))) <= 2, "what was left lying is gone"


PROGRAM = "import sys; from ogp_open_data.client import sync; sync(sys.argv[1], sys.argv[2])"


@pytest.mark.parametrize("asked", [2, 6])
def test_killed_in_the_middle_of_an_answer_the_next_run_goes_on(publisher: Publisher, into: str, asked: int):
    """A first run is killed while an answer stands still; what had come by then is not fetched again."""
    publisher.faults.extend([None] * asked + [Fault(cut=100, hang=60)])
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, publisher.url, into])
    try:
        assert publisher.busy.wait(30)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    before = [path for path in publisher.asked if ".ndjson" in path][: asked - 1]
    publisher.asked.clear()
    edit(publisher)
    run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert not {path for path in publisher.asked if ".ndjson" in path} & set(before)


def test_killed_while_following_the_copy_stays_usable(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.most_changes = 1
    for text in ("one", "two", "three"):
        edit(publisher, text)
    publisher.faults.extend([None, Fault(cut=300, hang=60)])
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, publisher.url, into])
    try:
        assert publisher.busy.wait(30)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert held(into) == publisher.held[release_of(into)]
    run(publisher, into)
    assert held(into) == publisher.held[-1]


# A year of nights.


def trouble_of(rng: random.Random, share: float) -> Callable[[str], Fault | None]:
    """Some share of all answers fail, each in one of the ways answers fail."""

    def trouble(path: str) -> Fault | None:
        if rng.random() >= share:
            return None
        kinds = [
            Fault(cut=rng.randrange(1 << 20)),
            Fault(flip=rng.randrange(1 << 20)),
            Fault(status=429, retry_after="0"),
            Fault(status=503),
        ]
        return rng.choice(kinds)

    return trouble


def day(publisher: Publisher, rng: random.Random, milestones: int) -> None:
    """What is published on a day: often an empty release or none, else some edits and now and then a withdrawal."""
    what = rng.random()
    if what < 0.3:
        return
    if what < 0.5:
        publisher.release()
        return
    ids = rng.sample(range(1, milestones + 1), rng.randint(1, 4))
    edits = [some(Milestone, f"nz-nap2-c5-m{n}", text=wording(rng, WORDS)) for n in ids]
    live = list(publisher.held[-1]["progress"])
    gone = {rng.choice(live): "progress"} if live and rng.random() < 0.2 else {}
    publisher.release(*edits, gone=gone)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "nights"), [("directory", 400), ("sqlite", 40)])
def test_after_each_of_400_nights_the_copy_is_true_and_cheap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, nights: int
):
    """Outages, cut and damaged answers, 429s, a new epoch, a damaged copy: equal each morning that the publisher was there."""
    # No power fails here, and waiting for the disk is a third of the time.
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    rng = random.Random(20261124)
    publisher, milestones = Publisher(), 1000
    publisher.release(*country(rng, milestones, WORDS))
    into = str(tmp_path / "copy") if kind == "directory" else f"sqlite:///{tmp_path}/copy.db"
    everything = missed = 0
    for night in range(nights):
        day(publisher, rng, milestones)
        everything += sum(len(text) + 1 for rows in publisher.held[-1].values() for text in rows.values())
        if night == nights // 2:
            publisher.epoch = str(uuid4())
        if night % 100 == 70:
            tamper(into, "commitments", lambda text: text.replace(b"nz-nap2", b"nz-nap3"))
        publisher.trouble = trouble_of(rng, 0.1 if rng.random() > 0.05 else 0.9)
        try:
            if rng.random() < 0.03 and night:
                with pytest.raises(StoreUnavailable):
                    run(publisher, into)
                raise StoreUnavailable("the publisher was away")
            with publisher.serving():
                run(publisher, into)
        except StoreUnavailable:
            missed += 1
            if night % 100 != 70:
                assert held(into) == publisher.held[release_of(into)]
        else:
            assert held(into) == publisher.held[-1], night
    publisher.trouble = lambda path: None
    with publisher.serving():
        run(publisher, into)
        assert held(into) == publisher.held[-1]
        assert run(publisher, into, verify_only=True).exit_code == 0
    assert 0 < missed < nights // 10
    # The first copy and that of the new epoch are in it, so a hundred nights cost more than 1 %.
    assert publisher.sent * nights < everything * 4, f"{publisher.sent / everything:.2%} of {everything / 1e6:.0f} MB"
