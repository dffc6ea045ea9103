"""`{% cache %}` for fragments: Django's own tag, which refuses a key part that is not there.

With a part that is missing, None or empty, one person's fragment would be everybody's.
"""

from __future__ import annotations

from django import template
from django.template import TemplateSyntaxError
from django.template.base import Parser, Token
from django.template.context import Context
from django.templatetags.cache import CacheNode, do_cache

register = template.Library()


class StrictCacheNode(CacheNode):
    """Django's, after a look at the parts of its key."""

    def render(self, context: Context) -> str:
        for part in self.vary_on:
            if part.resolve(context, ignore_failures=True) in (None, ""):
                raise TemplateSyntaxError(f"{part.token} is nothing, and cannot be part of a fragment's key.")
        return super().render(context)


@register.tag
def cache(parser: Parser, token: Token) -> template.Node:
    """Keep a fragment: `{% cache seconds name owner version … %}`, in the cache `template_fragments`."""
    node = do_cache(parser, token)
    node.__class__ = StrictCacheNode
    return node
