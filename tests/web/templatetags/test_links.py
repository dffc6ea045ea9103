"""The tag `to` writes the URL that Django's `url` would, resolved when the template is compiled."""

from __future__ import annotations

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.template.base import TextNode
from django.urls import NoReverseMatch, reverse


def compiled(source: str) -> Template:
    return Template("{% load links %}" + source)


def rendered(source: str, **context: object) -> str:
    return compiled(source).render(Context(context))


@pytest.mark.parametrize("name", ["landing:home", "plans:index", "account_login", "admin:index"])
def test_a_link_without_arguments_is_text_in_the_compiled_template(name: str) -> None:
    nodes = compiled(f'{{% to "{name}" %}}').nodelist
    assert [node.s for node in nodes if isinstance(node, TextNode)] == [reverse(name)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("plans:top_up", [7]),
        ("plans:top_up", ["7"]),
        ("circles:detail", ["lagos-2027"]),
        ("circles:remove", ["lagos", 12]),
        ("transactions:receipt", ["TOP01"]),
        ("transactions:receipt", ["a b?c#d%e\u1ecd\u0301"]),
        ("statements:verify", []),
        ("statements:verify", ["ABCD-EFGH"]),
        ("admin:savings_plan_change", [3]),
    ],
)
def test_a_link_is_the_url_that_django_reverses(name: str, values: list[object]) -> None:
    context = {f"v{number}": value for number, value in enumerate(values)}
    assert rendered(f'{{% to "{name}" {" ".join(context)} %}}', **context) == reverse(name, args=values)


def test_values_are_escaped_for_html_and_as_they_are_in_plain_text() -> None:
    source = '{% to "transactions:receipt" value %}'
    assert (
        rendered(f'<a href="{source}">', value="\"><'&") == '<a href="/transactions/%22%3E%3C&#x27;&amp;/">'
    )
    assert (
        rendered("{% autoescape off %}" + source + "{% endautoescape %}", value="'&") == "/transactions/'&/"
    )


def test_a_link_takes_filters_and_literal_values() -> None:
    assert rendered('{% to "circles:detail" name|slugify %}', name="Lagos 2027") == "/circles/lagos-2027/"
    assert rendered('{% to "plans:detail" 12 %}') == "/plans/12/"


def test_a_query_string_and_the_address_of_the_site_stand_beside_the_tag() -> None:
    source = '{{ site_url }}{% to "plans:top_up" pk %}?from=stash'
    assert (
        rendered(source, site_url="https://asusu.test", pk=3)
        == "https://asusu.test/plans/3/top-up/?from=stash"
    )


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ('{% to "circles:members" slug as link %}[{{ link }}]', "[/circles/lagos/members/]"),
        ('{% to "circles:index" as link %}[{{ link }}]', "[/circles/]"),
        ('{% to "transactions:receipt" "a&b" as link %}[{{ link }}]', "[/transactions/a&amp;b/]"),
    ],
)
def test_a_link_can_be_named(source: str, url: str) -> None:
    assert rendered(source, slug="lagos") == url


@pytest.mark.parametrize(
    "source",
    [
        '{% to "plans:topup" plan.pk %}',
        '{% to "plan:index" %}',
        '{% to "plans:top_up" %}',
        '{% to "plans:top_up" plan.pk "more" %}',
        '{% to "plans:topup" plan.pk as link %}',
    ],
)
def test_an_unknown_name_is_an_error_before_any_page_is_made(source: str) -> None:
    with pytest.raises(NoReverseMatch):
        compiled(source)


@pytest.mark.parametrize("source", ["{% to %}", "{% to name %}", "{% to as link %}"])
def test_a_name_is_needed_and_stands_in_quotes(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compiled(source)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("plans:detail", value) for value in ("", None, "x", -1)),
        ("circles:detail", "two words"),
        ("transactions:receipt", "a/b"),
        ("transactions:receipt", ""),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(name: str, value: object) -> None:
    with pytest.raises(NoReverseMatch):
        rendered(f'{{% to "{name}" value %}}', value=value)


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(NoReverseMatch):
        rendered('{% to "plans:detail" nothing.pk %}')
