//! Laws, tried on inputs that nobody chose: paging, merging, the store against a model of it, and forms against
//! JSON. The inputs are few enough for every run; a failure prints the smallest one that was found.

mod forms;
mod merging;
mod model;
mod paging;

use proptest::test_runner::Config;

/// So many inputs, and no file for those that failed: they become tests by hand. `PROPTEST_CASES=2560` tries ten
/// times as many.
fn cases(cases: u32) -> Config {
    let usual = Config::default();
    let cases = cases * usual.cases.div_ceil(256);
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..usual }
}
