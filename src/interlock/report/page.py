"""The page: one self-contained file that asks nobody for anything and runs nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from interlock.report import cards, headline, heatmap, multiples
from interlock.report.facts import Report
from interlock.report.markup import Markup, data, el, join, raw
from interlock.settings import current
from interlock.words import minute


def page(report: Report) -> str:
    """The report as HTML."""
    style, script = _asset("style.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="generator", content=f"Interlock {report.version}"),
        el("title", f"{report.subject.name} · Interlock report"),
        raw("style", style),
    )
    facts = data("facts", heatmap.details(report, current().report_violations_max))
    body = el("body", _bar(), _main(report), _footer(report), facts, raw("script", script))
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _bar() -> Markup:
    links = (("map", "Map"), ("alerts", "Alerts"), ("columns", "Columns"))
    return el(
        "header",
        el("a", "Skip to the report", href="#top", class_="skip"),
        el("span", "Interlock", class_="brand"),
        el("nav", *(el("a", words, href=f"#{id_}") for id_, words in links), aria_label="Sections"),
        el(
            "button",
            "Dark",
            type="button",
            id="theme",
            class_="quiet",
            aria_label="Switch between light and dark",
        ),
        class_="bar-top",
    )


def _main(report: Report) -> Markup:
    parts = (headline.headline, heatmap.heatmap, cards.cards, multiples.multiples)
    return el("main", *(part(report) for part in parts))


def _footer(report: Report) -> Markup:
    ledger = report.subject.ledger
    made = f"Made {minute(report.made_at)} by Interlock {report.version}; it shows what was known then."
    root = (
        join([f"Ledger: {ledger[0]:,} entries, root ", el("code", ledger[1])]) if ledger else "No ledger yet."
    )
    return el("footer", el("p", made), el("p", root))
