"""Telling people by mail."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from mlops_cli.core.config_actions import EmailAction
from mlops_cli.monitor.watch import words
from mlops_cli.monitor.watch.actions import Outcome
from mlops_cli.monitor.watch.alerts import Alert
from mlops_cli.monitor.watch.secrets import reveal

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
        settings = self.settings
        if settings.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                timeout=_SILENCE_S,
                context=ssl.create_default_context(),
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=_SILENCE_S)
        with server:
            if settings.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user is not None and settings.password is not None:
                server.login(settings.user, reveal(settings.password, self.root))
            return server.send_message(message)


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
