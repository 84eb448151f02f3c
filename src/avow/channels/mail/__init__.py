"""Mails: what the system sent, read from where the embedded mail server puts it."""

from avow.channels.mail.maildir import MailChannel

__all__ = ["MailChannel"]
