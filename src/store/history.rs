//! The change log read: who wrote what, and when. Values are not told, since some of them are secrets; only the names
//! of the fields that changed.

use entities::schema::Row;
use generators::tables::{Dialect, Kind};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_query::Value as Bound;
use serde_json::{Map, Value};

use super::failure::{Failure, within};
use super::session::column;
use super::{Engine, Store};

/// A line of the change log.
#[derive(Debug)]
pub struct Line {
    pub version: i64,
    pub entity: String,
    pub id: String,
    /// `create`, `update` or `delete`.
    pub operation: String,
    /// Who asked; `None` where that is not known, and where the node itself did it.
    pub client: Option<String>,
    /// The id of the workspace, of a row that belongs to one.
    pub workspace: Option<String>,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The names of the fields that have another value than before.
    pub fields: Vec<String>,
}

/// Which lines are meant: all that match what is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub entity: Option<String>,
    pub id: Option<String>,
    pub client: Option<String>,
    /// Only lines of a lower version.
    pub below: Option<i64>,
}

const COLUMNS: [(&str, Kind); 9] = [
    ("version", Kind::Integer),
    ("entity", Kind::Text),
    ("id", Kind::Text),
    ("operation", Kind::Text),
    ("client", Kind::Text),
    ("ws_id", Kind::Uuid),
    ("at", Kind::Integer),
    ("before", Kind::Json),
    ("after", Kind::Json),
];

impl Store {
    /// At most `limit` lines of the change log, newest first. A node without a database keeps none.
    pub async fn history(&self, filter: &Filter, limit: usize) -> Result<Vec<Line>, Failure> {
        match &self.engine {
            Engine::Sqlite(engine) => read(&engine.readers, Dialect::Sqlite, filter, limit).await,
            Engine::Postgres(engine) => {
                let _turn = engine.turn().await?;
                within(engine.patience(), async {
                    Ok(read(&engine.db, Dialect::Postgres, filter, limit).await)
                })
                .await?
            }
            Engine::Memory(_) => Ok(Vec::new()),
        }
    }
}

async fn read(
    db: &DatabaseConnection,
    dialect: Dialect,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Line>, Failure> {
    let (mut conditions, mut values) = (vec!["\"operation\" <> 'announce'".to_owned()], Vec::<Bound>::new());
    let wanted = [
        ("\"entity\" =", filter.entity.as_deref().map(Bound::from)),
        ("\"id\" =", filter.id.as_deref().map(Bound::from)),
        ("\"client\" =", filter.client.as_deref().map(Bound::from)),
        ("\"version\" <", filter.below.map(Bound::from)),
    ];
    for (condition, value) in wanted.into_iter().filter_map(|(condition, value)| Some((condition, value?))) {
        values.push(value);
        conditions.push(match dialect {
            Dialect::Sqlite => format!("{condition} ?"),
            Dialect::Postgres => format!("{condition} ${}", values.len()),
        });
    }
    let columns: Vec<_> = COLUMNS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let sql = format!(
        "SELECT {} FROM \"changes\" WHERE {} ORDER BY \"version\" DESC LIMIT {limit}",
        columns.join(", "),
        conditions.join(" AND ")
    );
    let backend = match dialect {
        Dialect::Sqlite => DbBackend::Sqlite,
        Dialect::Postgres => DbBackend::Postgres,
    };
    let found = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut lines = Vec::with_capacity(found.len());
    for row in &found {
        let mut line = Row::new();
        for (i, (name, kind)) in COLUMNS.into_iter().enumerate() {
            line.insert(name.to_owned(), column(row, i, kind)?);
        }
        lines.push(Line::of(&line));
    }
    Ok(lines)
}

impl Line {
    fn of(row: &Row) -> Line {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| row.get(name).and_then(Value::as_i64).unwrap_or_default();
        let image = |name: &str| row.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        Line {
            version: number("version"),
            entity: text("entity").unwrap_or_default(),
            id: text("id").unwrap_or_default(),
            operation: text("operation").unwrap_or_default(),
            client: text("client"),
            workspace: text("ws_id"),
            at: number("at"),
            fields: changed(&image("before"), &image("after")),
        }
    }
}

/// The names of fields that have another value, sorted, since each database keeps an order of its own; null is no value.
fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let differs = |name: &&String| {
        let value = |row: &Map<String, Value>| row.get(*name).cloned().unwrap_or_default();
        value(before) != value(after)
    };
    let mut names: Vec<String> = after.keys().chain(gone).filter(differs).cloned().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_has_changed() {
        let row = |value: Value| value.as_object().cloned().unwrap();
        let (before, after) =
            (row(json!({"a": 1, "e": 5, "b": 2, "c": null})), row(json!({"d": 4, "a": 1, "b": 3})));
        assert_eq!(changed(&before, &after), ["b", "d", "e"]);
        assert_eq!(changed(&Map::new(), &row(json!({"a": 1, "b": null}))), ["a"]);
    }
}
