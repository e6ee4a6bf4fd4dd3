"""Telling people by mail."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from socket import create_connection, socket

from mlops_cli.core.config_actions import EmailAction
from mlops_cli.errors import ExternalError
from mlops_cli.monitor.watch import words
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.deadline import Deadline, within
from mlops_cli.monitor.watch.secrets import reveal
from mlops_cli.monitor.watch.web import MOST_S

_SILENCE_S = 20
_FOR_GOOD = 500


@dataclass(frozen=True, slots=True)
class Email:
    """Sends a mail; see `Action`. What is resolved answers the mail that it ends."""

    settings: EmailAction
    root: Path
    slow: bool = False

    def wants(self, alert: Alert) -> bool:
        """Return whether it is told of such an alert."""
        return self.settings.resolved or alert.state != "resolved"

    def plan(self, alert: Alert) -> str:
        """Return what `run` would do."""
        return f"mail it to {', '.join(self.settings.email)}"

    def run(self, alert: Alert) -> Outcome:
        """Send it."""
        to, host = ", ".join(self.settings.email), self.settings.host
        try:
            refused = self._send(_message(alert, self.settings))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Outcome(
                done=False, said=f"{host} takes no mail to {to}", again=min(codes) < _FOR_GOOD
            )
        except smtplib.SMTPResponseException as error:
            again = error.smtp_code < _FOR_GOOD
            return Outcome(done=False, said=f"{host} answered {error.smtp_code}", again=again)
        except (smtplib.SMTPException, ssl.SSLError) as error:
            why = type(error).__name__.removeprefix("SMTP")
            return Outcome(done=False, said=f"{host} took no mail: {why}", again=True)
        if refused:
            said = f"{host} takes no mail to {', '.join(refused)}; the others have it"
            return Outcome(done=False, said=said)
        return Outcome(done=True, said=f"mailed to {to}")

    def _send(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Send a message, and return who was refused."""
        with within(MOST_S) as deadline:
            try:
                return self._said(message, deadline)
            except (OSError, smtplib.SMTPException) as error:
                if not deadline.passed:
                    raise
                late = f"'{self.settings.host}' took no mail within {MOST_S:g} s"
                raise ExternalError(late) from error

    def _said(self, message: EmailMessage, deadline: Deadline) -> dict[str, tuple[int, bytes]]:
        settings = self.settings
        with _server(settings, deadline) as server:
            if settings.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user is not None and settings.password is not None:
                server.login(settings.user, reveal(settings.password, self.root))
            return server.send_message(message)


def _server(settings: EmailAction, deadline: Deadline) -> smtplib.SMTP:
    """Return a connection that the deadline cuts."""

    class Plain(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket:
            made = create_connection((host, port), timeout)
            deadline.watch(made)
            return made

    class Secure(smtplib.SMTP_SSL):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket:
            made = create_connection((host, port), timeout)
            deadline.watch(made)
            return self.context.wrap_socket(made, server_hostname=host)

    if settings.tls == "tls":
        context = ssl.create_default_context()
        return Secure(settings.host, settings.port, timeout=_SILENCE_S, context=context)
    return Plain(settings.host, settings.port, timeout=_SILENCE_S)


def _message(alert: Alert, settings: EmailAction) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"[mlo] {words.headline(alert)}"
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.email)
    domain = settings.sender.rpartition("@")[2]
    first = f"<{alert.id}@{domain}>"
    if alert.state == "resolved" or alert.again:
        message["In-Reply-To"] = message["References"] = first
        digits = "".join(filter(str.isdigit, alert.time))
        message["Message-ID"] = f"<{alert.id}.{digits}@{domain}>"
    else:
        message["Message-ID"] = first
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.body(alert).encode("utf-8", "replace").decode())
    return message
