//! `silverback token …`: the tokens of the Admin API, in a store that nobody serves or through a running node.
//!
//! The token is made here, printed once, and sent nowhere: the store gets its digest.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use entities::schema::access::{Access, digest};
use entities::schema::{Entity, Row};
use generators::operations::{Action, Operation, Page, key};
use generators::output::escape;
use generators::routes::Place;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use silverback::admin::Refusal;
use silverback::long_secret;
use silverback::node::Node;

use super::config::remote::{Address, Remote};
use super::config::{Source, close};

/// What `silverback token` is told.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Command,
    #[command(flatten)]
    source: Source,
}

#[derive(Subcommand)]
enum Command {
    /// Make a token and print it; it is kept nowhere, so that this is the only time.
    Create {
        /// Whose it is; the audit trail keeps the name.
        name: String,
        /// A role that it stands for; may be given several times. `admin` and `read-only` are always there.
        #[arg(long = "role", value_name = "ROLE", default_value = "read-only")]
        roles: Vec<String>,
        /// For how long it holds, in seconds; without it for ever.
        #[arg(long, value_name = "SECONDS")]
        expires_in: Option<u32>,
        #[command(flatten)]
        address: Address,
    },
    /// List the tokens, without what makes them tokens.
    List {
        #[command(flatten)]
        address: Address,
    },
    /// Take a token away: from now on it lets nobody in.
    Revoke {
        /// The name of the token, or its id.
        name: String,
        #[command(flatten)]
        address: Address,
    },
}

/// Who keeps the tokens.
enum Keeper {
    /// This process, over the database.
    Here(Arc<Node>, &'static Entity),
    /// A node that is running.
    There(Box<Remote>),
}

/// `silverback token …`
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    super::runtime()?.block_on(async {
        let keeper = Keeper::open(&arguments.source, arguments.action.address()).await?;
        let done = carry_out(&keeper, &arguments.action).await;
        keeper.close().await;
        done.map(|()| ExitCode::SUCCESS)
    })
}

impl Command {
    fn address(&self) -> &Address {
        match self {
            Command::Create { address, .. } | Command::List { address } | Command::Revoke { address, .. } => {
                address
            }
        }
    }
}

async fn carry_out(keeper: &Keeper, command: &Command) -> Result<()> {
    match command {
        Command::Create { name, roles, expires_in, .. } => {
            let token = long_secret();
            let mut row = json!({ "name": name, "roles": roles, "digest": digest(&token) });
            if let (Some(seconds), Some(row)) = (expires_in, row.as_object_mut()) {
                row.insert(
                    "expires_at".to_owned(),
                    Value::from(silverback::now().saturating_add(i64::from(*seconds))),
                );
            }
            keeper.create(row).await?;
            println!("{token}");
        }
        Command::List { .. } => {
            for row in keeper.list().await? {
                let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let roles = row.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let roles: Vec<_> = roles.iter().filter_map(Value::as_str).collect();
                let end = row.get("expires_at").and_then(Value::as_i64);
                let end = end.map_or_else(|| "never".to_owned(), |end| end.to_string());
                println!("{}\t{}\t{}\texpires {end}", text("id"), text("name"), roles.join(","));
            }
        }
        Command::Revoke { name, .. } => keeper.delete(name).await?,
    }
    Ok(())
}

impl Keeper {
    async fn open(source: &Source, address: &Address) -> Result<Keeper> {
        if let Some(remote) = address.open()? {
            return Ok(Keeper::There(Box::new(remote)));
        }
        let mut settings = source.settings()?;
        // Tokens can be made before they are asked for.
        settings.access.enforced = true;
        let node = Source::open_with(&settings).await?;
        let is_token = |entity: &&'static Entity| matches!(entity.access, Some(Access::Tokens { .. }));
        let entity = node.declarations.entities().find(is_token).context("no entity holds tokens")?;
        Ok(Keeper::Here(node, entity))
    }

    async fn create(&self, row: Value) -> Result<()> {
        match self {
            Keeper::Here(node, entity) => {
                let Value::Object(row) = row else { bail!("a token is a row") };
                let (action, place) = (Action::Create, Place::Collection(entity));
                let operation = Operation { action, place, parameters: Vec::new(), row, textual: false };
                let written = node.store.default_space().write(operation).await;
                written.map_err(|failure| refused(&Refusal::from(failure)))?;
                node.access_changed().await;
                Ok(())
            }
            Keeper::There(remote) => ask(remote, Method::POST, PATH, Some(row)).await.map(drop),
        }
    }

    async fn list(&self) -> Result<Vec<Row>> {
        let (mut rows, mut after) = (Vec::new(), None);
        match self {
            Keeper::Here(node, entity) => loop {
                let page = Page { size: PAGE, after, ..Page::default() };
                let found = node.store.default_space().page(entity, &page).await;
                let slice = found.map_err(|failure| refused(&Refusal::from(failure)))?;
                for json in &slice.rows {
                    rows.push(serde_json::from_slice(json)?);
                }
                match slice.goes_on_after {
                    Some(id) => after = Some(id),
                    None => return Ok(rows),
                }
            },
            Keeper::There(remote) => {
                let mut path = format!("{PATH}?size={PAGE}");
                loop {
                    let page = ask(remote, Method::GET, &path, None).await?;
                    let found =
                        page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                    rows.extend(found.iter().filter_map(Value::as_object).cloned());
                    match page.get("offset").and_then(Value::as_str) {
                        Some(offset) => path = format!("{PATH}?size={PAGE}&offset={}", escape(offset)),
                        None => return Ok(rows),
                    }
                }
            }
        }
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let path = format!("{PATH}/{}", escape(name));
        match self {
            Keeper::Here(node, entity) => {
                let gone = || anyhow!("there is no token '{name}'");
                let space = node.store.default_space();
                let circumstances = node.circumstances();
                let key = key(entity, name, &circumstances.context()).map_err(|_| gone())?;
                let id = space.id(entity, &key).await.map_err(|failure| refused(&Refusal::from(failure)))?;
                let deleted = space.write(Operation::delete(entity, &id.ok_or_else(gone)?)).await;
                deleted.map_err(|failure| refused(&Refusal::from(failure)))?;
                node.access_changed().await;
                Ok(())
            }
            Keeper::There(remote) => {
                ask(remote, Method::GET, &path, None).await?;
                ask(remote, Method::DELETE, &path, None).await.map(drop)
            }
        }
    }

    async fn close(self) {
        if let Keeper::Here(node, _) = self {
            close(node).await;
        }
    }
}

/// The tokens of a running node.
const PATH: &str = "/admin-tokens";
/// How many are asked for at once.
const PAGE: usize = 1000;

async fn ask(remote: &Remote, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
    let (status, answer) = remote.send(method, path, body).await?;
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
    match status {
        StatusCode::NOT_FOUND if path.starts_with(&format!("{PATH}/")) => bail!("there is no such token"),
        StatusCode::NOT_FOUND => bail!("the node knows no tokens: it runs with enforce_rbac = off"),
        status if status.is_success() => Ok(answer),
        status => bail!("the node refuses: {status} {message}"),
    }
}

fn refused(refusal: &Refusal) -> anyhow::Error {
    let message = refusal.body.get("message").and_then(Value::as_str).unwrap_or_default();
    anyhow!("{message}")
}
