"""What Schemathesis cannot know of this API by itself: values of the forms that no regular expression says, and for
which rules a request may be refused although it fits the document.
"""

import base64
import json
import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

HOSTS = ["a.test", "example.com", "192.168.0.1", "localhost"]
PEM = Path(os.environ["REPOSITORY"], "entities/schema/testdata")
CERTIFICATE, AUTHORITY, KEY = (
    (PEM / f"{name}.pem").read_text() for name in ("ec_certificate", "ec_authority", "ec_private")
)

FORMS = {
    "certificate": [CERTIFICATE, AUTHORITY],
    "cidr-v4": ["10.0.0.0/8", "127.0.0.1"],
    "host": HOSTS,
    "host-with-optional-port": [*HOSTS, "a.test:80", "192.168.0.1:8080"],
    "host-with-wildcards": ["a.test", "*.a.test", "a.*"],
    "ip": ["10.0.0.1", "::1"],
    "ip-and-port": ["10.0.0.1:80", "127.0.0.1"],
    "ip-or-cidr": ["10.0.0.1", "10.0.0.0/8", "::1"],
    "key": [KEY],
    "lua-code": ["return 1", "local a = 2"],
    "path": ["/", "/a", "/a/b"],
    "pcre": ["a+", "^/b"],
    "router-path": ["/", "/a", "~/b$"],
    "url": ["http://a.test/path", "https://example.com:8443"],
    "wildcard-host": ["a.test", "*.a.test"],
}

for name, values in FORMS.items():
    schemathesis.openapi.format(name, st.sampled_from(values))


def offset(identifier):
    text = json.dumps([str(identifier)]).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


schemathesis.openapi.format("page-offset", st.uuids().map(offset))

# Errors about other rows than the one that is sent: a reference that leads nowhere, an id that is taken.
ABOUT_OTHER_ROWS = {3, 4, 13}
# Errors about the row that is sent, or about the rows of a configuration.
VIOLATIONS = {2, 14}
RULES = "x-rules"


def resolved(schema, document):
    while isinstance(schema, dict) and "$ref" in schema:
        target = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        schema = target
    return schema


def tells(schema, path, document):
    """Whether a schema tells a rule in words at a path, or at something that the path lies in."""
    schema = resolved(schema, document)
    if not isinstance(schema, dict):
        return False
    if RULES in schema:
        return True
    alternatives = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
    if any(tells(alternative, path, document) for alternative in alternatives):
        return True
    if not path:
        return False
    inner = [schema.get("properties", {}).get(path[0]), schema.get("items"), schema.get("additionalProperties")]
    return any(tells(each, path[1:], document) for each in inner if each is not None)


def places(fields, path=()):
    """The paths at which a refusal finds something wrong."""
    if isinstance(fields, dict):
        for name, inner in fields.items():
            yield from places(inner, path if name == "@entity" else (*path, name))
    elif isinstance(fields, list):
        for index, inner in enumerate(fields):
            if inner is not None:
                yield from places(inner, path if isinstance(inner, str) else (*path, str(index)))
    else:
        yield path


def is_told(case, document):
    body = case.operation.definition.raw.get("requestBody", {})
    schema = body.get("content", {}).get(case.media_type or "application/json", {}).get("schema", {})
    return lambda path: tells(schema, path, document)


def only_refuses(case):
    """Whether an operation exists to say why it does not, such as to write tags without the rows that bear them."""
    return not any(status.startswith("2") for status in case.operation.definition.raw["responses"])


@schemathesis.check
def refused_only_for_rules_that_are_told(ctx, response, case):
    """A request that fits the document is refused only for a rule that the document tells in words."""
    if response.status_code not in (400, 405) or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if only_refuses(case):
        return
    error = response.json()
    if response.status_code == 400 and error.get("code") in ABOUT_OTHER_ROWS:
        return
    told = is_told(case, case.operation.schema.raw_schema)
    found = list(places(error.get("fields", {})))
    if response.status_code == 400 and error.get("code") in VIOLATIONS and found and all(map(told, found)):
        return
    # A body of which the document says only that it is one of those that are described elsewhere.
    if response.status_code == 400 and told(()):
        return
    raise AssertionError(f"refused for a rule that the document does not tell: {response.text[:1000]}")
