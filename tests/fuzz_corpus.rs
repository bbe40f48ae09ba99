//! The fuzz targets in every test run: over the committed corpus, and over changes of it that are the same each time.
//! Searching for new inputs is libFuzzer's work; `fuzz/README.md` says how.

mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use targets::TARGETS;

/// How many changed inputs each target gets at most, and for how long.
const CHANGED: usize = 3000;
const TIME: Duration = Duration::from_secs(6);

/// No input grows beyond this many bytes.
const MOST: usize = 4 * 1024;

/// An input that takes longer hangs, also in a build without optimisation on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(20);

/// What numbers and texts break on.
const WORDS: [&[u8]; 16] = [
    b"\0",
    b"\xff",
    b"\r\n",
    b"%00",
    b"\\u0000",
    "\u{e9}\u{10ffff}".as_bytes(),
    b"-1",
    b"9223372036854775808",
    b"1e999",
    b"0x7fffffffffffffff",
    b"null",
    b"[[[[",
    b"{\"a\":",
    b"((((",
    b"..",
    b"{vault://env/a}",
];

/// Numbers that look random and are the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % (bound as u64).max(1)) as usize
    }

    /// A piece of an input, mostly a short one.
    fn piece(&mut self, of: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(of.len() + 1);
        let longest = if self.below(4) == 0 { of.len() - start } else { 8.min(of.len() - start) };
        start..start + self.below(longest + 1)
    }

    /// One change of an input.
    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let piece = self.piece(input);
        match self.below(6) {
            0 => input[piece].iter_mut().for_each(|byte| *byte ^= 1 << self.below(8)),
            1 => drop(input.drain(piece)),
            2 => drop(input.splice(piece, WORDS[self.below(WORDS.len())].iter().copied())),
            3 => {
                let repeated = input[piece.clone()].repeat(1 + self.below(64));
                drop(input.splice(piece, repeated));
            }
            4 => {
                let other = &corpus[self.below(corpus.len())];
                let taken = other[self.piece(other)].to_vec();
                drop(input.splice(piece, taken));
            }
            _ => input.truncate(piece.start),
        }
        input.truncate(MOST);
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// The names of what a folder holds.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs a target over its corpus and over changes of it.
fn run(name: &str, target: fn(&[u8])) {
    let folder = folder("corpus").join(name);
    let corpus: Vec<Vec<u8>> =
        names(&folder).iter().map(|file| fs::read(folder.join(file)).unwrap()).collect();
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|input| hold(name, target, input));
    let (mut numbers, began) = (Numbers(name.len() as u64), Instant::now());
    for serial in (0..CHANGED).take_while(|_| began.elapsed() < TIME) {
        let mut input = corpus[serial % corpus.len()].clone();
        for _ in 0..=numbers.below(4) {
            numbers.change(&mut input, &corpus);
        }
        hold(name, target, &input);
    }
}

/// The target keeps its promises on an input, and ends soon.
fn hold(name: &str, target: fn(&[u8]), input: &[u8]) {
    let began = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| target(input)));
    let took = began.elapsed();
    assert!(ended.is_ok(), "{name} panicked on {}", input.escape_ascii());
    assert!(took < PATIENCE, "{name} took {took:?} on {}", input.escape_ascii());
}

/// A test for each target, so that they run side by side.
macro_rules! run_each {
    ($($name:ident),*) => { $(
        #[test]
        fn $name() {
            let name = stringify!($name);
            run(name, TARGETS.iter().find(|(own, _)| *own == name).unwrap().1);
        }
    )* };
}

run_each!(
    addresses,
    declaration,
    expression,
    form,
    json,
    keys,
    lua_loader,
    lua_syntax,
    path,
    pattern,
    plugin_document,
    yaml
);

#[test]
fn every_target_has_a_corpus_and_a_program() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("corpus")), targets);
    let programs: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder("fuzz_targets")), programs);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in &targets {
        assert!(manifest.contains(&format!("\npath = \"fuzz_targets/{name}.rs\"\n")), "{name} is no program");
    }
}

/// Seeds from which a search goes further are those that get far.
#[test]
fn seeds_of_plugins_are_declared() {
    let accepted = |name: &str, file: &str| {
        let seed = fs::read(folder("corpus").join(name).join(file)).unwrap();
        targets::plugins(name, &seed).iter().filter(|plugin| plugin.is_ok()).count()
    };
    for file in ["checks", "entities", "plugin", "requires"] {
        assert_eq!(accepted("lua_loader", file), 1, "{file}");
    }
    for (file, forms) in [("entities", 1), ("json", 2), ("plugin", 1)] {
        assert_eq!(accepted("plugin_document", file), forms, "{file}");
    }
}
