//! A difference as people read it: a line for each row, and below it what it gains and loses. Green is new, red goes,
//! yellow changes; without a terminal, or with NO_COLOR, there are no colours.

use std::io::{ErrorKind, Result, Write};

use anstyle::{AnsiColor, Color, Style};
use generators::yaml;
use serde_json::{Map, Value};

/// The longest line of a value, in letters; a certificate is not read here.
const LINE: usize = 120;

/// Prints a report and its counts. Whether there is nothing in it.
pub fn print(report: &Value, dry_run: bool) -> Result<bool> {
    let changes = report.get("changes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut out = anstream::stdout().lock();
    match write(&mut out, report, changes, dry_run) {
        // Whoever reads has seen enough (`… | head`).
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(changes.is_empty())
}

fn write(out: &mut impl Write, report: &Value, changes: &[Value], dry_run: bool) -> Result<()> {
    for change in changes {
        row(out, change)?;
    }
    if changes.is_empty() {
        return writeln!(out, "no difference");
    }
    let count = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (created, updated, deleted) = (count("created"), count("updated"), count("deleted"));
    match dry_run {
        true => writeln!(out, "{created} to create, {updated} to update, {deleted} to delete"),
        false => writeln!(out, "{created} created, {updated} updated, {deleted} deleted"),
    }
}

fn row(out: &mut impl Write, change: &Value) -> Result<()> {
    let text = |name: &str| change.get(name).and_then(Value::as_str);
    let (mark, style) = match text("operation") {
        Some("create") => ('+', painted(AnsiColor::Green)),
        Some("delete") => ('-', painted(AnsiColor::Red)),
        _ => ('~', painted(AnsiColor::Yellow)),
    };
    let name = printable(text("name").or_else(|| text("id")).unwrap_or_default());
    let references = change.get("references").and_then(Value::as_object).into_iter().flatten();
    let references: Vec<_> = references.map(|(field, name)| format!("{field}: {}", plain(name))).collect();
    let of = if references.is_empty() { String::new() } else { format!(" ({})", references.join(", ")) };
    writeln!(out, "{style}{mark} {} {name}{of}{style:#}", text("entity").unwrap_or_default())?;
    match (change.get("fields"), change.get("row")) {
        (Some(Value::Object(fields)), _) => {
            for (path, values) in fields {
                lines(out, '-', AnsiColor::Red, path, values.get("before"))?;
                lines(out, '+', AnsiColor::Green, path, values.get("after"))?;
            }
            Ok(())
        }
        (_, Some(Value::Object(row))) if mark == '+' => {
            row.iter().try_for_each(|(name, value)| lines(out, '+', AnsiColor::Green, name, Some(value)))
        }
        _ => Ok(()),
    }
}

/// A field with its value, as YAML.
fn lines(
    out: &mut impl Write,
    mark: char,
    colour: AnsiColor,
    name: &str,
    value: Option<&Value>,
) -> Result<()> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(()) };
    let style = painted(colour);
    let field = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    for line in yaml::write(&field).lines() {
        let short: String = line.chars().take(LINE).collect();
        let more = if short.len() < line.len() { "…" } else { "" };
        writeln!(out, "{style}{mark}   {short}{more}{style:#}")?;
    }
    Ok(())
}

fn painted(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

fn plain(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

/// A name without what a terminal would take for a command.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_reads_as_lines() {
        let report = json!({
            "created": 1, "updated": 1, "deleted": 1,
            "changes": [
                {"operation": "create", "entity": "books", "name": "a\u{1b}[2J", "row": {"tags": ["x"]}},
                {"operation": "update", "entity": "notes", "id": "7", "references": {"book": "a"},
                 "fields": {"config.size": {"before": 1, "after": 2}, "text": {"before": null, "after": "t"}}},
                {"operation": "delete", "entity": "books", "name": "b", "row": {"tags": ["x"]}},
            ],
        });
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, &report, report["changes"].as_array().unwrap(), true).unwrap();
        let expected = "+ books a\u{fffd}[2J\n+   tags:\n+   - x\n~ notes 7 (book: a)\n-   config.size: 1\n\
                        +   config.size: 2\n+   text: t\n- books b\n1 to create, 1 to update, 1 to delete\n";
        assert_eq!(String::from_utf8(out.into_inner()).unwrap(), expected);
    }
}
