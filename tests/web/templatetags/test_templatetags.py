"""Template tags: icons that cannot be misspelt, money as the look writes it, the navigation."""

import re

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import RequestFactory

from savings.models import Product, User
from savings.models.plans import EarlyExit
from web.pages import plans as plan_pages
from web.templatetags.icons import ICONS


def rendered(source: str, **context: object) -> str:
    return Template("{% load drawings icons money shell %}" + source).render(Context(context))


def test_an_icon_is_drawn_by_a_name_in_the_template_or_in_a_variable() -> None:
    assert rendered("{% icon 'plus' %}") == rendered("{% icon name %}", name="plus") == ICONS["plus"]


def test_an_icon_is_hidden_from_screen_readers_and_carries_no_style() -> None:
    for drawn in ICONS.values():
        assert 'aria-hidden="true"' in drawn
        assert "style" not in drawn


@pytest.mark.parametrize("source", ["{% icon 'pluss' %}", "{% icon %}", "{% icon 'a' 'b' %}"])
def test_a_misspelt_icon_is_an_error_before_any_page_is_made(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Template("{% load icons %}" + source)


def test_every_kind_of_product_has_an_icon() -> None:
    assert {plan_pages.icon(kind, EarlyExit.FREE) for kind in Product.Kind} <= set(ICONS)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ kobo|naira }}", "₦1,250,400.50"),
        ("{{ kobo|figure }}", "₦1,250,400<small>.50</small>"),
        ("{{ kobo|signed }}", "+\u202f₦1,250,400.50"),
        ("{{ kobo|whole }}", "₦1,250,400"),
        ("{{ minus|whole }}", "−\u202f₦1,250,400"),
        ("{{ bps|percent }}", "13.5%"),
    ],
)
def test_money_is_written_as_the_look_has_it(source: str, text: str) -> None:
    assert rendered(source, kobo=125_040_050, minus=-125_040_050, bps=1350) == text


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/plans/", "/plans/"),
        ("/plans/3/top-up/", "/plans/"),
        ("/transactions/TOP01/", "/transactions/"),
        ("/profile/", None),
        ("/", None),
        ('/"><script>/', None),
    ],
)
def test_the_navigation_marks_where_one_is(path: str, current: str | None) -> None:
    shown = rendered("{% navigation %}", request=RequestFactory().get(path))
    assert shown.count("aria-current") == (1 if current else 0)
    if current:
        assert f'href="{current}" aria-current="page"' in shown


def test_a_page_may_name_the_link_that_it_belongs_to() -> None:
    shown = rendered('{% navigation "plans:index" %}', request=RequestFactory().get("/auto-save/"))
    assert re.findall(r'href="([^"]+)" aria-current="page"', shown) == ["/plans/"]


@pytest.mark.parametrize(("path", "is_marked"), [("/profile/", True), ("/cards/", True), ("/plans/", False)])
def test_the_account_menu_is_marked_on_the_pages_that_only_it_leads_to(path: str, *, is_marked: bool) -> None:
    shown = rendered("{% account_state %}", request=RequestFactory().get(path))
    assert (shown == ' aria-current="true"') is is_marked


def test_a_phones_bar_has_five_places_and_the_menu_the_rest() -> None:
    shown = rendered("{% navigation %}", request=RequestFactory().get("/"))
    places = re.findall(r'<li( class="wide")?><a href="([^"]+)"', shown)
    assert len([path for wide, path in places if not wide]) <= 5
    menu = render_to_string("_account_menu.html", {"user": User(name="Ada")})
    for path in (path for wide, path in places if wide):
        assert f'href="{path}"' in menu


def test_a_notice_has_its_text_its_note_and_its_tone() -> None:
    saved = rendered("{% toast m %}", m=Message(constants.SUCCESS, "₦500.00 saved\nRent <2027>"))
    assert "<strong>₦500.00 saved</strong>" in saved
    assert '<span class="sub">Rent &lt;2027&gt;</span>' in saved
    assert "toast bad" not in saved
    assert "toast bad" in rendered("{% toast m %}", m=Message(constants.ERROR, "Declined"))


def test_a_notice_says_what_it_is_about_and_an_error_is_an_alert() -> None:
    message = Message(constants.SUCCESS, "Ready", extra_tags="statement-7")
    assert 'data-about="statement-7"' in rendered("{% toast m %}", m=message)
    assert "alert" not in rendered("{% toast m %}", m=message).partition("<svg")[0]
    failed = rendered("{% toast m %}", m=Message(constants.ERROR, "Declined"))
    assert 'role="alert"' in failed
    assert "data-about" not in failed


def test_a_cowrie_is_gold_only_where_something_is_reached() -> None:
    assert 'class="shell on"' in rendered("{% cowrie yes %}", yes=True)
    assert 'class="shell"' in rendered("{% cowrie no %}", no=False)
