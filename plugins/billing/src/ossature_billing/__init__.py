"""The calculation and the rules of documents: what an invoice or a credit note says, in the terms of EN 16931.

`documents` is the data, `calculation` its amounts, `rules` what is wrong with it, `freezing` and `xml` its bytes; `tax`
says which tax applies, `terms` when it is due, `numbers` how it is numbered, `conversion` and `credit_notes` what is
made of it, `statuses` where it stands.

Functions without a database or a screen of their own. There is no entry point: nothing is offered to users yet.
"""
