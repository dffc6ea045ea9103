"""What `manage.py doctor` and its page say: what is wrong, and what to do. docs/monitoring.md explains each."""

from __future__ import annotations

from django.utils.translation import ngettext

type Text = tuple[str, str]

_START_WORKER = "Start the worker (manage.py run_huey) and look at its log."
_FORWARDED_FOR = (
    "Have the proxy set it (proxy_set_header X-Forwarded-For $remote_addr), and TRUSTED_PROXIES to the number of your"
    " proxies."
)
_RESTART_BOTH = "Restart the web server and the worker after each upgrade."

ALL_WELL = "Nothing is wrong."
NOT_ON_A_SERVER = "DEBUG is on, so the checks that only concern a server were left out."


def wrong(count: int) -> str:
    return ngettext("%(count)d thing is wrong.", "%(count)d things are wrong.", count) % {"count": count}


def check_failed(error: str) -> Text:
    return f"This check itself failed: {error}.", "Look at the log, and report it as a bug of Asusu."


def no_answer(seconds: int) -> Text:
    return (
        f"This check had no answer after {seconds} s.",
        "Look at the service that it asks, and at the network.",
    )


# Settings


def debug_on(host: str) -> Text:
    return (
        f"DEBUG is on although the site is {host}: error pages show code and settings to everyone.",
        "Remove DEBUG from the environment and restart the web server and the worker.",
    )


def deploy_check(message: str, hint: str, check: str) -> Text:
    return (
        message.strip(),
        f"{hint.strip()} ({check})" if hint else f"Run manage.py check --deploy. ({check})",
    )


def key_is_for_tests(start: str) -> Text:
    return (
        f"PAYSTACK_SECRET_KEY begins with {start}, so payments on this site move no real money.",
        "Set the live key (sk_live_…) from Paystack’s dashboard.",
    )


def key_of_unknown_kind() -> Text:
    return (
        "PAYSTACK_SECRET_KEY is no secret key of Paystack: those begin with sk_live_ or sk_test_.",
        "Copy the secret key, not the public key, from Paystack’s dashboard.",
    )


LIVE_KEY_IN_DEVELOPMENT: Text = (
    "DEBUG is on with a live key of the provider: a test payment takes real money.",
    "Use a test key (sk_test_…), or remove DEBUG from the environment.",
)
SIMULATOR: Text = (
    "The payment simulator replaces the provider: anyone can confirm a payment without paying.",
    "Set PAYSTACK_SECRET_KEY, unless this is a demonstration without real money.",
)


def sender_elsewhere(sender: str, host: str) -> Text:
    return (
        f"DEFAULT_FROM_EMAIL sends from {sender}, and the site is {host}: mail programs take such mails for spam.",
        f"Use an email address at {host}, with SPF and DKIM records that name your mail server.",
    )


# Mail


def mails_wait(count: int, minutes: int) -> Text:
    rows = ngettext("%(count)d mail or other row", "%(count)d mails and other rows", count) % {"count": count}
    return f"{rows} of the outbox should have been sent, the first {minutes} minutes ago.", _START_WORKER


def mails_dead(count: int, since: str) -> Text:
    rows = ngettext(
        "%(count)d mail or other row of the outbox was given up",
        "%(count)d mails and other rows of the outbox were given up",
        count,
    )
    return (
        f"{rows % {'count': count}} after many tries, the first {since} ago.",
        "Read the errors in the admin under Outbox rows, filter Given up, and try them again there.",
    )


def mail_server_silent(server: str, error: str) -> Text:
    return (
        f"The mail server {server} does not answer ({error}).",
        "Check the host and the port in EMAIL_URL, and that a firewall lets this machine reach them.",
    )


def mail_server_refuses(server: str, code: int) -> Text:
    return (
        f"The mail server {server} refuses this site (code {code}).",
        "Check the user and the password in EMAIL_URL, and the mail server’s log.",
    )


MAILS_NOT_SENT: Text = (
    "Mails are not sent at all: EMAIL_URL names no mail server.",
    "Set EMAIL_URL to smtp+tls://…",
)

# Redis

REDIS_AWAY: Text = (
    "Redis does not answer: every page is slower, and mails wait up to a minute for the sweep.",
    "Start Redis, and check REDIS_URL.",
)


def redis_evicts(policy: str) -> Text:
    return (
        f"Redis removes keys when its memory is full (maxmemory-policy is {policy}): tasks and the counters of failed"
        " sign-ins get lost.",
        "Set maxmemory-policy to noeviction.",
    )


def redis_full(percent: int, limit: str) -> Text:
    return (
        f"Redis uses {percent}% of its {limit}. When it is full, it refuses new sessions, pages and tasks.",
        "Raise maxmemory, or look with redis-cli --bigkeys what fills it.",
    )


# The database


def database(state: str) -> Text:
    return (
        f"The database is in a bad state: {state}.",
        "Start PostgreSQL, check DATABASE_URL, and that it names the primary and not a standby.",
    )


def migrations(state: str) -> Text:
    return (
        f"Migrations of the database: {state}.",
        "Run manage.py migrate, then restart the web server and the worker.",
    )


THE_DATABASE, THE_PROVIDER = "the database", "the payment provider"
CANNOT_BE_READ = "it cannot be read"


def clock(of_what: str, seconds: int) -> Text:
    way = "behind" if seconds > 0 else "ahead of"
    return (
        f"The clock of this machine is {abs(seconds)} s {way} that of {of_what}.",
        "Turn on time synchronisation (timedatectl set-ntp true) on both machines.",
    )


# The provider


def provider_away(url: str) -> Text:
    return (
        "The payment provider does not answer: nobody can pay in, and withdrawals wait.",
        f"Check that this machine reaches {url}, and look at the provider’s status page.",
    )


KEY_REFUSED: Text = (
    "The payment provider refuses our key.",
    "Copy the secret key again from Paystack’s dashboard into PAYSTACK_SECRET_KEY, and restart.",
)


def no_events(payments: int, since: str, url: str) -> Text:
    paid = ngettext("%(count)d payment was paid", "%(count)d payments were paid", payments) % {
        "count": payments
    }
    return (
        f"The payment provider has sent no event {since}, and {paid} meanwhile.",
        f"Enter {url} as the webhook URL in Paystack’s dashboard, and check that the proxy lets it through.",
    )


EVER = "yet"


def since(moment: str) -> str:
    return f"since {moment}"


# Jobs


def worker_away(since: str) -> Text:
    return f"No worker is running: no job has started for {since}.", _START_WORKER


WORKER_NEVER: Text = ("No worker has ever run: no job has started yet.", _START_WORKER)


def jobs_late(names: list[str]) -> Text:
    count = len(names)
    text = ngettext("%(count)d job has", "%(count)d jobs have", count) % {"count": count}
    return (
        f"{text} missed three runs: {', '.join(names)}.",
        "Run one with manage.py run_jobs JOB and read its error. Restart the worker if all is well with it.",
    )


def job_failed(name: str, since: str, error: str) -> Text:
    return (
        f"The last run of the job {name} failed {since} ago: {error}",
        f"Fix the cause, and run it again with manage.py run_jobs {name}.",
    )


def releases_differ(command: str, servers: list[str], workers: list[str]) -> Text:
    return (
        f"Different releases are running: {command} is installed here, the web server runs"
        f" {', '.join(servers) or 'an unknown one'}, the workers run {', '.join(workers) or 'an unknown one'}.",
        _RESTART_BOTH,
    )


# Books and backups

BACKUP_NEVER: Text = (
    "No backup was ever made with manage.py backup.",
    "Run it once a night from a timer: docs/monitoring.md. If you make backups another way, make one this way too.",
)


def backup_failed(since: str, error: str) -> Text:
    return f"The last backup failed {since} ago: {error}", "Fix the cause, and run manage.py backup again."


def backup_unfinished(since: str) -> Text:
    return (
        f"A backup began {since} ago and has not ended.",
        "Look whether it still runs; otherwise run it again.",
    )


def backup_old(since: str) -> Text:
    return f"The last backup is {since} old.", "Check the timer that runs manage.py backup each night."


PROOF_NEVER: Text = (
    "The books were never proved.",
    "Run manage.py check_ledger, and each night from a timer.",
)


def proof_old(since: str) -> Text:
    return f"The last proof of the books is {since} old.", "Check the timer that runs manage.py check_ledger."


def proof_wrong(rows: int, since: str) -> Text:
    found = ngettext("%(count)d wrong row", "%(count)d wrong rows", rows) % {"count": rows}
    return (
        f"The proof of the books of {since} ago found {found}.",
        "Look at Ledger health in the admin. Stop payouts until the cause is known.",
    )


def proof_stopped(since: str, error: str) -> Text:
    return (
        f"The proof of the books stopped {since} ago: {error}",
        "Fix the cause, and run manage.py check_ledger.",
    )


def coverage(percent: str, missing: str, day: str) -> Text:
    return (
        f"The money held for savers covered {percent} of what is owed to them on {day}: {missing} is missing.",
        "Run manage.py reconcile, and look at Treasury and Manual postings in the admin.",
    )


# The machine


def disk_full(what: str, path: str, free: str, percent: int) -> Text:
    return (
        f"The disk of {what} ({path}) has {free} free, {percent}% of it.",
        "Delete old backups and logs, or make the disk larger.",
    )


# The site


def site_silent(url: str, error: str) -> Text:
    return (
        f"{url} does not answer ({error}).",
        "Start the web server and the proxy, and check the DNS record.",
    )


def site_answers_wrongly(url: str, status: int) -> Text:
    return (
        f"{url} answers with the status {status} instead of this site.",
        "Check that the proxy passes requests to this installation, with the same SECRET_KEY.",
    )


def host_refused(host: str) -> Text:
    return (
        f"The site does not know the host name that reaches it; it is {host} outside.",
        "Have the proxy set the Host header of the client (proxy_set_header Host $host).",
    )


def certificate_refused(error: str) -> Text:
    return f"Browsers refuse the certificate of the site: {error}.", "Renew it, and reload the proxy."


def certificate_ends(days: int) -> Text:
    left = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    return (
        f"The certificate of the site is valid for only {left} more.",
        "Renew it (certbot renew), and reload the proxy.",
    )


PROXY_SCHEME: Text = (
    "The site does not see that requests come over HTTPS: sign-in redirects for ever.",
    "Have the proxy set X-Forwarded-Proto (proxy_set_header X-Forwarded-Proto $scheme).",
)
PROXY_NOT_TRUSTED: Text = (
    "A proxy writes X-Forwarded-For, and TRUSTED_PROXIES is 0: all users share one IP address and its limits.",
    "Set TRUSTED_PROXIES to the number of your proxies.",
)


def client_chooses_address(proxies: int) -> Text:
    return (
        f"Any client can choose its own IP address and so escape the limits: TRUSTED_PROXIES is {proxies}, and the"
        " proxy passes on what the client sent.",
        _FORWARDED_FOR,
    )


def addresses_missing(proxies: int, found: int) -> Text:
    return (
        f"TRUSTED_PROXIES is {proxies}, and X-Forwarded-For has {found} IP addresses: all users share the limits of the"
        " proxy’s.",
        _FORWARDED_FOR,
    )
