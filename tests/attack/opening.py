"""Whatever opens a door, made and used through the running service, rightly and wrongly; each secret is noted by what it is."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx

from registry.access import OPERATOR, Role
from registry.accounts import identities
from registry.accounts.provider import Identity
from registry.accounts.second_factor import code_of, step_at
from registry.store import SYSTEM_TENANT
from tests.make import cases, csv_bytes
from tests.registry.accounts import make as made
from tests.registry.accounts.provider import SECRET, Provider
from tests.registry.web.reviewing import Team
from tests.registry.web.test_review_consultant import ask as ask_consultant
from tests.registry.web.test_trust_users import invited
from tests.registry.web.visitors import PASSWORD, House, token_of, words_of
from tests.registry.web.visitors import SECRET as APP
from tests.running import ROOT, Service, environment_of, token

SUBJECT = "910000000815"
WRONG_PASSWORD = "canary zebra staples wrongly"
NEW_PASSWORD = "quagga lanterns hum softly"
NEWER_PASSWORD = "umbral ferrets count backwards"
GUESSED = "CanaryGuessedSecretCanaryGuessedSecretCanary"[:43]


@dataclass
class Scene:
    """The running service, and every secret by what it is."""

    service: Service
    house: House
    team: Team
    provider: Provider
    secrets: dict[str, str] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    """All answers but those that hand a secret over."""

    def browser(self, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.service.address, timeout=60, headers={"Sec-Fetch-Site": "same-origin"} | headers,
            event_hooks={"response": [self._note]},
        )  # fmt: skip

    def _note(self, answer: httpx.Response) -> None:
        answer.read()
        path = answer.request.url.path
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items() if name != "set-cookie")
        self.shown[f"{len(self.shown)} {answer.request.method} {path.split('/')[1]} {answer.status_code}"] = (
            head.encode() + answer.content
        )

    def handed(self, secret: str = "") -> None:
        """What was answered last is where a secret is handed over; or all that has had this one, which its own page repeats."""
        if not secret:
            self.shown.popitem()
        self.shown = {
            name: content for name, content in self.shown.items() if not secret or secret.encode() not in content
        }


def form(browser: httpx.Client, page: str, action: str = "", **fields: str) -> httpx.Response:
    """Open a page and send its form."""
    return browser.post(action or page, data={"form_token": token_of(browser.get(page)), **fields})


# --- what is sent


def sign_in(scene: Scene) -> None:
    scene.house.person("anna", (Role.VTE_NURSE, "RRV"))
    scene.secrets |= {"password": PASSWORD, "wrong password": WRONG_PASSWORD, "the app's secret": APP}
    with scene.browser() as browser:
        assert form(browser, "/sign-in", user_name="anna", password=WRONG_PASSWORD).status_code == 401
        assert form(browser, "/sign-in", user_name="anna", password=PASSWORD).status_code == 303
        scene.secrets["half a session"] = browser.cookies["hat"]
        assert form(browser, "/second-factor", code="ABCD-EFGH-CANARY").status_code == 401
        scene.secrets["code"] = scene.house.code("anna")
        assert form(browser, "/second-factor", code=scene.secrets["code"]).status_code == 303
        scene.secrets["session"] = browser.cookies["hat"]
        assert browser.get("/account").status_code == 200
    with scene.browser() as browser:
        browser.cookies.set("hat", GUESSED, domain="127.0.0.1", path="/")
        assert browser.get("/account").status_code == 303
    scene.secrets["guessed"] = GUESSED


def invite(scene: Scene) -> None:
    lead = scene.house.signed_in(scene.house.person("lead", (Role.TRUST_LEAD, "RRV")))
    page = invited(lead)
    secret = re.search(r"/invitation/([A-Za-z0-9_-]{43})", page.text)
    assert secret, words_of(page)
    scene.secrets |= {"invitation": secret[1], "new password": NEW_PASSWORD}
    with scene.browser() as browser:
        path = f"/invitation/{secret[1]}"
        assert browser.get(f"/invitation/{GUESSED}").status_code in (404, 410)
        form(browser, path, f"{path}/join", password="short", again="short")
        joined = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        opened = browser.get(path)
        scene.handed(secret[1])
        assert browser.post(f"{path}/join", data=joined | {"form_token": token_of(opened)}).status_code == 303
        assert browser.get(path).status_code == 410
        form(browser, "/sign-in", user_name="anna.bell@ward.example", password=NEW_PASSWORD)
        page = browser.get("/second-factor/set-up")
        scene.handed()
        app = words_of(page).split(" as a time-based code: ")[1][:39]
        secret_of_app = app.replace(" ", "")
        scene.secrets |= {"new app": secret_of_app, "new app, as shown": app}
        code = code_of(secret_of_app, step_at(datetime.now(UTC)))
        page = browser.post("/second-factor/set-up", data={"form_token": token_of(page), "code": code})
        scene.handed()
        codes = re.findall(r"\b[a-z0-9]{4}(?:-[a-z0-9]{4}){3}\b", words_of(page))
        assert codes, words_of(page)
        scene.secrets |= {"new app's code": code} | {f"recovery code {n}": each for n, each in enumerate(codes)}
    with scene.browser() as browser:
        form(browser, "/sign-in", user_name="anna.bell@ward.example", password=NEW_PASSWORD)
        assert form(browser, "/second-factor", code=codes[0]).status_code == 303
    with scene.browser() as browser:
        form(browser, "/sign-in", user_name="anna.bell@ward.example", password=NEW_PASSWORD)
        assert form(browser, "/second-factor", code=codes[0]).status_code == 401


def set_a_password(scene: Scene) -> None:
    path = scene.house.link(scene.house.person("bert", (Role.VTE_NURSE, "RRV")))
    scene.secrets |= {"link for a password": path.rpartition("/")[2], "newer password": NEWER_PASSWORD}
    with scene.browser() as browser:
        page = browser.get(path)
        scene.handed()
        given = {"password": NEWER_PASSWORD, "again": NEWER_PASSWORD, "form_token": token_of(page)}
        assert browser.post(path, data=given).status_code == 303
        assert browser.post(path, data=given).status_code >= 400
        browser.get(f"/set-password/{GUESSED}")


def send_by_programs(scene: Scene) -> None:
    secret = token(scene.house, "RRV")
    client = made.registered(scene.house)
    now = made.database_now(scene.house)
    scene.secrets["API token"] = secret
    asked = {"kind": "case", "opt_out_screened": "true"}
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "secrets"}
    with scene.browser(Authorization=f"Bearer {secret}") as program:
        sent = program.post("/api/submissions", params=asked, content=csv_bytes(cases(2)), headers=headers)
        assert sent.status_code in (201, 202)
        program.get("/api/submissions", params={"access_token": secret})
        program.get(f"/api/submissions/{secret}")
        program.get(f"/{secret}")
    address = f"{scene.service.address}/fhir/r4/token"
    for name, at in (("assertion", address), ("assertion for another", "https://elsewhere.example/token")):
        scene.secrets[name] = made.signed(made.header(), made.claims(client, now, aud=at))
    with scene.browser(Authorization=f"Bearer {GUESSED}") as program:
        assert program.get("/api/me").status_code == 401
    with scene.browser() as program:
        for name in ("assertion", "assertion for another", "assertion"):
            answer = program.post("/fhir/r4/token", data=_grant(scene.secrets[name]))
            if answer.status_code == 200:
                scene.handed()
                scene.secrets["access token"] = answer.json()["access_token"]
    program = scene.browser(Authorization=f"Bearer {scene.secrets['access token']}")
    assert program.get("/fhir/r4/Condition").status_code == 200
    program.close()


def _grant(assertion: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    scope = "system/Condition.rs"
    return {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": kind,
        "client_assertion": assertion,
    }


def subscribe(scene: Scene) -> None:
    with scene.browser() as browser:
        assert form(browser, "/learning/subscribe", email="reader@ward.example").status_code == 200
        found = scene.team.admin.execute("select id from records.learning_subscriber").fetchone()
        assert found is not None
        from registry.lessons import keys, subscriptions

        with scene.house.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
            secret = subscriptions.token(keys.own_keys(connection, scene.house.secrets), found[0])
        scene.secrets["subscription"] = secret
        page = browser.get(f"/learning/subscription/{found[0]}/{secret}")
        assert page.status_code == 200
        scene.handed()
        browser.get(f"/learning/subscription/{found[0]}/{GUESSED}")
        browser.post(f"/learning/subscription/{found[0]}/{secret}", data={"then": "confirm"})
        scene.handed(secret)


def come_by_the_provider(scene: Scene) -> None:
    house, provider = scene.house, scene.provider
    clara = house.person("clara", (Role.VTE_NURSE, "RRV"))
    with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        identities.link(connection, Identity(provider.issuer, SUBJECT), clara, by=OPERATOR)
    scene.secrets["the provider's secret"] = SECRET
    honest = provider.signed

    def noted(asked: Any, subject: str) -> str:
        given = honest(asked, subject)
        scene.secrets |= {f"ID token {len(scene.secrets)}": given, f"nonce {len(scene.secrets)}": str(asked["nonce"])}
        return given

    provider.signed = noted  # type: ignore[method-assign] # told of what it signs
    for changed in ({}, {"state": GUESSED}, {"code": GUESSED}):
        with scene.browser() as browser:
            leaving = browser.get("/sign-in/provider")
            scene.handed()
            brought = provider.authorise(leaving.headers["location"], SUBJECT)
            scene.secrets |= {f"{name} {len(scene.secrets)}": value for name, value in brought.items()}
            back = browser.get("/sign-in/provider/back", params=brought | changed)
            assert (back.headers.get("location") == "/trust") is not bool(changed)
            browser.get("/sign-in/provider/back", params=brought)
            browser.get("/sign-in/provider/back", params={"error": "access_denied", "error_description": GUESSED})


def ask_a_consultant(scene: Scene) -> None:
    asked = ask_consultant(scene.team)
    scene.secrets |= {
        "consultant's link": asked.path.rpartition("/")[2],
        "consultant's code": asked.code,
        "consultant's code, in one": asked.code.replace(" ", ""),
    }
    with scene.browser() as browser:
        page = browser.get(asked.path)
        assert page.status_code == 200
        scene.handed()
        browser.post(f"{asked.path}/code", data={"code": "0000 0000"})
        scene.handed()
        assert browser.post(f"{asked.path}/code", data={"code": asked.code}).status_code == 303
        scene.handed()
        browser.get(f"/answer/RRV/{GUESSED}")


def rotate(scene: Scene) -> None:
    """A new master key is made and rotated to; what the commands print is looked through too."""
    settings = scene.house.settings
    for number, words in enumerate((("keys", "make", "master"), ("keys", "rotate", "master"), ("keys", "status"))):
        ran = subprocess.run(
            [sys.executable, "-m", "registry", *words],
            cwd=ROOT,
            env=environment_of(settings),
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()
        scene.shown[f"printed {number}"] = ran.stdout + ran.stderr
    for path in Path(settings.secrets_dir).glob("*.key"):
        content = path.read_bytes().strip()
        scene.secrets[f"{path.name}, as it is"] = content.decode("latin-1")
        scene.secrets[f"{path.name}, in hexadecimal"] = content.hex()


ALL = (
    sign_in,
    invite,
    set_a_password,
    send_by_programs,
    subscribe,
    come_by_the_provider,
    ask_a_consultant,
    rotate,
)
