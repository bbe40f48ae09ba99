//! Bodies: a row written as JSON, as a form and in parts is the same row; what cannot be read is refused.

use entities::schema::{Entity, Row};
use serde_json::Value;

use super::Battery;

const FORM: &str = "application/x-www-form-urlencoded";

impl Battery<'_> {
    /// A row in every encoding.
    pub async fn encodings(&mut self, entity: &'static Entity, variant: Option<&'static str>) {
        let Some(fixture) = self.whole(entity, variant, 0) else { return };
        self.parents(&fixture).await;
        let (collection, path) = (self.collection(entity, &fixture.row), self.path_of(entity, &fixture.row));
        let row = expressible(&Value::Object(fixture.row.clone()));
        let row = row.and_then(|row| row.as_object().cloned()).unwrap_or_default();
        let expected = self.shown(entity, &row);
        for (kind, body) in [(FORM.to_owned(), form(&row)), parts(&row)] {
            let answer = self.api.send("POST", &collection, &[("content-type", &kind)], body).await;
            self.answered("POST", &collection, &Value::from(kind.as_str()), &answer, 201);
            self.holds(&format!("POST {collection} as {kind}"), &answer.json(), &expected);
            self.send("DELETE", &path, &Value::Null, 204).await;
        }
    }

    /// Bodies of an unknown type, and bodies that are not what their type says.
    pub async fn unreadable(&mut self, entity: &'static Entity) {
        let variant = self.fixtures.variants(entity)[0];
        let Some(fixture) = self.whole(entity, variant, 0) else { return };
        let (collection, path) = (self.collection(entity, &fixture.row), self.path_of(entity, &fixture.row));
        let before = self.api.state().await;
        let json = serde_json::to_vec(&fixture.row).unwrap();
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let bodies: [(Headers, &[u8], u16); 5] = [
            (&[("content-type", "text/plain")], &json, 415),
            (&[("content-type", "Application/JSON")], &json, 415),
            (&[], &json, 415),
            (&[("content-type", "application/json")], b"", 400),
            (&[("content-type", "application/json")], b"{\"a\":", 400),
        ];
        for (headers, body, status) in bodies {
            for (method, path) in [("POST", &collection), ("PUT", &path), ("PATCH", &path)] {
                let answer = self.api.send(method, path, headers, body.to_vec()).await;
                self.answered(method, path, &Value::from(String::from_utf8_lossy(body)), &answer, status);
            }
        }
        self.unchanged(&before, "a body that cannot be read").await;
    }
}

/// What a form has words for: it has none for what is empty or null.
fn expressible(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| Some((name.clone(), expressible(value)?)));
            Some(Value::Object(fields.collect::<Row>())).filter(|value| *value != Value::Object(Row::new()))
        }
        other => Some(other.clone()),
    }
}

/// The arguments of a row: `tags[1]=a`, `config.redis.host=b`.
fn arguments(row: &Row) -> Vec<(String, String)> {
    fn walk(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Array(items) => {
                items.iter().zip(1..).for_each(|(item, place)| walk(&format!("{name}[{place}]"), item, out));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(own, value)| walk(&format!("{name}.{own}"), value, out));
            }
            Value::String(text) => out.push((name.to_owned(), text.clone())),
            other => out.push((name.to_owned(), other.to_string())),
        }
    }
    let mut out = Vec::new();
    row.iter().for_each(|(name, value)| walk(name, value, &mut out));
    out
}

fn form(row: &Row) -> Vec<u8> {
    let escaped = |text: &str| {
        let byte = |byte: u8| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let pairs =
        arguments(row).into_iter().map(|(name, text)| format!("{}={}", escaped(&name), escaped(&text)));
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

/// The content type and the body of a row in parts.
fn parts(row: &Row) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "a-line-between";
    let mut body = String::new();
    for (name, text) in arguments(row) {
        body += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    }
    body += &format!("--{BOUNDARY}--\r\n");
    (format!("multipart/form-data; boundary={BOUNDARY}"), body.into_bytes())
}
