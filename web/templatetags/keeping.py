"""`{% cache %}` for fragments: Django's tag, with an error for an empty part of the key.

If the owner in the key were missing, None or empty, one user's fragment would be shown to all. A page that staff look
at as its saver sees it (`SaverRequest.is_seen_by_staff`) is rendered without the cache.
"""

from __future__ import annotations

from django import template
from django.template import TemplateSyntaxError
from django.template.base import Parser, Token
from django.template.context import Context
from django.templatetags.cache import CacheNode, do_cache

register = template.Library()


class StrictCacheNode(CacheNode):
    """Django's node, after checking that no part of the key is empty."""

    def render(self, context: Context) -> str:
        if getattr(context.get("request"), "is_seen_by_staff", False):
            return self.nodelist.render(context)
        for part in self.vary_on:
            if part.resolve(context, ignore_failures=True) in (None, ""):
                raise TemplateSyntaxError(f"{part.token} is nothing, and cannot be part of a fragment's key.")
        return super().render(context)


@register.tag
def cache(parser: Parser, token: Token) -> template.Node:
    """Cache a fragment: `{% cache seconds name owner version … %}`, in the cache `template_fragments`."""
    node = do_cache(parser, token)
    node.__class__ = StrictCacheNode
    return node
