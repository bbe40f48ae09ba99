//! Laws, tried on inputs that nobody chose: paging, merging, the store against a model of it, documents against
//! the store that they bring about, and forms against JSON. The inputs are few enough for every run; a failure prints the smallest one that was found.

mod configurations;
mod forms;
mod merging;
mod model;
mod paging;

use proptest::test_runner::Config;

/// So many inputs, unless `PROPTEST_CASES` says otherwise, and no file for those that failed: they become tests by
/// hand.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}
