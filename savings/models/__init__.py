"""The database tables, one module per feature."""

from savings.models.accounts import Account
from savings.models.circles import Circle, CircleEvent, Membership
from savings.models.installation import Installation
from savings.models.leaderboards import BoardDay, DigestLine, ToldPlaces
from savings.models.ledger import Entry, Transaction
from savings.models.outbox import OutboxRow
from savings.models.payments import Payment, WebhookEvent
from savings.models.plans import Plan, Product, ProductRate
from savings.models.postponements import Postponement
from savings.models.statements import Statement, StatementSubscription
from savings.models.users import Device, EmailChange, UsedTotpStep, User

__all__ = [
    "Account",
    "BoardDay",
    "Circle",
    "CircleEvent",
    "Device",
    "DigestLine",
    "EmailChange",
    "Entry",
    "Installation",
    "Membership",
    "OutboxRow",
    "Payment",
    "Plan",
    "Postponement",
    "Product",
    "ProductRate",
    "Statement",
    "StatementSubscription",
    "ToldPlaces",
    "Transaction",
    "UsedTotpStep",
    "User",
    "WebhookEvent",
]
