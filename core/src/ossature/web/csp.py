"""Security headers, on every response; a fresh nonce per request for the scripts we write ourselves.

No inline script and no style attribute exists in our pages, so the policy allows neither.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, has_request_context, request

_STATIC_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=31536000; includeSubDomains"


def csp_nonce() -> str:
    """The nonce of this request; the same each time it is asked for."""
    if not has_request_context():
        return ""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def allow_source(directive: str, *sources: str) -> None:
    """Widen one directive for this response only, for a page that shows something of another origin."""
    extra: dict[str, tuple[str, ...]] = g.setdefault("csp_extra", {})
    extra[directive] = (*extra.get(directive, ()), *sources)


def content_security_policy(nonce: str, extra: dict[str, tuple[str, ...]] | None = None, https: bool = False) -> str:
    directives: dict[str, tuple[str, ...]] = {
        "default-src": ("'self'",),
        "script-src": (f"'nonce-{nonce}'",),
        "style-src": ("'self'", f"'nonce-{nonce}'"),
        "img-src": ("'self'", "data:"),
        "font-src": ("'self'",),
        "connect-src": ("'self'",),
        "object-src": ("'none'",),
        "base-uri": ("'none'",),
        "form-action": ("'self'",),
        "frame-ancestors": ("'self'",),
    }
    for name, sources in (extra or {}).items():
        directives[name] = (*directives.get(name, ()), *sources)
    parts = [f"{name} {' '.join(sources)}" for name, sources in directives.items()]
    return "; ".join([*parts, "upgrade-insecure-requests"] if https else parts)


def add_security_headers(response: Response) -> Response:
    """Set what a view has not set itself. What is answered is for the caller, and never kept by shared caches; a page
    depends on the sort of request as well."""
    headers = response.headers
    for name, value in _STATIC_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "private, no-cache")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", HSTS)
    if response.mimetype == "text/html":
        headers.setdefault(
            "Content-Security-Policy", content_security_policy(csp_nonce(), g.get("csp_extra"), request.is_secure)
        )
        response.vary.add("HX-Request")
    else:
        headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    return response


def install_security_headers(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(add_security_headers)
