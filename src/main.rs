//! The command: subcommands and their arguments. What they do lies in the library and below `command`.

mod command;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Kong's Admin API and control plane, in one binary with an embedded store.
#[derive(Parser)]
#[command(name = "silverback", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the Admin API.
    Start {
        /// The settings, in the form of kong.conf; without it /etc/kong/kong.conf and /etc/kong.conf are tried.
        #[arg(short, long, value_name = "FILE")]
        conf: Option<PathBuf>,
    },
    /// Read a file of settings and say what is wrong with it.
    Check {
        /// The settings, in the form of kong.conf.
        #[arg(value_name = "FILE")]
        conf: PathBuf,
    },
    /// Look after the tables of the database.
    Migrations {
        #[command(subcommand)]
        action: Migrations,
        /// The settings, in the form of kong.conf.
        #[arg(short, long, value_name = "FILE", global = true)]
        conf: Option<PathBuf>,
    },
    /// Configurations as files: check, import, export, compare and synchronise them.
    Config(command::config::Arguments),
    /// Tokens of the Admin API: make, list and revoke them.
    Token(command::token::Arguments),
    /// The keys with which secrets are kept encrypted.
    Keyring {
        #[command(subcommand)]
        action: command::keyring::Action,
    },
    /// Print the endpoint table.
    Routes,
    /// Print what `GET /schemas/ENTITY` answers.
    Schema {
        /// The entity, such as `services`; or a plugin, such as `plugins/cors`.
        entity: String,
    },
    /// Print the version.
    Version,
}

#[derive(Subcommand)]
enum Migrations {
    /// List the steps that the database needs.
    List,
    /// Take the steps that the database needs.
    Up,
    /// Complete what `up` began; `up` leaves nothing behind, so this only says so.
    Finish,
    /// Drop every table and all that they hold.
    Reset {
        /// Do it without asking.
        #[arg(short, long)]
        yes: bool,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell that the terminal is gone.
            let _printed = error.print();
            // A misspelt argument is an error like any other; 2 is what `config diff` says of a difference.
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let result = match arguments.command {
        Command::Config(arguments) => {
            return command::config::run(&arguments).unwrap_or_else(|error| failed(&error));
        }
        Command::Token(arguments) => {
            return command::token::run(&arguments).unwrap_or_else(|error| failed(&error));
        }
        Command::Keyring { action } => command::keyring::run(&action),
        Command::Start { conf } => command::start(conf.as_deref()),
        Command::Check { conf } => command::check(&conf),
        Command::Migrations { action, conf } => match action {
            Migrations::List => command::list_migrations(conf.as_deref()),
            Migrations::Up => command::migrate(conf.as_deref()),
            Migrations::Finish => command::finish_migrations(conf.as_deref()),
            Migrations::Reset { yes } => command::reset(conf.as_deref(), yes),
        },
        Command::Routes => command::routes(),
        Command::Schema { entity } => command::schema(&entity),
        Command::Version => command::version(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Says why, and that it went wrong.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("Error: {error:#}");
    ExitCode::FAILURE
}
