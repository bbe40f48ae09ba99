//! What several tests stand on: servers, clients and databases. It deliberately asserts nothing about answers.

pub mod client;
pub mod postgres;
pub mod process;
