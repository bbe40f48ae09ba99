//! What a client can see, and what the architecture promises: one binary, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in what it calls"
)]

mod access;
mod config_commands;
mod conformance;
mod crash;
mod dbless;
mod documents;
mod encryption;
mod every_entity;
mod explorer;
mod extensions;
mod fuzz_corpus;
mod http;
mod invariants;
mod json_schema;
mod listeners;
mod logs;
mod migrations;
mod node;
mod openapi;
mod properties;
mod reload;
mod scenarios;
mod several_nodes;
mod slow_clients;
mod snapshots;
mod support;
mod traces;
mod upgrade;
mod workspaces;
