"""Form parts: amounts as people write them, idempotent references, and visible errors."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.forms.utils import ErrorList

from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import User
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.fields import DayInput, MoneyField, OnceForm, Renderer, Segments, Switch
from web.forms.refusals import RefusableForm

ADA, BOLA = User(pk=1, name="Ada"), User(pk=2, name="Bola")


class SampleForm(OnceForm):
    name = forms.CharField(help_text="What it is for.")
    amount = MoneyField(min_kobo=100_00, max_kobo=10_000_000_00)
    note = forms.CharField(required=False)
    often = forms.ChoiceField(choices=[("d", "Daily"), ("w", "Weekly")], widget=Segments)
    loud = forms.BooleanField(required=False, widget=Switch)
    day = forms.DateField(widget=DayInput)


def sample(user: User = ADA, prefix: str = "TOP", **data: str) -> SampleForm:
    return SampleForm(data or None, user=user, prefix=prefix)


def amount_errors(typed: str, **limits: int) -> ErrorList:
    class AmountForm(forms.Form):
        amount = MoneyField(**limits)

    return AmountForm({"amount": typed}).errors.get("amount", ErrorList())


@pytest.mark.parametrize(
    ("typed", "kobo"),
    [
        ("25000", 25_000_00),
        ("₦1,000", 1_000_00),
        (" 20 000.5 ", 20_000_50),
        ("１２３４", 1_234_00),
        ("0100", 100_00),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, kobo: int) -> None:
    assert MoneyField().clean(typed) == kobo


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter an amount."),
        ("   ", "Enter an amount."),
        ("0", "Enter an amount above zero."),
        ("0.00", "Enter an amount above zero."),
        ("-500", "Enter an amount above zero."),
        ("1e9", "Enter an amount in figures, such as 25,000 or 1,250.50."),
        ("12.345", "Enter at most two digits after the point: the smallest amount is one kobo."),
        ("9" * 30, "That amount is too large. Enter up to ₦1,000,000,000."),
        ("12\x0034", "Enter an amount in figures, such as 25,000 or 1,250.50."),
        ("<b>5</b>", "Enter an amount in figures, such as 25,000 or 1,250.50."),
    ],
)
def test_an_amount_that_is_none_is_refused_kindly(typed: str, sentence: str) -> None:
    assert amount_errors(typed) == [sentence]


def test_limits_are_named_with_their_sums() -> None:
    limits = {"min_kobo": 100_00, "max_kobo": 5_000_00}
    assert amount_errors("99.99", **limits) == ["Enter at least ₦100."]
    assert amount_errors("5000.01", **limits) == ["That amount is too large. Enter up to ₦5,000."]
    assert amount_errors("100", **limits) == amount_errors("5,000", **limits) == []


def test_no_amount_may_be_past_what_a_plan_can_hold() -> None:
    assert amount_errors("99,999,999,999,999,999") == [
        "That amount is too large. Enter up to ₦1,000,000,000."
    ]


def test_an_optional_amount_left_empty_is_none() -> None:
    assert MoneyField(required=False).clean("") is None


def test_the_typed_text_is_shown_again() -> None:
    shown = str(sample(amount="1e9")["amount"])
    assert 'value="1e9"' in shown
    assert 'aria-invalid="true"' in shown
    assert 'aria-describedby="id_amount_error"' in shown


def test_an_initial_amount_is_shown_in_naira() -> None:
    form = SampleForm(user=ADA, prefix="TOP", initial={"amount": 25_000_00})
    assert 'value="25,000"' in str(form["amount"])


def test_a_reference_comes_back_as_it_was_minted() -> None:
    shown = sample()["reference"].value()
    form = sample(reference=shown)
    form.full_clean()
    assert form.cleaned_data["reference"] == shown.partition(":")[0]
    assert len(form.cleaned_data["reference"]) == 20


@pytest.mark.parametrize("other", [sample(user=BOLA), sample(prefix="STD")])
def test_a_reference_of_another_person_or_kind_is_refused_and_replaced(other: SampleForm) -> None:
    foreign = other["reference"].value()
    form = sample(reference=foreign)
    assert form.errors["reference"] == [
        "This page expired. Nothing was changed. Check it, then send it again."
    ]
    assert form["reference"].value() != foreign


@pytest.mark.parametrize("forged", ["", "TOP01M85MW6EM6C1D15Q", "TOP01M85MW6EM6C1D15Q:x", "x" * 5000])
def test_a_forged_reference_is_refused(forged: str) -> None:
    assert "reference" in sample(reference=forged, name="Rent").errors


def test_an_invalid_form_keeps_its_reference() -> None:
    shown = sample()["reference"].value()
    form = sample(reference=shown, amount="")
    assert not form.is_valid()
    assert form["reference"].value() == shown


def test_a_reference_that_stands_for_something_else_is_renewed() -> None:
    shown = sample()["reference"].value()
    form = sample(reference=shown)
    form.refuse(ReferenceTaken("This was already sent."))
    assert form["reference"].value() != shown
    assert form.non_field_errors() == ["This was already sent."]


def test_a_refusal_stands_beside_its_field() -> None:
    form = sample(amount="500")
    form.refuse(NotEnoughMoney())
    assert form.errors["amount"] == ["There is not enough money there."]


def test_a_refusal_about_a_field_that_is_not_there_stands_above() -> None:
    class NameForm(RefusableForm):
        name = forms.CharField()

    form = NameForm({"name": "Rent"})
    form.refuse(BadAmount("Enter an amount."))
    form.refuse(Refused("Not today."))
    assert form.non_field_errors() == ["Enter an amount.", "Not today."]


def test_each_reference_is_new() -> None:
    assert sample()["reference"].value() != sample()["reference"].value()
    assert set(REFERENCE_PREFIXES.values()) >= {"TOP"}


def test_the_summary_links_to_every_field_that_needs_fixing() -> None:
    page = str(sample(name=""))
    assert 'role="alert"' in page
    assert '<a href="#id_amount">Amount: Enter an amount.</a>' in page
    # The error link of a group of choices leads to the group, whose id is on the enclosing element.
    assert '<a href="#id_often">' in page
    assert 'id="id_often"' in page
    # The errors of a hidden field have no other place.
    assert "This page expired." in page


def test_a_fresh_form_has_no_summary() -> None:
    assert 'role="alert"' not in str(sample())


def test_each_control_has_its_look_and_its_label() -> None:
    page = " ".join(str(sample()).split())
    assert '<label for="id_name">Name</label> <input type="text" name="name"' in page
    assert 'aria-describedby="id_name_helptext" class="input" id="id_name"' in page
    assert '<div class="input"><span aria-hidden="true">₦</span><input type="text" name="amount"' in page
    assert (
        '<span class="optional">optional</span></label> <input type="text" name="note" class="input"' in page
    )
    assert '<label class="check" for="id_loud"><input type="checkbox"' in page
    assert '<input type="date" name="day"' in page


def test_choices_are_a_group_with_a_legend() -> None:
    page = str(sample())
    assert page.count("<fieldset") == page.count("</fieldset>") == 1
    assert "<legend>Often</legend>" in page


def test_a_select_is_drawn_as_django_draws_it() -> None:
    choices = [("", "Any"), ("Mine", [(1, "A < b"), (2, "Ọ̀wọ̀")]), (True, "Yes"), (1.5, "1½")]
    widget = forms.Select({"multiple": True, "data-x": '"'}, choices=choices)
    context = widget.get_context("plan", ["1", "1.5"], {"id": "id_plan"})
    options = [option for _, group, _ in context["widget"]["optgroups"] for option in group]
    options[0]["attrs"] |= {"disabled": True, "data-sum": "<1>", "hidden": False}
    ours, django = (
        renderer().render(widget.template_name, context) for renderer in (Renderer, DjangoTemplates)
    )
    assert ours.split() == django.split()
    assert 'disabled data-sum="&lt;1&gt;">Any' in ours


def test_a_class_of_the_widget_is_kept() -> None:
    class CodeForm(forms.Form):
        code = forms.CharField(widget=forms.TextInput(attrs={"class": "code"}))

    assert 'class="code input"' in str(CodeForm()["code"])
