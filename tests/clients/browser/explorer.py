"""Opens /docs of a node like somebody who tries the API, and fails with the first thing that is not as it should be.

    explorer.py ADMIN_URL SCREENSHOT [TOKEN]

With a token, the node is one that asks for it: so does the page.
"""

import json
import pathlib
import re
import sys
import tempfile
import urllib.request

from chromium import Chromium

REFERENCE = pathlib.Path(__file__).parents[3] / "docs" / "admin-api.md"


def read(address, token):
    headers = {"Kong-Admin-Token": token} if token else {}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return answer.headers, answer.read()


def clicked(selector, text=""):
    """Clicks the first element of a kind that says something; whether there is one."""
    return f"""(() => {{
        const all = [...document.querySelectorAll({json.dumps(selector)})]
        const own = all.find(each => each.innerText.includes({json.dumps(text)}))
        own?.click()
        return own !== undefined
    }})()"""


def main(node, screenshot, token=""):
    headers, _ = read(f"{node}/docs", "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';"), headers
    entities = re.findall(r"^- \[(\w+)\]\(#\1\)$", REFERENCE.read_text(), re.MULTILINE)
    assert {"services", "plugins", "vaults"} < set(entities), entities

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Chromium(folder) as page:
        page.open(f"{node}/docs")
        if token:
            page.until("document.querySelector('#token')?.checkVisibility()")
            page.value(f"document.querySelector('#value').value = {json.dumps(token)}")
            page.until(clicked("#token button"))
        page.until("document.body?.innerText.includes('Overview')")
        listed = page.value("document.body.innerText").splitlines()
        missing = [name for name in entities if name not in listed]
        assert not missing, f"{missing} are not among {listed}"

        # A request that writes, as the example of the document has it, and what came of it.
        page.until(clicked("[title='services']"))
        page.until(clicked("[title='Create one of the services']"))
        page.until("document.querySelector('h1')?.innerText === 'Create one of the services'")
        page.until(clicked("button", "Send API Request"))
        page.until("document.body.innerText.includes('201 Created')")
        rows = json.loads(read(f"{node}/services", token)[1])["data"]
        assert len(rows) == 1, rows
        page.until(f"document.body.innerText.includes({json.dumps(rows[0]['id'])})")
        page.picture(screenshot)

        elsewhere = [address for address in page.requests if not address.startswith((f"{node}/", "data:", "blob:"))]
        assert not elsewhere, f"the page asks for {elsewhere}"
        # Chromium mentions an answer of 401, and nothing else is worth a word.
        complaints = [each for each in page.complaints if not (token and "401" in each.get("text", ""))]
        assert not complaints, f"the browser complains of {complaints}"
        kept = page.value("JSON.stringify(localStorage)")
        assert not token or token not in kept, f"the token stays in the browser: {kept}"


if __name__ == "__main__":
    main(*sys.argv[1:])
