"""What people are told: notices in the page, letters by e-mail, and the jobs that make and send them.

Nothing of a patient is in any of it: a count and a link.
"""
