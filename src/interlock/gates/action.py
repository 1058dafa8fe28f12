"""What a trigger does: notify, post, run a command, call a function; and the words it says."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.alerts import budget
from interlock.alerts.feedback import lasted
from interlock.constraints.table_contract import Trigger
from interlock.errors import ExtraMissing, TriggerFailed
from interlock.gates.verdict import Verdict
from interlock.settings import current
from interlock.words import count


@dataclass(frozen=True, slots=True)
class Hook(Trigger):
    """A trigger given in Python: calls ``call(verdict)``."""

    call: Callable[[Verdict], object] | None = None


def act(trigger: Trigger, document: Mapping[str, Any], verdict: Verdict | None) -> None:
    target = trigger.target
    if isinstance(target, tuple):
        _run(target, document, trigger.timeout_s or current().trigger_timeout_s)
    elif isinstance(trigger, Hook) and trigger.call is not None:
        if verdict is not None:
            trigger.call(verdict)
    elif isinstance(target, str) and trigger.action == "webhook":
        _post(os.path.expandvars(target), document, trigger.timeout_s or current().trigger_timeout_s)
    elif isinstance(target, str):
        _notify(os.path.expandvars(target), document)


def within(timeout_s: float, act: Callable[[], None]) -> None:
    """Run ``act``, but wait no longer than ``timeout_s``; its error is raised here."""
    failed: list[BaseException] = []

    def guarded() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    worker = threading.Thread(target=guarded, daemon=True, name="interlock-trigger")
    worker.start()
    worker.join(timeout_s)
    if worker.is_alive():
        raise TriggerFailed(f"not done within {timeout_s:g} s")
    if failed:
        raise TriggerFailed(str(failed[0]) or type(failed[0]).__name__) from failed[0]


def _notify(address: str, document: Mapping[str, Any]) -> None:
    try:
        import apprise
    except ImportError:
        raise ExtraMissing("notifications need Apprise", hint="pip install 'interlock[notify]'") from None
    sender = apprise.Apprise()
    if not sender.add(address):
        raise TriggerFailed("Apprise does not know this kind of address")
    if not sender.notify(title=title_of(document), body=body_of(document)):
        raise TriggerFailed("the notification was not delivered")


def _post(url: str, document: Mapping[str, Any], timeout_s: float) -> None:
    """The verdict as JSON, by HTTP POST; anything but 2xx is a failure. No error quotes the address."""
    if not url.startswith(("http://", "https://")):
        raise TriggerFailed("a webhook needs an http or https address")
    body, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers, method="POST"), timeout=timeout_s
        ):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise TriggerFailed(f"the server answered {error.code}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise TriggerFailed(f"not delivered: {getattr(error, 'reason', error)}") from None
    except (ValueError, http.client.HTTPException) as error:
        raise TriggerFailed(f"not delivered: {type(error).__name__}; is the address well formed?") from None


def _run(command: Sequence[str], document: Mapping[str, Any], timeout_s: float) -> None:
    """The verdict goes in as JSON on standard input; no shell is involved."""
    environment = {
        f"INTERLOCK_{k.upper()}": str(document.get(k, ""))
        for k in ("table", "partition", "outcome", "decision")
    }
    try:
        done = subprocess.run(
            list(command),
            input=json.dumps(document),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=os.environ | environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TriggerFailed(f"{command[0]} did not end within {timeout_s:g} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise TriggerFailed(f"{command[0]} ended with status {done.returncode}: {last}")


def title_of(document: Mapping[str, Any]) -> str:
    """``flights@2013-06-01 quarantined``; ``recovered`` or ``settled`` if that is all; its own where it has one."""
    if "title" in document:
        return str(document["title"])
    news, digest = document.get("news", ()), document.get("digest")
    if digest is not None:
        owner = f" of {digest['owner']}" if digest["owner"] else ""
        return f"{count(len(news), 'more alert')}{owner} in week {digest['week']}"
    if news and all(n["what"] == budget.RECOVERED for n in news):
        word = "settled" if all(n["state"] == "settled" for n in news) else "recovered"
        return f"{document.get('table')}@{document.get('partition')} {word}"
    return f"{document.get('table')}@{document.get('partition')} {document.get('decision')}"


def body_of(document: Mapping[str, Any]) -> str:
    """The alerts in words, each with the next command; the broken constraints where there are none."""
    if "body" in document:
        return str(document["body"])
    if document.get("news"):
        return "\n".join(_line(n) for n in document["news"])
    lines = []
    for alert in document.get("alerts", ()):
        lines.append(f"[{alert['severity']}] {alert['title']}")
        if alert.get("advice"):
            lines.append(f"  next: {alert['advice']}")
    if not lines:
        lines = [f"{v['constraint']}: {v['observed']}" for v in document.get("violations", ())]
    return "\n".join(lines) or f"outcome {document.get('outcome')}"


def _line(news: Mapping[str, Any]) -> str:
    times = count(news["seen"], "partition")
    about = f"{news['title']}\n  {news['id']}, in {times} since {news['first']}"
    if news["what"] == budget.RECOVERED and news["state"] == "settled":
        return f"[settled] {news['title']}\n  {news['id']} {lasted(news['seen'])} since {news['first']}"
    if news["what"] == budget.RECOVERED:
        return f"[recovered] {about}"
    word = {budget.GROWN: ", grown", budget.PAGE: ", a page now"}.get(news["what"], "")
    return f"[{news['severity']}{word}] {news['table']}: {about}; next: interlock alerts show {news['id']}"


def redacted(text: str, trigger: Trigger) -> str:
    """An error without the address it may quote."""
    if isinstance(trigger.target, str):
        for secret in (trigger.target, os.path.expandvars(trigger.target)):
            text = text.replace(secret, "…")
    return text
