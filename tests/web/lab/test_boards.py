"""The lab's circles: every way gives the same ranks, a payment costs one write, and no saver sees anything of them."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from savings import leaderboards
from savings.models import (
    Circle,
    CircleEvent,
    Entry,
    Membership,
    OutboxRow,
    Plan,
    Transaction,
    User,
)
from savings.models.leaderboards import BoardDay
from tests.factories import make_circle, make_member
from tests.processes import wait_until
from web.lab import board_loading, boards, document
from web.lab.board_loading import LabBoard
from web.lab.measure import Headline, compare
from web.messages import lab as messages

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("epoch_known")]

SMALL, MIDDLING = LabBoard(24), LabBoard(1_000)


@pytest.fixture
def loaded() -> LabBoard:
    board_loading.load(SMALL)
    return SMALL


@pytest.mark.parametrize("board", [SMALL, MIDDLING])
def test_every_way_reads_the_same_ranks(board: LabBoard) -> None:
    board_loading.load(board)
    comparison = compare(boards.READING, board, rounds=1)
    assert comparison.agree
    rows = boards.computed(board)
    saved = [int(str(kobo)) for _, _, kobo in rows]
    assert saved == sorted(saved, reverse=True)
    assert [outcome.queries for outcome in comparison.outcomes] == [1, 1, 0]
    # The first ranks, and the reader's own if it is further down.
    assert len(rows) == min(board.members, leaderboards.TOP + 1)


def test_the_reader_is_in_the_middle() -> None:
    board_loading.load(MIDDLING)
    mine = boards.read_around(MIDDLING).mine
    assert mine
    assert 450 < mine.rank < 550


def test_a_payment_is_in_both_refreshed_boards(loaded: LabBoard) -> None:
    before = boards.read_around(loaded).mine
    boards.pay_in(loaded, boards.PAYMENT_KOBO)
    comparison = compare(boards.REFRESHING, loaded, rounds=0)
    after = boards.read_around(loaded).mine
    assert comparison.agree
    assert before
    assert after
    assert after.saved_kobo == before.saved_kobo + boards.PAYMENT_KOBO
    assert after.rank < before.rank
    assert compare(boards.READING, loaded, rounds=0).agree


def test_the_page_shows_the_change_of_rank(saver_client: Client) -> None:
    page = saver_client.get("/lab/leaderboard/?members=24").text
    assert "Load 24 members" in page
    assert saver_client.post("/lab/leaderboard/load/", {"members": "24"})["Location"].endswith("?members=24")
    page = saver_client.get("/lab/leaderboard/?members=24").text
    assert "The cost of each way" in page
    assert "Same result" in page
    before = boards.read_around(SMALL).mine
    paid = saver_client.post("/lab/leaderboard/pay-in/", {"members": "24"})
    after = boards.read_around(SMALL).mine
    assert before
    assert after
    assert f'rank\n              <span class="b">{before.rank}</span>' in paid.text
    assert f'to rank <span class="b">{after.rank}</span>' in paid.text
    assert "One member updated" in paid.text
    assert paid.context["lesson"] == "caching"


def test_an_emptied_redis_is_read_from_sql_and_rebuilt_with_the_same_ranks(
    saver_client: Client, loaded: LabBoard
) -> None:
    board_loading.load(MIDDLING)
    member = make_member(make_circle(), saved_kobo=500_00)
    leaderboards.rebuild_board(member.circle_id)
    cache.set("another", 1)
    others = [leaderboards.version(circle_id) for circle_id in (MIDDLING.circle_id, member.circle_id)]
    before = boards.computed(loaded)
    page = saver_client.post("/lab/leaderboard/empty/", {"members": "24"})
    comparison = page.context["comparison"]
    assert [outcome.name for outcome in comparison.outcomes] == [
        "Read from SQL",
        "Rebuilt",
        "Read from Redis",
    ]
    # A batch of members, an empty one, and the epoch of the board.
    assert [outcome.queries for outcome in comparison.outcomes] == [1, 2, 0]
    assert comparison.agree
    assert "Redis had nothing left of this circle" in page.text
    assert boards.cached_in_sorted_sets(loaded) == before
    assert [leaderboards.version(circle_id) for circle_id in (MIDDLING.circle_id, member.circle_id)] == others
    assert cache.get("another") == 1


def test_nothing_is_emptied_before_it_is_loaded_or_while_redis_is_away(
    saver_client: Client, settings: Settings
) -> None:
    assert saver_client.post("/lab/leaderboard/empty/", {"members": "24"}).status_code == 302
    assert not board_loading.is_loaded(SMALL)
    board_loading.load(SMALL)
    assert saver_client.get("/lab/leaderboard/empty/").status_code == 302
    settings.LEADERBOARD_UPKEEP_REDIS_URL = "redis://127.0.0.1:1/0"
    page = saver_client.post("/lab/leaderboard/empty/", {"members": "24"}, follow=True)
    assert "Redis does not answer" in page.text


@pytest.mark.parametrize(("members", "queries"), [(24, 2), (1_000, 2), (10_000, 11)])
def test_rebuilding_costs_a_query_for_each_batch(members: int, queries: int) -> None:
    board = LabBoard(members)
    board_loading.load(board)
    board_loading.empty(board)
    assert [one.queries for one in compare(boards.EMPTIED, board, rounds=0).outcomes] == [1, queries, 0]


def test_an_unknown_size_is_the_smallest(saver_client: Client) -> None:
    assert "Load 24 members" in saver_client.get("/lab/leaderboard/?members=7").text


@pytest.mark.django_db(transaction=True)
def test_a_large_circle_is_loaded_once_and_in_the_background(
    saver_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_loading, "MOST_AT_ONCE", 10)
    assert board_loading.start_loading(SMALL)
    wait_until(lambda: board_loading.loaded_so_far(SMALL) is None)
    assert board_loading.is_loaded(SMALL)
    assert compare(boards.READING, SMALL, rounds=0).agree
    saver_client.post("/lab/leaderboard/clean/")
    assert not board_loading.is_loaded(SMALL)


def test_a_second_press_starts_nothing_and_progress_is_shown(
    saver_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_again(board: LabBoard, note: object) -> None:
        assert not board_loading.start_loading(board)
        assert "Loading 24 members" in saver_client.get("/lab/leaderboard/?members=24").text

    monkeypatch.setattr(board_loading, "load", press_again)
    assert board_loading.start_loading(SMALL)


def test_without_the_board_in_redis_nothing_is_read(saver_client: Client, settings: Settings) -> None:
    board_loading.load(SMALL)
    settings.LEADERBOARD_REDIS_URL = settings.LEADERBOARD_UPKEEP_REDIS_URL = "redis://127.0.0.1:1/0"
    assert "Not loaded" in saver_client.get("/lab/leaderboard/").text
    assert "Redis does not answer" in saver_client.post("/lab/leaderboard/load/", follow=True).text


def test_nothing_of_it_is_in_the_books_lists_feeds_or_mails(saver_client: Client) -> None:
    member = make_member(make_circle(name="A real one"), saved_kobo=500_00)
    leaderboards.rebuild_board(member.circle_id)
    tables = (
        User,
        Plan,
        Circle,
        Membership,
        CircleEvent,
        Transaction,
        Entry,
        OutboxRow,
        BoardDay,
    )
    before = [model.objects.count() for model in tables]
    board_loading.load(SMALL)
    saver_client.post("/lab/leaderboard/pay-in/", {"members": "24"})
    version = leaderboards.version(SMALL.circle_id)
    # Every hour a task compares the leaderboards with SQL.
    assert leaderboards.reconcile_all() == 0
    assert leaderboards.version(SMALL.circle_id) == version
    assert [model.objects.count() for model in tables] == before
    board = leaderboards.read_board(circle_id=member.circle_id)
    assert [line.membership_id for line in board.lines] == [member.pk]
    assert saver_client.get(f"/circles/{-SMALL.members}/").status_code == 404


def test_cleaning_leaves_no_table_and_no_key(loaded: LabBoard) -> None:
    boards.cached_as_a_value(loaded)
    board_loading.clean()
    board_loading.clean()
    assert leaderboards.delete_whole_board(loaded.circle_id) == 0
    with connection.cursor() as cursor:
        assert "lab_members" not in connection.introspection.table_names(cursor)


def test_its_figures_name_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_loading, "SIZES", (24, 60))
    found = list(boards.headlines())
    assert [one.what for one in found if "loaded" in one.what] == ["24 members loaded", "60 members loaded"]
    assert {f"60 members, {pair}" for pair in messages.CACHES} <= {one.what for one in found}
    assert [one.what for one in found if one.what.startswith("60 members, Redis emptied")] == [
        f"60 members, Redis emptied: queries and time, {way.name.lower()}" for way in boards.EMPTIED
    ]
    assert not board_loading.is_loaded(SMALL)


@pytest.mark.parametrize(
    ("ratios", "sentence"),
    [
        (
            (0.4, 0.8, 28.9),
            "quicker than SQL at 1,000 members (28.9 ×); about as quick as SQL at 60 members (0.8 ×); "
            "slower than SQL at 24 members (0.4 ×).",
        ),
        (
            (1.4, 1.0, 0.7),
            "quicker than SQL at 24 members (1.4 ×); about as quick as SQL at 60 members (1.0 ×); "
            "slower than SQL at 1,000 members (0.7 ×).",
        ),
        (
            (1.3, 2.0, 3.0),
            "quicker than SQL at 24 members (1.3 ×), 60 members (2.0 ×) and 1,000 members (3.0 ×).",
        ),
        (
            (0.1, 0.2, 1.1),
            "about as quick as SQL at 1,000 members (1.1 ×); "
            "slower than SQL at 24 members (0.1 ×) and 60 members (0.2 ×).",
        ),
    ],
)
@pytest.mark.parametrize("pair", messages.CACHES)
def test_it_is_calculated_at_which_sizes_a_cache_pays(
    ratios: tuple[float, ...], sentence: str, pair: str
) -> None:
    sizes = zip(("24", "60", "1,000"), ratios, strict=True)
    figures = [Headline(f"{members} members, {pair}", f"{times} ×") for members, times in sizes]
    (found,) = boards.conclusions([Headline("24 members loaded", "0.0 s"), *figures])
    assert found.startswith(messages.CACHES[pair])
    assert found.replace("\u202f", " ").endswith(sentence)


def test_the_page_says_what_the_document_says(saver_client: Client) -> None:
    figures = document.stored().figures["boards"]
    sentences = boards.conclusions(figures)
    assert len(sentences) == len(messages.CACHES)
    page = saver_client.get("/lab/leaderboard/").text
    for sentence in sentences:
        assert sentence in page
        assert sentence in document.PAGE.read_text()
    assert document.stored().machine in page
