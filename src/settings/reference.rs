//! The manual's reference of settings, in Markdown, made from the table: first what acts, then what is accepted without
//! effect, by the reason. How settings are given is told by the manual itself.

use std::fmt::Write;

use super::key::{Key, Meaning};
use super::keys::{KEYS, NAMED_BY_USER, NAMESPACES};
use super::values::Kind;

/// The reference as a document.
pub fn reference() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         <!-- Made from the table of settings by `SNAPSHOTS=write cargo test --test main snapshots`. -->\n\n\
         A line of `kong.conf` is `log_level = info`, the same in the environment `KONG_LOG_LEVEL=info`. How settings \
         are given is told in [Getting started](getting-started.md#settings).\n\n\
         ## What acts\n\n\
         | Setting | Value | Default | Meaning |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let Meaning::Acts(how) = key.meaning else { continue };
        let mut meaning = how.to_owned();
        if key.reloads {
            meaning.push_str(" Read again on SIGHUP.");
        }
        if key.secret {
            meaning.push_str(" It is shown nowhere.");
        }
        push(&mut text, &[&name(key), &value(key.kind), &code(key.default), &meaning]);
    }
    text.push_str(
        "\n## What is accepted without effect\n\n\
         The other settings of Kong are known, so that a `kong.conf` that works there works here. Their values are \
         checked, `GET /` shows them, the log names them at the start, and they change nothing.\n",
    );
    let mut told: Vec<&str> = Vec::new();
    for (why, _) in without_effect() {
        if told.contains(&why) {
            continue;
        }
        told.push(why);
        let keys = without_effect().filter(|(own, _)| *own == why).map(|(_, key)| key);
        let _never_fails =
            write!(text, "\n### {}\n\n| Setting | Value | Default |\n|---|---|---|\n", title(why));
        keys.for_each(|key| push(&mut text, &[&name(key), &value(key.kind), &code(key.default)]));
    }
    let _never_fails = write!(text, "\n### {}\n\n| Setting |\n|---|\n", title(NAMED_BY_USER));
    for namespace in NAMESPACES {
        push(&mut text, &[&format!("`{}<name>`", namespace.prefix)]);
    }
    text
}

/// What changes nothing, with the reasons.
fn without_effect() -> impl Iterator<Item = (&'static str, &'static Key)> {
    KEYS.iter().filter_map(|key| match key.meaning {
        Meaning::Acts(_) => None,
        Meaning::Accepted(why) => Some((why, key)),
    })
}

/// A key, and the keys that take its value.
fn name(key: &Key) -> String {
    let also: Vec<String> = key.also.iter().map(|name| code(name)).collect();
    match also.is_empty() {
        true => code(key.name),
        false => format!("{}, and unless set themselves {}", code(key.name), also.join(", ")),
    }
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Listen(_) => "a list of listen addresses, or `off`".to_owned(),
        kind => kind.allowed(),
    }
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A reason as a heading: with a capital, without a full stop.
fn title(why: &str) -> String {
    let why = why.trim_end_matches('.');
    let mut letters = why.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// A row of a table.
fn push(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _never_fails = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_one_row() {
        let text = reference();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), KEYS.len() + NAMESPACES.len());
        for key in KEYS {
            let own = rows.iter().filter(|row| row.split('`').nth(1) == Some(key.name));
            assert_eq!(own.count(), 1, "{}", key.name);
        }
        for row in rows {
            let columns = row.replace("\\|", "").matches('|').count() - 1;
            assert!([1, 3, 4].contains(&columns), "{row}");
        }
    }

    #[test]
    fn reasons_become_headings() {
        assert_eq!(title("no traces are made."), "No traces are made");
        assert_eq!(title("`x` is out."), "`x` is out");
        assert_eq!(title(""), "");
    }
}
