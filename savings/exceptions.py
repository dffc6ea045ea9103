"""What can be refused, each with a sentence that a saver can read."""


class Refused(Exception):
    """A request that the rules do not allow. `str()` of it is a sentence for the person who asked."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        # The form field the sentence belongs beside; None for the form as a whole.
        self.field = field


class BadAmount(Refused):
    """An amount that is not one, or is outside the limits."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="amount")


class NotEnoughMoney(Refused):
    """A posting that would leave a customer's account below zero."""

    def __init__(self, message: str = "There is not enough money there.") -> None:
        super().__init__(message, field="amount")


class ReferenceTaken(Refused):
    """A reference that already stands for something else: another movement, plan or circle."""


SENT_OTHERWISE = "This was already sent with other details. Check them and send it again."


class ProviderUnavailable(Exception):
    """The outcome of a call to the payment provider is unknown. As itself: the provider cannot be reached at all."""


class CallFailed(ProviderUnavailable):
    """The provider was reached and gave no usable answer: a 5xx, a timeout, a body cut short. Other calls may work."""


class UnclearAnswer(ProviderUnavailable):
    """The provider answered, and the answer contradicts its own description. This concerns one payment only."""


class ProviderRefused(Exception):
    """The payment provider answered, and the answer is no. `code` is its reason, where it gives one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ForgedEvent(Exception):
    """A webhook event that does not carry the provider's signature."""


class MalformedEvent(Exception):
    """A webhook body that is too long, or is not an event."""


class TooManyRows(Refused):
    """A statement of more rows than its format holds. Another format or a shorter period will do."""


class FileNotMade(Exception):
    """A statement's file could not be made this time, though nothing is wrong with what was asked for."""


class CheckpointLost(Exception):
    """What was written of a statement is gone, or shorter than its checkpoint: it has to be begun again."""
