"""Parts of HTML mails: what they print is escaped once, and only the last fact has a line below it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.template import Context, Template


def rendered(source: str, **context: object) -> str:
    return " ".join(Template("{% load mails %}" + source).render(Context(context)).split())


def test_the_value_of_a_fact_is_escaped_and_its_markup_is_kept() -> None:
    html = rendered(
        "{% facts %}{% fact 'Plan' %}<bdi>{{ name }}</bdi>{% endfact %}{% endfacts %}", name="<Rent>"
    )
    assert ">Plan</td>" in html
    assert "<bdi>&lt;Rent&gt;</bdi></td>" in html
    assert html.endswith("</table>")


def test_only_the_last_fact_has_a_line_below_it() -> None:
    html = rendered("{% fact 'A' %}1{% endfact %}{% fact 'B' is_last=True %}2{% endfact %}")
    first, last = html.split("</tr>")[:2]
    assert ("border-bottom" in first, last.count("border-bottom")) == (False, 2)


def test_a_button_links_to_its_block() -> None:
    html = rendered(
        "{% button label %}{{ site }}/?a=1{% endbutton %}", site="https://s.example/'&", label="See <it>"
    )
    assert html.startswith('<a href="https://s.example/&#x27;&amp;/?a=1" style="')
    assert html.endswith(">See &lt;it&gt;</a>")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Change it: {site}/accounts/", '<a href="{site}/accounts/">Change it</a>'),
        ("<b>: {site}/?a=1&b=2", '<a href="{site}/?a=1&amp;b=2">&lt;b&gt;</a>'),
        # An address of somebody else is shown, so that its reader sees where it leads.
        (
            "Prize: https://evil.example/",
            'Prize: <a href="https://evil.example/" rel="nofollow">https://evil.example/</a>',
        ),
        (
            "Prize: {site}.evil.example/",
            'Prize: <a href="{site}.evil.example/" rel="nofollow">{site}.evil.example/</a>',
        ),
        ("<i>Hello</i>", "&lt;i&gt;Hello&lt;/i&gt;"),
    ],
)
def test_a_letter_names_the_addresses_of_this_site(line: str, shown: str) -> None:
    site = settings.SITE_URL
    assert rendered("{{ text|letter }}", text=line.replace("{site}", site)) == (
        f"<p>{shown.replace('{site}', site)}</p>"
    )


def test_a_letter_keeps_its_paragraphs_and_lines() -> None:
    assert rendered("{{ text|letter }}", text="A,\n\nB\nC") == "<p>A,</p> <p>B<br>C</p>"
