#!/usr/bin/env python3
"""Bring one release of nhsuk-frontend into the package, so that neither build nor run time needs Node.

    python deploy/vendor_frontend.py

Takes the published tarball through the npm client by version, refuses it unless its SHA-512 is the one written here,
and keeps three things: the style sheet, the script and the images the style sheet names. Changed on the way:

- the @font-face rules go: the NHS typeface is licensed for nhs.uk services only, and no page may call another host
  (Arial is the library's own second choice);
- the source map comments go: the maps are not served;
- image addresses become relative, so that the folder may be served from anywhere.

To move to another release: change VERSION and INTEGRITY (`npm view nhsuk-frontend@VERSION dist.integrity`), run, look at
the pages, and move nhsuk-frontend-jinja in pyproject.toml to the release that matches.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "10.6.1"
INTEGRITY = "sha512-PZorqQZjZx/A26yJoskCL9z0ib6AtkAyF0o4K/RHr8zRrJyXrUOCnMbjy0VNXsGO4tfTNMwqlkwATKs4a0xayw=="
STATIC = Path(__file__).resolve().parent.parent / "registry" / "web" / "static"
DIST = "package/dist/nhsuk"

NOTICES = """\
nhsuk-frontend {version}
Taken from the published package, {integrity}
Without its @font-face rules and source maps, image addresses made relative; otherwise as shipped.

MIT License

Copyright (c) 2019 NHS.UK

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def fetched(folder: Path) -> Path:
    """The tarball, in `folder`; exits if it is not the one whose digest is written above."""
    command = ["npm", "pack", "--silent", f"nhsuk-frontend@{VERSION}", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 -- constants only
    tarball = folder / f"nhsuk-frontend-{VERSION}.tgz"
    digest = "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        sys.exit(f"the tarball's digest is {digest}, not the one expected")
    return tarball


def style_sheet(text: str) -> str:
    text = re.sub(r"@font-face\{[^}]*\}", "", text)
    text = re.sub(r"/\*# sourceMappingURL=[^*]*\*/", "", text)
    text = text.replace("url(/assets/images/", "url(images/")
    foreign = re.findall(r"url\((?!images/)[^)]*\)", text)
    if foreign:
        sys.exit(f"the style sheet still reaches outside its folder: {foreign}")
    return text.strip() + "\n"


def script(text: str) -> str:
    return re.sub(r"//# sourceMappingURL=\S+", "", text).strip() + "\n"


def main() -> None:
    target = STATIC / f"nhsuk-{VERSION}"
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fetched(Path(folder))) as tarball:

        def member(name: str) -> bytes:
            content = tarball.extractfile(f"{DIST}/{name}")
            if content is None:
                sys.exit(f"{name} is not a file")
            return content.read()

        css = style_sheet(member("nhsuk-frontend.min.css").decode())
        files = {
            "nhsuk-frontend.min.css": css.encode(),
            "nhsuk-frontend.min.js": script(member("nhsuk-frontend.min.js").decode()).encode(),
            "NOTICES": NOTICES.format(version=VERSION, integrity=INTEGRITY).encode(),
        }
        for name in sorted(set(re.findall(r"url\((images/[^)]*)\)", css))):
            files[name] = member(f"assets/{name}")
    shutil.rmtree(target, ignore_errors=True)
    for name, content in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)


if __name__ == "__main__":
    main()
