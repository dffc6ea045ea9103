"""The URLs of the lab."""

from django.urls import path

from web.views.lab import background, caching, home, indexes, measuring, queries, whole_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("clean/", home.clean, name="clean"),
    # Measure first
    path("measure/", measuring.measure, name="measure"),
    # Indexes
    path("lookup/", indexes.lookup, name="lookup"),
    # N+1 queries
    path("plan-names/", queries.plan_names, name="plan_names"),
    # Background work
    path("mail/", background.mail, name="mail"),
    path("statement/", background.statement, name="statement"),
    path("statement/clean/", background.clean_statements, name="clean_statements"),
    path("kill-worker/", background.kill_worker, name="kill_worker"),
    # Caching
    path("caching/", caching.caching, name="caching"),
    path("stampede/", caching.stampede, name="stampede"),
    path("wrong-key/", caching.wrong_key, name="wrong_key"),
    path("leaderboard/", caching.leaderboard, name="leaderboard"),
    path("leaderboard/load/", caching.load_board, name="load_board"),
    path("leaderboard/pay-in/", caching.pay_in, name="pay_in"),
    path("leaderboard/empty/", caching.empty_board, name="empty_board"),
    path("leaderboard/clean/", caching.clean_boards, name="clean_boards"),
    # A whole page
    path("whole-page/", whole_pages.whole_page, name="whole_page"),
    path("naive/transactions/", whole_pages.naive_transactions, name="naive_transactions"),
]
