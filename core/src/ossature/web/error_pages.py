"""Words for refusals and failures: what happened, what to do; never a bare number."""

from __future__ import annotations

from ossature.i18n import translator
from ossature.web.models import ErrorPage

_, _l, _n = translator("ossature")

_WORDS = {
    400: (
        _l("This request could not be read"),
        _l("The address or the form sent to us is not one we understand."),
        _l("Go back, check what you entered and try again."),
    ),
    401: (
        _l("Please sign in"),
        _l("This page is for people who are signed in, and your session has ended or never began."),
        _l("Sign in and you will come back here."),
    ),
    403: (
        _l("You may not open this"),
        _l("Your role does not include the permission that this needs."),
        _l("If you need it for your work, ask an administrator of your organisation."),
    ),
    404: (
        _l("There is nothing here"),
        _l("The address is wrong, or what it led to has moved or is not shared with you."),
        _l("Check the address, or start again from the home page."),
    ),
    405: (
        _l("This address does not do that"),
        _l("The page exists, but not for the kind of request that was sent."),
        _l("Go back and use the buttons of the page."),
    ),
    409: (
        _l("Someone was here before you"),
        _l("It has changed since you opened it, so nothing was saved."),
        _l("Go back, reload the page and make your change again."),
    ),
    412: (
        _l("This was out of date"),
        _l("It has changed since you opened it, so nothing was saved."),
        _l("Reload the page and make your change again."),
    ),
    413: (
        _l("This is too large"),
        _l("What was sent is larger than we accept, and nothing of it was kept."),
        _l("Send a smaller file, or several of them."),
    ),
    415: (
        _l("This kind of file is not accepted"),
        _l("What was sent has a format that this page cannot use."),
        _l("Send it in one of the formats named on the page."),
    ),
    422: (
        _l("Some of this needs correcting"),
        _l("What was sent is incomplete or contradicts itself, so nothing was saved."),
        _l("Go back and correct what is marked."),
    ),
    429: (
        _l("That was a lot at once"),
        _l("More requests came than are allowed in a minute."),
        _l("Wait a minute and try again."),
    ),
    500: (
        _l("Something broke on our side"),
        _l("Nothing you did is wrong, and nothing was saved. The failure has been recorded."),
        _l("Try again. If it happens again, give your administrator the number below."),
    ),
    503: (
        _l("Not available just now"),
        _l("Something this page needs does not answer at the moment. Nothing was lost."),
        _l("Wait a moment and reload the page."),
    ),
}


def describe_error(status: int, request_id: str = "", subject: str = "", details: tuple[str, ...] = ()) -> ErrorPage:
    """The words for a status; `subject` says what it happened to, in the reader's language."""
    known = status if status in _WORDS else (500 if status >= 500 else 400)
    title, text, advice = _WORDS[known]
    return ErrorPage(status, str(title), subject or str(text), str(advice), request_id, details=details)
