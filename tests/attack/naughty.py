"""Texts and values that have hurt other services, a list of our own: what people paste, what attackers type, what programs get wrong."""

from typing import Final

MARK: Final = "QX7canaryZ9"
"""In those texts that would be a value of a patient."""

SCRIPTS: Final = (
    "<script>window.xss=1</script>",
    "<img src=x onerror=window.xss=1>",
    "<svg onload=window.xss=1>",
    '"><script>window.xss=1</script>',
    "'-(window.xss=1)-'",
    "</textarea><script>window.xss=1</script>",
    "</title><script>window.xss=1</script>",
    "javascript:window.xss=1",
    "{{ 7*7 }}{% raw %}${7*7}<%= 7*7 %>",
    '" autofocus onfocus=window.xss=1 x="',
    "<details open ontoggle=window.xss=1>",
    "<math><mtext></mtext><mglyph><style></math><img src onerror=window.xss=1>",
    "＜script＞window.xss=1＜/script＞",
    '<a href="javascript:window.xss=1">x</a>',
    '<iframe srcdoc="<script>parent.window.xss=1</script>">',
)
FORMULAS: Final = (
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1", "\u3000=1+1", "＝1+1", "＋1+1", "－1+1",
    "＠SUM(1)", "fine\n=1+1", "fine\r\n@x", "\u200b=1+1", "\ufeff=1+1", "'=1+1", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://x\")",
    "%0A=1+1", "|=1+1", ";=1+1", "\"=1+1", "\u2028=1+1", "\u202e=1+1",
)  # fmt: skip
SQL: Final = (
    "' or '1'='1", "'; drop table records.case_record; --", "1 or 1=1", "') union select 1,2,3 --", "%' --", "\\", "\\'", "$$", "$1",
    "%s", "%(a)s", ":tenant", "::int", "pg_sleep(9)", "'||(select 1)||'", "\x27", "_", "%",
)  # fmt: skip
NUMBERS: Final = (
    "0", "-0", "-1", "1.0", "1e400", "1e3", "NaN", "Infinity", "-Infinity", "2147483648", "-2147483649", "9223372036854775808",
    "9" * 400, "0x10", "1_000", "１２", "٣", "१", "½", "²", "1,5", "1.5", "+5", " 5 ", "5\u00a0", "00005", "None", "null", "undefined",
    "true", "[]", "{}",
)  # fmt: skip
DAYS: Final = (
    "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "20260101", "2026-W01-1", "2026-13-01", "01/02/2026",
    "2026-01-01T24:00:00", "2026-03-29T01:30", "now", "infinity", "-infinity", "today", "epoch", "1-1-1", "2025-02-29", "2026-1", "2026-01",
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\u00a0", "\u200b", "\ufeff", "\u202eevil", "\u2066x\u2069", "e\u0301", "\u00e9", "𝒳", "👩‍👩‍👧", "ﬃ", "İ", "ß", "ǅ", "\u2028x",
    "\u0085x", "a\tb", "a\nb", "a\r\nb", "a\rb", "\x0b", "\x1b[31m", "\x7f", "\x00", f"{MARK}\x00", "\ufffe", "\uffff", "\ufffd",
    "../../../etc/passwd", "..\\..\\x", "C:\\con", "/dev/null", "file:///etc/passwd", "http://127.0.0.1/", "//evil.example/x",
    "\\\\evil.example\\x", "x" * 70_000, f"{MARK} " * 200, "a|b|c", "|", "||", "a,b", "\"", "'", "`id`", "$(id)", "; id", "x; Set-Cookie: a=b",
    "${jndi:ldap://x}", "<!--", "]]>", "<?xml version='1.0'?>", "&lt;", "&#0;", "%00", "%2e%2e", "%ff", "\u0000\u0000", "constructor",
    "__proto__", "self.__class__", "COM1", "NUL", ".", "..", "-", "--", "-h", "#", "?", "&", "=", "+",
)  # fmt: skip
ALL: Final = (*SCRIPTS, *FORMULAS, *SQL, *NUMBERS, *DAYS, *TEXTS)

PATHS: Final = (
    "0", "-1", "9" * 60, "x", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%0d%0aSet-Cookie:%20a=b", "%ff", "%ed%a0%80", "%E2%80%AE",
    "a%7Cb", "%27%20or%201=1--", "%3Cscript%3Ewindow.xss=1%3C%2Fscript%3E", "1e9", "1_0", "%EF%BC%91", "NaN", "00000000-0000-0000-0000-000000000000",
    "00000000000040008000000000000000", "%7B00000000-0000-4000-8000-000000000000%7D", "urn:uuid:00000000-0000-4000-8000-000000000000",
    "2147483648", "9223372036854775808", "null", "true", "[]", "%5B%5D", "*", "%25", "%25s", "a" * 3000, "RJZ%20", "rjz", ".",
)  # fmt: skip
"""Parts of an address, as they are sent."""
