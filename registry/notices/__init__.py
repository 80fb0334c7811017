"""What people are told: notices in the page, letters by e-mail, and the jobs that make and send them.

Nothing of a patient is in any of it: a count and a link.
"""

from registry.notices.mailing import digest
from registry.notices.retention import forget
from registry.notices.sending import send_waiting
from registry.notices.telling import tell

__all__ = ["digest", "forget", "send_waiting", "tell"]
