"""The exceptions of the business rules. Each `Refused` carries a sentence that a saver can read."""


class Refused(Exception):
    """A request that the rules do not allow. `str()` returns a sentence for the user."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        # The argument that the sentence is about, by its name in `savings`; None if it is about no single one.
        # A form of `web` maps it to its own field (web/forms/refusals.py).
        self.field = field


class BadAmount(Refused):
    """An invalid or out-of-range amount."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="amount_kobo")


class NotEnoughMoney(Refused):
    """A posting that would leave a customer's account below zero."""

    def __init__(self, message: str = "There is not enough money there.") -> None:
        super().__init__(message, field="amount_kobo")


class ReferenceTaken(Refused):
    """A reference that already belongs to something else: another transaction, plan or circle."""


class QuoteOutdated(Refused):
    """A quote that is not valid, or not any more. Nothing has moved; a new quote says what is."""


SENT_OTHERWISE = "This was already sent with other details. Check them and send it again."


class ProviderUnavailable(Exception):
    """The outcome of a call to the payment provider is unknown.

    Raised itself, and not a subclass, when the provider cannot be reached at all.
    """


class CallFailed(ProviderUnavailable):
    """The provider gave no usable answer: a 5xx status, a timeout, a truncated body. Other calls may work."""


class UnclearAnswer(ProviderUnavailable):
    """The provider's answer contradicts its own documentation. This concerns one payment only."""


class ProviderRefused(Exception):
    """The payment provider refused the request. `code` is its reason, empty if it gives none."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ForgedEvent(Exception):
    """A webhook event without a valid signature of the provider."""


class MalformedEvent(Exception):
    """A webhook body that is too long or is not an event."""


class TooManyRows(Refused):
    """A statement with more rows than its format can hold. Another format or a shorter period works."""


class FileNotMade(Exception):
    """A statement's file could not be written this time, although the request is valid. A retry may work."""


class CheckpointLost(Exception):
    """The partly written file of a statement is missing or shorter than its checkpoint: writing starts again."""
