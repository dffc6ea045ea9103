"""The claims about background work."""

from __future__ import annotations

from web.lab.claims.claim import KILL_WORKER, MAIL, STATEMENT, Claim, Place

CLAIMS = (
    Claim(
        "move the long-running task to the background",
        MAIL,
        "mails",
        ("savings/outbox/rows.py: add", "savings/tasks.py: deliver_outbox_row"),
        "A queue in Redis loses tasks when Redis or a worker dies. The product writes the work into the "
        "database, in the transaction of its cause, and the queue only makes it quicker.",
    ),
    Claim(
        "the expensive, long-running tasks are completed asynchronously in the background",
        KILL_WORKER,
        "killing",
        ("savings/tasks.py: deliver_outbox_row", "savings/outbox/delivery.py: deliver"),
        "A worker may die in the middle. Its row is due again when its lease ends, so the work may be done "
        "twice, and a mail sent twice: at least once is what a queue can promise. Both mails have one "
        "Message-ID.",
    ),
    Claim(
        "Users typically do not want to wait",
        MAIL,
        "mails",
        ("savings/outbox/rows.py: add",),
        "They may see a page before the work is done. Pages must say what is still on its way.",
    ),
    Claim(
        "allows us to benefit from parallel processing",
        MAIL,
        "workers",
        ("web/settings.py: HUEY", "savings/statements/turns.py: writer_slot"),
        "Threads of one Python process share a processor. They help with waiting, as for a mail server, "
        "and not with calculating: the product lets half of its threads write statements at once, so that mails "
        "do not wait for them.",
    ),
    Claim(
        "after a user top up their plan, transfer their matured savings to their Stash, log into their "
        "account, or join a new Savings Circle, we typically send an email",
        MAIL,
        "mails",
        (
            "savings/mails/emails.py: top_up_received",
            "savings/mails/emails.py: plan_matured",
            "savings/mails/emails.py: new_device",
            "savings/mails/emails.py: circle_joined",
        ),
        "Each mail has its cause in the same transaction, and a key of its own, so the same cause twice is one "
        "mail. We mail about a sign-in only from a new device.",
        part="#kinds-h",
    ),
    Claim(
        "another use case for asynchronous tasks on the Cowrywise app is when a user requests their plan "
        "statement",
        STATEMENT,
        "statements",
        ("savings/statements/requests.py: request", "savings/statements/writing.py: write_statement"),
        "A long task is killed in the middle sooner or later. A CSV continues from a checkpoint, and other "
        "formats begin again.",
    ),
    Claim(
        "converting them to a downloadable format",
        STATEMENT,
        "statements",
        ("savings/statements/files.py: writer_class", "savings/statements/limits.py: check_count"),
        "A format has a limit of rows and of memory. The form counts the rows where the limit is low, "
        "the worker for every file, and CSV is written page by page.",
    ),
    Claim(
        "sending an email with a download link to the user",
        STATEMENT,
        "statements",
        ("savings/statements/downloads.py: link_token", "savings/mails/emails.py: statement_ready"),
        "A link in a mail is a key to a private file. Ours opens the page of the statement, which asks for a "
        "sign-in; the page has the download, by a signed link that ends after a day.",
    ),
    Claim(
        "respond with a success message informing them to check their email",
        STATEMENT,
        "statements",
        ("web/views/statements.py: start",),
        "The mail may not arrive. The page shows the progress and has the file too.",
        also=(Place("The form that answers so", "statements:start"),),
    ),
    Claim(
        "Celery helps us in orchestrating our asynchronous tasks",
        MAIL,
        "mails",
        ("savings/tasks.py: HANDLERS", "docs/adr/0003-own-outbox-beside-huey.md"),
        "We use Huey: one dependency, one process, Redis only. Celery has more brokers, workflows and "
        "monitoring.",
        part="#celery-h",
    ),
)
