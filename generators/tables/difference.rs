//! The way from what a database has to what it needs. Steps add; none drops a column or a row, and an index goes only
//! once another does its work.
//!
//! A column that a row cannot be without changes the keys of its table as well. PostgreSQL alters the table; SQLite,
//! which cannot, gets a new table in the place of the old one, for which its foreign keys must be off.

use entities::schema::OnDelete;
use sea_query::{Alias, PostgresQueryBuilder, SqliteQueryBuilder, Table as Ddl};

use super::{
    Column, Dialect, Table, always_there, create, create_index, create_table, definition, foreign_key,
};

/// What a database has of a table: the names of its columns and of its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Existing {
    pub name: String,
    pub columns: Vec<String>,
    pub indexes: Vec<String>,
}

/// A step of a migration: what it does, for people, and the statements that do it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub what: String,
    pub statements: Vec<String>,
}

/// Why a database cannot be brought to what the declarations need.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A column is no longer declared; dropping it would lose what it holds.
    #[error("the table '{table}' has a column '{column}' that nothing declares; dropping it would lose data")]
    WouldLose { table: String, column: String },
}

/// The steps from what a database has to what the declarations need.
pub fn difference(existing: &[Existing], wanted: &[Table], dialect: Dialect) -> Result<Vec<Step>, Refusal> {
    let found = |table: &Table| existing.iter().find(|found| found.name == table.name);
    // Rows that are there get what a new column refers to, so that must be there before.
    let fills =
        wanted.iter().any(|table| found(table).is_some_and(|found| !obligatory(table, found).is_empty()));
    let mut steps = Vec::new();
    for table in wanted {
        let Some(found) = found(table) else {
            let what = format!("create the table '{}'", table.name);
            steps.push(Step { what, statements: create(table, dialect) });
            continue;
        };
        if let Some(column) =
            found.columns.iter().find(|name| table.columns.iter().all(|own| own.name != **name))
        {
            return Err(Refusal::WouldLose { table: table.name.clone(), column: column.clone() });
        }
        if fills && !table.rows.is_empty() {
            let what = format!("write the rows that the table '{}' always has", table.name);
            steps.push(Step { what, statements: always_there(table, dialect).collect() });
        }
        match obligatory(table, found).first() {
            Some(column) if dialect == Dialect::Sqlite => steps.push(rebuild(table, found, column)),
            _ => alter(table, found, dialect, &mut steps),
        }
    }
    Ok(steps)
}

/// The columns that a table lacks and that none of its rows can be without.
fn obligatory<'t>(table: &'t Table, found: &Existing) -> Vec<&'t Column> {
    table.columns.iter().filter(|own| own.default.is_some() && !found.columns.contains(&own.name)).collect()
}

/// Adds to a table what it lacks.
fn alter(table: &Table, found: &Existing, dialect: Dialect, steps: &mut Vec<Step>) {
    for column in table.columns.iter().filter(|own| !found.columns.contains(&own.name)) {
        let what = format!("add the column '{}' to the table '{}'", column.name, table.name);
        let fill = table.fill.iter().filter(|(name, _)| *name == column.name);
        let statements = std::iter::once(add_column(table, column, dialect));
        steps.push(Step { what, statements: statements.chain(fill.map(|(_, sql)| sql.clone())).collect() });
    }
    for index in table.indexes.iter().filter(|index| !found.indexes.contains(&table.index_name(index))) {
        let what = format!("add the index '{}' to the table '{}'", table.index_name(index), table.name);
        steps.push(Step { what, statements: vec![create_index(table, index, dialect)] });
    }
    for index in table.former.iter().filter(|name| found.indexes.contains(name)) {
        let what = format!("drop the index '{index}' of the table '{}', whose work another does", table.name);
        steps.push(Step { what, statements: vec![format!("DROP INDEX \"{index}\"")] });
    }
    for column in obligatory(table, found) {
        let of = |reference: &&super::Reference| {
            reference.columns.len() > 1 && reference.columns.contains(&column.name)
        };
        let statements = table.references.iter().filter(of).flat_map(|reference| {
            let drop = format!(
                "ALTER TABLE \"{}\" DROP CONSTRAINT IF EXISTS \"{}\"",
                table.name,
                table.reference_name(reference)
            );
            [drop, foreign_key(table, reference).to_string(PostgresQueryBuilder)]
        });
        let statements: Vec<_> = statements.collect();
        if !statements.is_empty() {
            let what = format!("keep the references of the table '{}' within '{}'", table.name, column.name);
            steps.push(Step { what, statements });
        }
    }
}

/// Puts a table of the wanted form, with the rows of the old one, in its place.
fn rebuild(table: &Table, found: &Existing, column: &Column) -> Step {
    let new = format!("new_{}", table.name);
    let kept = table.columns.iter().filter(|own| found.columns.contains(&own.name));
    let kept: Vec<_> = kept.map(|own| format!("\"{}\"", own.name)).collect();
    let (name, kept) = (&table.name, kept.join(", "));
    let mut statements = vec![
        create_table(table, &new, Dialect::Sqlite),
        format!("INSERT INTO \"{new}\" ({kept}) SELECT {kept} FROM \"{name}\""),
        format!("DROP TABLE \"{name}\""),
        format!("ALTER TABLE \"{new}\" RENAME TO \"{name}\""),
    ];
    statements.extend(table.indexes.iter().map(|index| create_index(table, index, Dialect::Sqlite)));
    Step { what: format!("add the column '{}' to the table '{name}' and its keys", column.name), statements }
}

/// Adds a column. SQLite takes a reference only within the column's own definition.
fn add_column(table: &Table, column: &Column, dialect: Dialect) -> String {
    let mut statement = Ddl::alter();
    let mut def = definition(column, dialect);
    if let Some(reference) = table.references.iter().find(|reference| reference.is_of(column)) {
        let rule = match reference.on_delete {
            OnDelete::Restrict => "NO ACTION",
            OnDelete::Cascade => "CASCADE",
            OnDelete::Null => "SET NULL",
        };
        let key = reference.keys.join("\", \"");
        def.extra(format!("REFERENCES \"{}\" (\"{key}\") ON DELETE {rule}", reference.table));
    }
    statement.table(Alias::new(&table.name)).add_column(&mut def);
    match dialect {
        Dialect::Sqlite => statement.to_string(SqliteQueryBuilder),
        Dialect::Postgres => statement.to_string(PostgresQueryBuilder),
    }
}

#[cfg(test)]
mod tests {
    use entities::schema::types::{TAGS, UUID};
    use entities::schema::{Declarations, DefaultWorkspace, Entity, Profile, STRING, foreign};

    use super::super::{WS_ID, tables};
    use super::*;

    static SPACES: Entity = Entity::new("spaces")
        .endpoint_key("name")
        .default_workspace(DefaultWorkspace { id: uuid::Uuid::from_u128(7), name: "first" })
        .fields(&[("id", UUID), ("name", STRING.required().unique())])
        .build();
    static TEAMS: Entity = Entity::new("teams")
        .workspaceable()
        .fields(&[("id", UUID), ("name", STRING.unique()), ("tags", TAGS)])
        .build();
    static PEOPLE: Entity = Entity::new("people")
        .workspaceable()
        .fields(&[("id", UUID), ("team", foreign(&TEAMS)), ("mail", STRING.unique().unique_across_ws())])
        .build();

    fn wanted() -> Vec<Table> {
        tables(&Declarations::new(&[&SPACES, &TEAMS, &PEOPLE], &Profile::default()))
    }

    /// A table with all that is wanted of it.
    fn whole(table: &Table) -> Existing {
        Existing {
            name: table.name.clone(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            indexes: table.indexes.iter().map(|index| table.index_name(index)).collect(),
        }
    }

    /// The tables as they were before rows belonged to a workspace.
    fn before() -> Vec<Existing> {
        let mut before: Vec<_> = wanted().iter().map(whole).collect();
        for table in &mut before {
            table.columns.retain(|name| name != WS_ID);
            table.indexes.iter_mut().for_each(|name| *name = name.replace("_ws_id", ""));
        }
        before
    }

    fn steps(existing: &[Existing], dialect: Dialect) -> Vec<(String, String)> {
        let steps = difference(existing, &wanted(), dialect).unwrap();
        steps.into_iter().map(|step| (step.what, step.statements.join("; "))).collect()
    }

    #[test]
    fn what_is_as_wanted_needs_no_step() {
        let existing: Vec<_> = wanted().iter().map(whole).collect();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            assert_eq!(steps(&existing, dialect), []);
        }
    }

    #[test]
    fn the_default_workspace_is_there_before_rows_belong_to_it() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let steps = steps(&before(), dialect);
            let place = |text: &str| steps.iter().position(|(what, _)| what.contains(text)).unwrap();
            assert!(place("always has") < place("'ws_id' to the table 'teams'"), "{steps:?}");
            let (_, written) = &steps[place("always has")];
            assert!(written.contains("'00000000-0000-0000-0000-000000000007', 'first'"), "{written}");
            // Tags of what belongs to no workspace have none either.
            let (_, tagged) = &steps[place("'ws_id' to the table 'tags'")];
            assert!(tagged.ends_with("WHERE \"entity\" NOT IN ('spaces')"), "{tagged}");
        }
    }

    #[test]
    fn postgresql_keeps_the_table_and_changes_its_keys() {
        let sql: Vec<_> = steps(&before(), Dialect::Postgres).into_iter().map(|(_, sql)| sql).collect();
        let has = |text: &str| sql.iter().any(|sql| sql.contains(text));
        assert!(has("NOT NULL DEFAULT '00000000-0000-0000-0000-000000000007'"), "{sql:#?}");
        assert!(has("(\"ws_id\", \"name\")") && has("DROP INDEX \"teams_name_key\""), "{sql:#?}");
        assert!(has("DROP CONSTRAINT IF EXISTS \"people_team_id_fkey\""), "{sql:#?}");
        assert!(
            has("FOREIGN KEY (\"ws_id\", \"team_id\") REFERENCES \"teams\" (\"ws_id\", \"id\")"),
            "{sql:#?}"
        );
        // What is unique over all workspaces stays so.
        assert!(!has("people_mail_key"), "{sql:#?}");
    }

    #[test]
    fn sqlite_gets_a_new_table_with_the_rows_of_the_old_one() {
        let steps = steps(&before(), Dialect::Sqlite);
        let (_, sql) = steps.iter().find(|(what, _)| what.contains("'people' and its keys")).unwrap();
        let parts: Vec<_> = sql.split("; ").collect();
        assert!(parts[0].starts_with("CREATE TABLE IF NOT EXISTS \"new_people\""), "{sql}");
        assert_eq!(
            &parts[1..4],
            [
                "INSERT INTO \"new_people\" (\"id\", \"team_id\", \"mail\") SELECT \"id\", \"team_id\", \"mail\" FROM \"people\"",
                "DROP TABLE \"people\"",
                "ALTER TABLE \"new_people\" RENAME TO \"people\"",
            ]
        );
        assert!(sql.contains("\"people_mail_key\" ON \"people\" (\"mail\")"), "{sql}");
    }
}
