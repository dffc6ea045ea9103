"""The payment simulator: a separate process with its own origin that replaces the provider in development.

It has the provider's URLs, JSON and signatures, a page with buttons instead of a card to charge, and the money that it
collects: it takes fees, settles on working days, gives refunds and lost disputes back, and sends money to bank
accounts. It shares no code with `savings.payments`: both follow the provider's OpenAPI description, and the tests check
both against it.
"""
