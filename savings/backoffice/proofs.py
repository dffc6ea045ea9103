"""Proofs of the books: every check of the ledger, run by the worker or by a command, with a stored result of each."""

from __future__ import annotations

import datetime
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, outbox, typed_text
from savings.backoffice import audit, messages
from savings.ledger import Damage
from savings.models import LedgerProof, OutboxRow, User
from savings.models.constraints import is_violation_of

PROOF_KIND = "ledger_proof"
# Checks of what is derived from the ledger, by name: what each demands, and a function that yields what is wrong. Only
# the worker runs them.
_others: dict[str, tuple[str, Callable[[], Iterable[str]]]] = {}
# The longest that one check may take before another worker starts again.
_MOST_SECONDS = 30 * 60
_FIRST_ROWS = 5
# More proofs than that are needed to find the last result of each check only if many stopped early.
_PROOFS = 20


def add_check(name: str, rule: str, find: Callable[[], Iterable[str]]) -> Callable[[], Iterable[str]]:
    """Add a check to the proofs of the worker, for a layer above this one: `find` yields what is wrong, in words."""
    _others[name] = (rule, find)
    return find


def other_rules() -> dict[str, str]:
    """Return what each added check demands, by its name."""
    return {name: rule for name, (rule, _) in _others.items()}


def check_names() -> list[str]:
    """Return the names of all checks of a proof by the worker, in the order in which they run."""
    return [*ledger.check_names(), *_others]


def begin_proof(command: str) -> LedgerProof:
    """Return a new proof for a command, which runs it by `prove`."""
    return LedgerProof.objects.create(command=command)


def prove(
    proof: LedgerProof,
    *,
    after_each: Callable[[], None] = lambda: None,
    with_others: bool = False,
    connections: int = 1,
) -> Iterator[Damage]:
    """Run all checks of the ledger, store the result of each in the proof, and yield what is wrong.

    `with_others` also runs the checks that `add_check` added; what they find is only stored. `connections` is that of
    `run_each_check`. The proof has ended when the iterator has. An error is stored in it and raised again.
    """
    proof.results, proof.wrong, proof.error = [], 0, ""
    began = time.monotonic()
    try:
        for name, damaged in ledger.run_each_check(connections=connections):
            began = _store(proof, name, [str(damage) for damage in damaged], began)
            yield from damaged
            after_each()
        for name, (_, find) in (_others if with_others else {}).items():
            began = _store(proof, name, list(itertools.islice(find(), _FIRST_ROWS)), began)
            after_each()
    except Exception as error:
        proof.error = typed_text.describe_error(error)[:300]
        proof.save(update_fields=["error"])
        raise
    proof.ended_at = timezone.now()
    proof.save(update_fields=["ended_at"])


def _store(proof: LedgerProof, name: str, wrong: list[str], began: float) -> float:
    """Add the result of a check that began at a time, and return the time at which the next one begins."""
    seconds = time.monotonic() - began
    at = timezone.now().isoformat()
    proof.results.append({"check": name, "at": at, "seconds": f"{seconds:.1f}", "wrong": wrong})
    proof.wrong += len(wrong)
    proof.save(update_fields=["results", "wrong", "error"])
    return time.monotonic()


def ask_for_proof(by: User) -> LedgerProof:
    """Have the worker prove the books, and return the proof; the one that is running already, if there is one."""
    _end_abandoned()
    try:
        with atomic():
            proof = LedgerProof.objects.create(command=LedgerProof.PAGE, asked_by=by)
            outbox.add(PROOF_KIND, dedupe_key=_dedupe_key(proof), payload={"proof": proof.pk})
            audit.record(audit.Verb.PROVED, by=by, subject=f"proof:{proof.pk}")
    except IntegrityError as error:
        if not is_violation_of(error, "proof_one_at_a_time"):
            raise
        return LedgerProof.objects.get(command=LedgerProof.PAGE, ended_at=None)
    return proof


def prove_from_outbox(row: OutboxRow) -> dict[str, object]:
    """Run the proof that a row of the outbox asks for. Another try starts again."""
    proof = LedgerProof.objects.filter(pk=row.payload["proof"], ended_at=None).first()
    if proof is not None:
        outbox.renew(row, _MOST_SECONDS)
        for _ in prove(proof, after_each=lambda: outbox.renew(row, _MOST_SECONDS), with_others=True):
            pass
    return {}


def latest_results(proofs: list[LedgerProof]) -> dict[str, tuple[LedgerProof, dict[str, Any]]]:
    """Return the newest result of each check, with its proof. `proofs` are the newest first."""
    found: dict[str, tuple[LedgerProof, dict[str, Any]]] = {}
    for proof in proofs:
        for result in proof.results:
            found.setdefault(result["check"], (proof, result))
    return found


class Tally(NamedTuple):
    """How many checks were right and wrong when they last ran, and how many never ran."""

    right: int
    wrong: int
    never: int


def tally(proofs: list[LedgerProof]) -> Tally:
    """Return how the checks of a proof by the worker last came out. `proofs` are the newest first."""
    results = latest_results(proofs)
    ran = [results[name][1] for name in check_names() if name in results]
    wrong = sum(bool(result["wrong"]) for result in ran)
    return Tally(len(ran) - wrong, wrong, len(check_names()) - len(ran))


def newest_proofs() -> list[LedgerProof]:
    """Return the newest proofs, which have the last result of each check unless many stopped early. One query."""
    return list(LedgerProof.objects.select_related("asked_by").order_by("-pk")[:_PROOFS])


def _end_abandoned() -> None:
    """End a proof whose row was given up, or deleted."""
    running = LedgerProof.objects.filter(command=LedgerProof.PAGE, ended_at=None)
    for proof in running.filter(began_at__lt=timezone.now() - datetime.timedelta(seconds=1)):
        if not OutboxRow.objects.filter(dedupe_key=_dedupe_key(proof), due_at__isnull=False).exists():
            error = proof.error or messages.PROOF_ABANDONED
            LedgerProof.objects.filter(pk=proof.pk, ended_at=None).update(
                ended_at=timezone.now(), error=error
            )


def _dedupe_key(proof: LedgerProof) -> str:
    return f"{PROOF_KIND}:{proof.pk}"
