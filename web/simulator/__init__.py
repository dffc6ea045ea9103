"""The payment provider's stand-in: a process and an origin of its own, as foreign to the site as the real one.

It has the provider's URLs, JSON and signatures, and a page to click instead of a card to charge. It shares no code
with `savings.payments`: what the two agree on is the provider's OpenAPI description, and the tests hold both to it.
"""
