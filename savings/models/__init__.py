"""The database tables, one module per feature."""

from savings.models.accounts import Account
from savings.models.audit import AuditRow, StaffExport
from savings.models.autosave import AutosaveRule, AutosaveRun
from savings.models.calendar import CalendarFeed
from savings.models.cards import SavedCard
from savings.models.cases import Case, StaffNote
from savings.models.circles import Circle, CircleEvent, Membership
from savings.models.figures import LedgerProof, MoneyDay
from savings.models.installation import Installation
from savings.models.interest import ForfeitedInterest, InterestPosting, RatePeriod, TaxRate
from savings.models.jobs import BalanceDay, JobRun
from savings.models.leaderboards import BoardDay, DigestLine, ToldPlaces
from savings.models.ledger import Entry, Transaction
from savings.models.notices import Notice
from savings.models.outbox import OutboxRow
from savings.models.payments import Dispute, Payment, Refund, Settlement, WebhookEvent
from savings.models.payouts import Payout, Recipient
from savings.models.plans import Plan, Product, ProductRate
from savings.models.postponements import Postponement
from savings.models.staff_requests import ProductChange, StaffRequest
from savings.models.statements import Statement, StatementSubscription
from savings.models.treasury import ClosedMonth, CoverageDay, ManualPosting
from savings.models.users import Device, EmailChange, UsedTotpStep, User

__all__ = [
    "Account",
    "AuditRow",
    "AutosaveRule",
    "AutosaveRun",
    "BalanceDay",
    "BoardDay",
    "CalendarFeed",
    "Case",
    "Circle",
    "CircleEvent",
    "ClosedMonth",
    "CoverageDay",
    "Device",
    "DigestLine",
    "Dispute",
    "EmailChange",
    "Entry",
    "ForfeitedInterest",
    "Installation",
    "InterestPosting",
    "JobRun",
    "LedgerProof",
    "ManualPosting",
    "Membership",
    "MoneyDay",
    "Notice",
    "OutboxRow",
    "Payment",
    "Payout",
    "Plan",
    "Postponement",
    "Product",
    "ProductChange",
    "ProductRate",
    "RatePeriod",
    "Recipient",
    "Refund",
    "SavedCard",
    "Settlement",
    "StaffExport",
    "StaffNote",
    "StaffRequest",
    "Statement",
    "StatementSubscription",
    "TaxRate",
    "ToldPlaces",
    "Transaction",
    "UsedTotpStep",
    "User",
    "WebhookEvent",
]
