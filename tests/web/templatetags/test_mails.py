"""Parts of HTML mails: what they print is escaped once, and only the last fact has a line below it."""

from __future__ import annotations

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
