//! Produces the program's own text, taken apart: code, comments and literals. It deliberately understands no more
//! of Rust than where these begin and end, and where the tests of a file do.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the program.
pub struct Source {
    /// From the root of the repository.
    pub path: String,
    pub text: String,
    /// The text without comments and without what stands in literals; line for line the same.
    code: String,
    /// The literals and their lines, counted from 1.
    texts: Vec<(usize, String)>,
    /// The line at which the file's tests begin.
    tests: usize,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below these folders.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| collect(&root().join(folder), &mut files));
    files.sort();
    assert!(!files.is_empty(), "no file below {folders:?}");
    files.iter().map(|file| Source::read(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Declarations that are meant to be wrong are no part of the program.
        if path.is_dir() && !path.ends_with("tests/wrong") {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    fn read(file: &Path) -> Source {
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        let text = fs::read_to_string(file).unwrap();
        let (code, texts) = take_apart(&text);
        let tests =
            code.lines().position(|line| line.trim() == "#[cfg(test)]").map_or(usize::MAX, |line| line + 1);
        let tests = if path.ends_with("/tests.rs") { 1 } else { tests };
        Source { path, text, code, texts, tests }
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}: {}", self.path, self.text.lines().nth(line - 1).unwrap_or_default().trim())
    }

    fn code_that(&self, matches: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.code.lines().enumerate().map(|(i, line)| (i + 1, line));
        let found = lines.filter(|(line, code)| *line < self.tests && matches(code));
        found.map(|(line, _)| self.at(line)).collect()
    }

    /// The lines of code, outside of tests, that hold `part`.
    pub fn code_with(&self, part: &str) -> Vec<String> {
        self.code_that(|code| code.contains(part))
    }

    /// The lines of code, outside of tests, that hold `word` by itself.
    pub fn code_with_word(&self, word: &str) -> Vec<String> {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.code_that(|code| code.split(|letter| !is_part(letter)).any(|own| own == word))
    }

    /// The lines, outside of tests, with a literal that `matches`.
    pub fn texts_that(&self, matches: impl Fn(&str) -> bool) -> Vec<String> {
        let found = self.texts.iter().filter(|(line, text)| *line < self.tests && matches(text));
        found.map(|(line, _)| self.at(*line)).collect()
    }
}

/// Code without comments and literals, and the literals with their lines.
fn take_apart(text: &str) -> (String, Vec<(usize, String)>) {
    let letters: Vec<char> = text.chars().collect();
    let (mut code, mut texts, mut at, mut line) = (String::new(), Vec::new(), 0, 1);
    let is = |at: usize, word: &str| {
        word.chars().enumerate().all(|(i, letter)| letters.get(at + i) == Some(&letter))
    };
    while let Some(&letter) = letters.get(at) {
        let begin = at;
        let in_word = at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_');
        let raw = raw_marks(&letters[at..]).filter(|_| !in_word);
        if is(at, "//") {
            at += letters[at..].iter().take_while(|letter| **letter != '\n').count();
        } else if is(at, "/*") {
            while at < letters.len() && !is(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if let Some((prefix, marks)) = raw {
            let end = format!("\"{}", "#".repeat(marks));
            at += prefix + marks + 1;
            let start = at;
            while at < letters.len() && !is(at, &end) {
                at += 1;
            }
            texts.push((line, letters[start..at].iter().collect()));
            at += end.len();
            code.push_str("\"\"");
        } else if letter == '"' {
            at += 1;
            while at < letters.len() && letters[at] != '"' {
                at += if letters[at] == '\\' { 2 } else { 1 };
            }
            texts.push((line, letters[begin + 1..at.min(letters.len())].iter().collect()));
            at += 1;
            code.push_str("\"\"");
        } else if letter == '\'' && (is(at + 1, "\\") || letters.get(at + 2) == Some(&'\'')) {
            // A letter in quotes; anything else behind a quote is a lifetime.
            at += if is(at + 1, "\\") { 3 } else { 2 };
            while at < letters.len() && letters[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else {
            at += 1;
            code.push(letter);
        }
        let breaks = letters[begin..at.min(letters.len())].iter().filter(|letter| **letter == '\n').count();
        if breaks > 0 && letter != '\n' {
            code.extend(std::iter::repeat_n('\n', breaks));
        }
        line += breaks;
    }
    (code, texts)
}

/// The length of a raw literal's prefix (`r`, `br`), and the count of its marks.
fn raw_marks(letters: &[char]) -> Option<(usize, usize)> {
    let prefix = match letters {
        ['r', ..] => 1,
        ['b' | 'c', 'r', ..] => 2,
        _ => return None,
    };
    let marks = letters[prefix..].iter().take_while(|letter| **letter == '#').count();
    (letters.get(prefix + marks) == Some(&'"')).then_some((prefix, marks))
}

#[test]
fn text_is_taken_apart() {
    let text = "let a = \"x\\\"y\"; // \"no\"\nlet b: &'a str = r#\"z\"w\"#;\n/* \"no\n */ let c = ('\"', '\\'', b\"q\");\nlet d = \"1\n2\";\nawait";
    let (code, texts) = take_apart(text);
    let expected = [(1, "x\\\"y"), (2, "z\"w"), (4, "q"), (5, "1\n2")];
    assert_eq!(texts, expected.map(|(line, text)| (line, text.to_owned())));
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(code.lines().nth(1), Some("let b: &'a str = \"\";"));
    assert_eq!(code.lines().last(), Some("await"));
}
