"""Runs the commands of a document against a node and compares the answers with those that stand below them.

    run.py FILE ADMIN_URL

`FILE` is one of two:

- A Markdown document: what stands in its `sh` blocks after `$ ` is run, and the whole answer has to be the one below
  it; a block that begins otherwise is left to the reader. Ids and times differ from run to run: an id of the document
  stands for the same id of the node throughout.
- A `.txt` of this folder: `$ curl …`, then a line with the status and, where there is a body, its shape. An object of
  a shape may have more fields in the answer; `<uuid>`, `<number>`, `<text>`, `<list>` and `<object>` stand for any
  value of their kind, and `<uuid:name>` also keeps it as `$name` for the commands below.

Commands say `localhost:8001`, as documents do, and reach the node. They may use `$PEM`, the folder of the tests'
certificates, and files of the folder `curl`, of which they get a copy, so that what they write stays nowhere. Prints
`passed COMMAND` or `failed COMMAND: WHY`, a line each.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[2]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMES = ("created_at", "updated_at", "request_timestamp")
KINDS = {
    "uuid": lambda value: isinstance(value, str) and UUID.fullmatch(value),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
# The status comes after the body, since the documents show the body alone.
CURL = "curl() { command curl -sS -w '\\n%{http_code}' \"$@\"; }\n"
# What a document asks its reader to do by hand, in words, before the command that begins so.
BY_HAND = {
    "silverback config diff": r"""sed -i 's/^  protocol: https$/&\n  retries: 2/' kong.yml && cat >>kong.yml <<END
consumers:
- username: alice
  basicauth_credentials:
  - username: alice
    password: open sesame
END
""",
    "silverback config parse kong.yml": "cp from-kong.yml kong.yml\n",
    "silverback check kong.conf": "cp from-kong.conf kong.conf\n",
}


class Node:
    """Where commands are run: the address of the node, a folder, and what they kept."""

    def __init__(self, address, folder):
        self.address = address.removeprefix("http://")
        self.folder = folder
        self.kept = dict(os.environ, PEM=str(REPOSITORY / "entities" / "schema" / "testdata"))

    def run(self, command):
        """What a command prints, and its status where it is curl's."""
        by_hand = "".join(text for start, text in BY_HAND.items() if command.startswith(start))
        text = CURL + by_hand + command.replace("localhost:8001", self.address)
        done = subprocess.run(["bash", "-c", text], cwd=self.folder, env=self.kept, capture_output=True, text=True)
        if not command.startswith("curl"):
            return None, (done.stdout + done.stderr).strip()
        body, _, status = done.stdout.rpartition("\n")
        return status, body or done.stderr


def examples(lines):
    """The commands of some lines, each with what stands below it."""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif found and not found[-1][1] and found[-1][0][-1].endswith("\\"):
            found[-1][0].append(line)
        elif found and line.strip() and not line.startswith("#"):
            found[-1][1].append(line)
    return [("\n".join(command), "\n".join(answer)) for command, answer in found]


def differs(shape, value, node, path=""):
    """Why an answer has not the shape; None when it has."""
    if isinstance(shape, str) and (kind := re.fullmatch(r"<(\w+)(?::(\w+))?>", shape)):
        if not KINDS[kind[1]](value):
            return f"{path or 'the body'} is {value!r}, which is no {kind[1]}"
        if kind[2]:
            node.kept[kind[2]] = str(value)
        return None
    if isinstance(shape, dict) and isinstance(value, dict):
        for name, wanted in shape.items():
            if name not in value:
                return f"{path}.{name} is missing"
            if why := differs(wanted, value[name], node, f"{path}.{name}"):
                return why
        return None
    if isinstance(shape, list) and isinstance(value, list) and len(shape) == len(value):
        pairs = enumerate(zip(shape, value))
        return next((why for at, pair in pairs if (why := differs(*pair, node, f"{path}[{at}]"))), None)
    return None if shape == value else f"{path or 'the body'} is {value!r}, not {shape!r}"


def by_shape(status, body, expected, node):
    wanted, _, shape = expected.partition(" ")
    if status != wanted.strip():
        return f"status {status}, not {wanted}: {body}"
    # A shape may name what was kept.
    shape = re.sub(r"\$(\w+)", lambda name: node.kept.get(name[1], name[0]), shape)
    if not shape.strip():
        return f"a body: {body}" if body else None
    try:
        return differs(json.loads(shape), json.loads(body), node)
    except ValueError:
        return f"not JSON: {body}"


class Document:
    """Compares whole answers. An id of the document stands for one id of the node."""

    def __init__(self):
        self.ids = {}

    def settled(self, value):
        if isinstance(value, dict):
            return {name: 0 if name in TIMES else self.settled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.settled(inner) for inner in value]
        return self.ids.get(value, value) if isinstance(value, str) else value

    def compare(self, status, body, expected, node):
        if body.strip() == expected:
            return None
        if status is None:
            return f"{body!r}, not {expected!r}"
        ours, theirs = UUID.findall(expected), UUID.findall(body)
        self.ids.update((one, other) for one, other in zip(ours, theirs) if one not in self.ids)
        try:
            one, other = self.settled(json.loads(expected)), self.settled(json.loads(body))
        except ValueError:
            return f"{body!r}, not {expected!r}"
        # The order of the fields is part of what is shown, so that texts are compared.
        one, other = json.dumps(one), json.dumps(other)
        return None if one == other else f"{other}, not {one}"


def main(path, address):
    text = pathlib.Path(path).read_text()
    if path.endswith(".md"):
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        # A block without a prompt is for the reader alone.
        lines = "\n".join(block for block in blocks if block.startswith("$ ")).splitlines()
        compare = Document().compare
    else:
        lines, compare = text.splitlines(), by_shape
    found = examples(lines)
    with tempfile.TemporaryDirectory() as folder:
        node = Node(address, shutil.copytree(HERE, pathlib.Path(folder) / "curl"))
        for command, expected in found:
            status, body = node.run(command)
            why = compare(status, body, expected, node)
            shown = " ".join(command.replace("\\\n", " ").split())
            print(f"failed {shown}: {why!r}" if why else f"passed {shown}")
    if not found:
        print(f"failed {path}: it shows no command")


if __name__ == "__main__":
    main(*sys.argv[1:])
