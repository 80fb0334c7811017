"""Letters leave the outbox: to a real mail server on loopback, or as files; each is claimed by its lock, none is lost, none says too much."""

import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import ValidationError

from registry import notices
from registry.notices import carriers, letters, sending
from registry.notices.carriers import Letter, NotSentError
from registry.settings import MailRules, Settings
from registry.store import Store
from registry.store.letters import with_end
from tests.registry.make import with_secret
from tests.registry.notices.sink import HOST, Sink, certificate, listening
from tests.registry.notices.telling import AT, Told, told
from tests.registry.submissions.make import keys
from tests.running import ROOT, environment_of, until

TO = "a.consultant@trust.example"
SECRET = "https://registry.example/answer/RRV/secret"


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Told:
    return told(settings, store, admin)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening(Sink()) as opened:
        yield opened


def knowing(password: str, settings: Settings, store: Store, admin: psycopg.Connection, folder: Path) -> Told:
    """A trust at work, and its service knows a password for the mail server."""
    return told(with_secret(settings, folder / "secrets", "smtp.password", password), store, admin)


def mail(sink: Sink, **more: Any) -> MailRules:
    return MailRules(**{"host": HOST, "port": sink.port, "tls": "none", "sender": "registry@hat.example", **more})


def post(here: Told, to: str = TO, body: str = f"Öffnen:\n{SECRET}\n.\nEnd\n") -> UUID:
    with here.place.desk(at=AT) as desk:
        return letters.post(desk, to, "One case waits for your answer", body)


def row(here: Told) -> tuple[Any, ...]:
    [found] = here.rows("select sent_at, tries, given_up_at, to_ct, body, body_ct from records.outbox")
    return found


def counts(sent: int = 0, put_off: int = 0, given_up: int = 0) -> Mapping[str, int]:
    return {"sent": sent, "put_off": put_off, "given_up": given_up}


# --- by SMTP


def test_a_letter_goes_to_its_address_and_is_emptied(here: Told, sink: Sink) -> None:
    made = post(here)
    assert here.send(mail=mail(sink)) == counts(sent=1)
    [(sender, to, content)] = sink.came
    assert (sender.split()[1], to) == ("FROM:<registry@hat.example>", TO)
    letter = message_from_bytes(content, policy=modern)
    assert (letter["To"], letter["From"], letter["Subject"]) == (
        TO,
        "registry@hat.example",
        "One case waits for your answer",
    )
    assert letter["Message-ID"] == f"<{made}@hat.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert (letter.get_content_type(), letter.get_content_charset()) == ("text/plain", "utf-8")
    assert letter.get_content().splitlines()[:2] == ["Öffnen:", SECRET]
    assert row(here) == (AT, 1, None, None, None, None)
    assert here.send(AT + timedelta(days=1), mail(sink)) == counts()
    assert len(sink.came) == 1


def test_several_letters_go_in_one_conversation(here: Told, sink: Sink) -> None:
    for place in range(3):
        post(here, f"c{place}@trust.example")
    assert here.send(mail=mail(sink)) == counts(sent=3)
    assert [to for _, to, _ in sink.came] == [f"c{place}@trust.example" for place in range(3)]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_it_is_encrypted_and_signed_in(
    settings: Settings, store: Store, admin: psycopg.Connection, tmp_path: Path, tls: str
) -> None:
    here = knowing("quiet otters", settings, store, admin, tmp_path)
    context, trusted = certificate(tmp_path)
    with listening(Sink(tls=tls, user="hat", password="quiet otters", context=context)) as sink:
        post(here)
        rules = mail(sink, tls=tls, user="hat", ca_file=trusted)
        assert here.send(mail=rules) == counts(sent=1)
        assert sink.signed_in == 1
        post(here)
        stranger = rules.model_copy(update={"ca_file": None})
        assert here.send(mail=stranger) == counts(put_off=1), "a server that nobody vouches for gets nothing"
        assert len(sink.came) == 1


def test_a_wrong_password_sends_nothing(
    settings: Settings, store: Store, admin: psycopg.Connection, tmp_path: Path, sink: Sink
) -> None:
    here = knowing("wrong", settings, store, admin, tmp_path)
    sink.user, sink.password = "hat", "right"
    post(here)
    assert here.send(mail=mail(sink, user="hat")) == counts(put_off=1)
    assert sink.came == []


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(here: Told, sink: Sink) -> None:
    post(here)
    assert here.send(mail=mail(sink, tls="starttls")) == counts(put_off=1)
    assert sink.came == []


def test_a_server_elsewhere_is_never_spoken_to_in_clear() -> None:
    with pytest.raises(ValidationError, match="without TLS"):
        MailRules(host="mail.example", tls="none")


# --- the end of it


def test_a_letter_says_in_its_head_where_it_is_ended_by_one_press(here: Told, sink: Sink) -> None:
    end = f"https://registry.example.nhs.uk/learning/subscription/{UUID(int=1)}/{'ab' * 32}"
    post(here, body=with_end(end, "The summary is published.\n"))
    assert here.send(mail=mail(sink)) == counts(sent=1)
    assert f"List-Unsubscribe: <{end}>".encode() in sink.came[0][2].splitlines(), (
        "in one piece, as mail programs read it"
    )
    letter = message_from_bytes(sink.came[0][2], policy=modern)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.get_content().splitlines() == ["The summary is published."]


def test_without_https_a_mail_program_is_not_told_to_press() -> None:
    letter = Letter(UUID(int=1), "a@ward.example", "Subject", "Body", AT, "http://127.0.0.1/end")
    made = carriers.message(letter, "registry@hat.example")
    assert made["List-Unsubscribe"] == "<http://127.0.0.1/end>"
    assert made["List-Unsubscribe-Post"] is None
    assert carriers.message(replace(letter, ended_at=None), "r@hat.example")["List-Unsubscribe"] is None


@pytest.mark.parametrize("address", ["", "x", "javascript:1", "https://a b", "https://a>\r\nBcc: b", "https://ä"])
def test_an_end_that_is_no_address_cannot_write_headers(address: str) -> None:
    with pytest.raises(ValueError, match="can stand in a header"):
        with_end(address, "Body")


# --- what goes wrong


def test_a_server_that_is_away_is_tried_again_later_and_later(here: Told) -> None:
    with listening(Sink()) as gone:
        pass
    post(here)
    post(here, "b@trust.example")
    rules = mail(gone, tries=3)
    assert here.send(mail=rules) == counts(put_off=1), "the first failure ends the run"
    for minutes, tries in ((0.5, [1, 1]), (0.9, [1, 1]), (1, [2, 1]), (1.5, [2, 2]), (2.9, [2, 2]), (3, [3, 2])):
        here.send(AT + timedelta(minutes=minutes), rules)
        assert [each for (each,) in here.rows("select tries from records.outbox order by id")] == tries, minutes
    assert here.rows(
        "select given_up_at is not null, body_ct is null, to_ct is null from records.outbox order by id limit 1"
    ) == [(True, True, True)]


@pytest.mark.parametrize(("code", "given_up"), [(550, 1), (451, 0)])
def test_an_address_that_is_refused(here: Told, sink: Sink, code: int, given_up: int) -> None:
    sink.refusing[TO] = code
    post(here)
    post(here, "b@trust.example")
    assert here.send(mail=mail(sink)) == counts(sent=1, given_up=given_up, put_off=1 - given_up)
    assert [to for _, to, _ in sink.came] == ["b@trust.example"]
    assert here.rows("select reason from records.outbox order by id") == [("recipient",), (None,)]


def test_a_letter_whose_taking_was_not_heard_is_sent_again_under_the_same_id(here: Told, sink: Sink) -> None:
    sink.drop_after_data = True
    post(here)
    assert here.send(mail=mail(sink)) == counts(put_off=1)
    sink.drop_after_data = False
    assert here.send(AT + timedelta(minutes=5), mail(sink)) == counts(sent=1)
    ids = {message_from_bytes(content)["Message-ID"] for _, _, content in sink.came}
    assert (len(sink.came), len(ids)) == (2, 1)


class Killed(BaseException):
    """The process ends."""


def test_a_process_that_is_killed_between_sending_and_noting_loses_nothing(
    here: Told, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(here)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_set", die)
        with pytest.raises(Killed):
            here.send(mail=mail(sink))
    assert row(here)[:2] == (None, 0), "it still waits"
    assert here.send(mail=mail(sink)) == counts(sent=1)
    assert len({message_from_bytes(content)["Message-ID"] for _, _, content in sink.came}) == 1


@pytest.mark.slow
def test_a_worker_that_is_killed_while_the_server_has_the_letter_loses_nothing(here: Told, sink: Sink) -> None:
    """A process of its own, killed after the server took the letter and before that could be noted."""
    sink.dumb = True
    post(here)
    mailing = {"HOST": HOST, "PORT": str(sink.port), "TLS": "none", "SENDER": "registry@hat.example"}
    environment = environment_of(here.settings) | {f"HAT_MAIL__{name}": value for name, value in mailing.items()}
    with subprocess.Popen([sys.executable, "-m", "registry", "run", "letters"], env=environment, cwd=ROOT) as worker:
        assert sink.took.wait(60)
        worker.kill()
    sink.dumb = False
    assert row(here)[:2] == (None, 0)
    until(lambda: here.send(mail=mail(sink)) == counts(sent=1), 10, "the letter was not given back")
    assert len(sink.came) == 2
    assert len({message_from_bytes(content)["Message-ID"] for _, _, content in sink.came}) == 1


def test_a_letter_that_another_worker_has_in_hand_is_left_to_it(here: Told, sink: Sink, database: Any) -> None:
    first, second = post(here), post(here, "b@trust.example")
    with psycopg.connect(database.admin_url) as other:
        other.execute("select from records.outbox where id = %s for update", [first])
        assert here.send(mail=mail(sink)) == counts(sent=1)
    assert message_from_bytes(sink.came[0][2])["Message-ID"] == f"<{second}@hat.example>"
    assert here.send(mail=mail(sink)) == counts(sent=1)


@pytest.mark.parametrize("gone", ["address", "account"])
def test_a_letter_to_somebody_who_is_not_there_any_more_is_dropped(here: Told, sink: Sink, gone: str) -> None:
    person = here.place.nurse.id
    here.admin.execute(
        "insert into records.outbox (tenant_id, person_id, subject, body) values (0, %s, 'x', 'y')", [person]
    )
    assert person is not None
    here.address(person, None)
    assert here.send(mail=mail(sink)) == counts()
    assert here.rows("select count(*) from records.outbox") == [(0,)]


def test_a_letter_that_can_no_longer_be_opened_is_dropped(here: Told, sink: Sink) -> None:
    post(here)
    here.admin.execute("delete from register.data_key")
    assert here.send(mail=mail(sink)) == counts()
    assert here.rows("select count(*) from records.outbox") == [(0,)]


@pytest.mark.parametrize("to", ["a@ward.example\r\nBcc: all@ward.example", "a@ward.example\nX: y", "a\r@ward.example"])
def test_an_address_cannot_write_headers(to: str) -> None:
    letter = Letter(UUID(int=1), to, "Subject", "Body", AT)
    with pytest.raises(NotSentError) as refused:
        carriers.message(letter, "registry@hat.example")
    assert refused.value.for_good
    with pytest.raises(NotSentError):
        carriers.message(replace(letter, to="a@ward.example", subject="x\r\nBcc: all@ward.example"), "r@hat.example")


def test_nothing_of_a_letter_is_in_the_log(here: Told, sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.refusing[TO] = 550
    post(here)
    here.send(mail=mail(sink))
    assert "was not sent" in caplog.text
    assert not re.search("consultant|secret|case waits", caplog.text)


# --- as files


def test_without_a_server_each_letter_is_a_file(here: Told) -> None:
    made = post(here)
    assert here.send() == counts(sent=1)
    folder = carriers.folder_of(here.settings)
    [file] = list(folder.iterdir())
    assert file.name == f"{made}.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    letter = message_from_bytes(file.read_bytes(), policy=modern)
    assert letter["To"] == TO
    assert SECRET in letter.get_content()


def test_a_file_that_is_written_twice_is_one_file(here: Told) -> None:
    carry = carriers.into_folder(here.settings)
    letter = Letter(UUID(int=1), TO, "Subject", "Body", AT)
    carry(letter)
    carry(letter)
    assert len(list(carriers.folder_of(here.settings).iterdir())) == 1


# --- forgotten


@dataclass(frozen=True)
class Kept:
    sent_days: int
    left: int


@pytest.mark.parametrize("kept", [Kept(29, 1), Kept(31, 0)])
def test_what_was_sent_is_forgotten_after_thirty_days(here: Told, kept: Kept) -> None:
    post(here)
    here.send()
    at = AT + timedelta(days=kept.sent_days)
    notices.forget(here.place.store, keys(here.settings), here.settings, at)
    assert here.rows("select count(*) from records.outbox") == [(kept.left,)]


def test_what_waits_is_not_forgotten(here: Told) -> None:
    post(here)
    notices.forget(here.place.store, keys(here.settings), here.settings, AT + timedelta(days=300))
    assert here.rows("select count(*) from records.outbox") == [(1,)]
