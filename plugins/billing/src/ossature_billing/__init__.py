"""The calculation and the rules of documents: what an invoice or a credit note says, in the terms of EN 16931.

Functions without a database or a screen of their own. There is no entry point: nothing is offered to users yet.
"""
