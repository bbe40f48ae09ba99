//! Reads a pattern into its groups, item by item: what stands between parentheses, and what closes them.
//!
//! What an opening parenthesis begins is read in `parentheses`.

use std::collections::HashMap;

use super::atoms::{Cursor, Escape};
use super::meaning::{Group, Kind, Name, Piece, Reference, Target, Tree};
use super::{Fault, words};

/// How deep parentheses may nest.
const DEEPEST: usize = 250;
pub const ASSERTION_EXPECTED: &str = "atomic assertion expected after (?( or (?(?C)";

/// The options that change how a pattern is read.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// `x`: blanks and comments mean nothing.
    pub extended: bool,
    /// `xx`: nor do blanks in classes.
    pub extended_more: bool,
    /// `n`: plain parentheses capture nothing.
    pub no_captures: bool,
    /// `J`: two captures may have one name.
    pub repeated_names: bool,
}

/// A group that is not closed yet.
pub struct Open<'a> {
    pub group: Group<'a>,
    /// The options before the group, which hold again behind it.
    pub outside: Options,
    /// For `(?|`: the captures before the group, and the most that one of its branches reached.
    pub shared: Option<(u32, u32)>,
    /// The group is the assertion of a condition and takes no quantifier.
    pub tested: bool,
}

/// Whether the assertion of a condition must come next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Nothing,
    Assertion,
    /// Or a callout before it.
    AssertionOrCallout,
}

/// A pattern that is being read.
pub struct Reader<'a> {
    pub cursor: Cursor<'a>,
    pub options: Options,
    pub captures: u32,
    pub names: Vec<(&'a [u8], Name)>,
    pub shared_numbers: bool,
    /// The place of the first reference to each of the groups below ten.
    first_references: [Option<usize>; 10],
    /// The pattern itself, and the groups that are open within it.
    whole: Open<'a>,
    pub open: Vec<Open<'a>>,
    /// The piece before can be repeated.
    pub repeatable: bool,
    /// The piece before is a quantifier, which `?` or `+` may follow.
    quantified: bool,
    /// Within `\Q…\E`.
    quoted: bool,
    pub expected: Expected,
}

/// Reads a pattern.
///
/// # Errors
/// The first fault of its grammar.
pub fn read(pattern: &[u8]) -> Result<Tree<'_>, Fault> {
    let mut reader = Reader {
        cursor: Cursor { text: pattern, at: 0 },
        options: Options::default(),
        captures: 0,
        names: Vec::new(),
        shared_numbers: false,
        first_references: [None; 10],
        whole: Open::new(Kind::Plain, 0, 0, Options::default()),
        open: Vec::new(),
        repeatable: false,
        quantified: false,
        quoted: false,
        expected: Expected::Nothing,
    };
    reader.start_options()?;
    while reader.cursor.peek().is_some() {
        if reader.open.len() > DEEPEST {
            return reader.cursor.fault("parentheses are too deeply nested");
        }
        reader.item()?;
    }
    if !reader.open.is_empty() {
        return reader.cursor.fault(words::UNCLOSED);
    }
    let mut names = HashMap::new();
    for (text, name) in reader.names {
        names.entry(text).or_insert(name);
    }
    Ok(Tree {
        root: reader.whole.group,
        captures: reader.captures,
        names,
        shared_numbers: reader.shared_numbers,
        length: pattern.len(),
    })
}

impl<'a> Open<'a> {
    pub fn new(kind: Kind<'a>, offset: usize, start: usize, outside: Options) -> Open<'a> {
        let group = Group { kind, offset, start, end: start, branches: vec![Vec::new()] };
        Open { group, outside, shared: None, tested: false }
    }
}

impl<'a> Reader<'a> {
    /// Skips what a pattern may say of its own matching, such as `(*NO_JIT)` or `(*LIMIT_DEPTH=5)`.
    fn start_options(&mut self) -> Result<(), Fault> {
        const WORDS: [&[u8]; 18] = [
            b"UTF)",
            b"UCP)",
            b"NOTEMPTY)",
            b"NOTEMPTY_ATSTART)",
            b"NO_AUTO_POSSESS)",
            b"NO_DOTSTAR_ANCHOR)",
            b"NO_JIT)",
            b"NO_START_OPT)",
            b"CASELESS_RESTRICT)",
            b"CR)",
            b"LF)",
            b"CRLF)",
            b"ANY)",
            b"NUL)",
            b"ANYCRLF)",
            b"BSR_ANYCRLF)",
            b"BSR_UNICODE)",
            b"UTF8)",
        ];
        const LIMITS: [&[u8]; 4] = [b"LIMIT_HEAP=", b"LIMIT_MATCH=", b"LIMIT_DEPTH=", b"LIMIT_RECURSION="];
        while let Some(rest) = self.cursor.rest().strip_prefix(b"(*") {
            let starts = |word: &&&[u8]| rest.starts_with(word);
            if let Some(word) = WORDS.iter().find(starts) {
                self.cursor.at += 2 + word.len();
            } else if let Some(word) = LIMITS.iter().find(starts) {
                self.cursor.at += 2 + word.len();
                let start = self.cursor.at;
                self.cursor.skip_while(|byte| byte.is_ascii_digit());
                if self.cursor.at == start || !self.cursor.eat(b')') {
                    return self.cursor.fault(words::VERB);
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    fn item(&mut self) -> Result<(), Fault> {
        let start = self.cursor.at;
        let Some(byte) = self.cursor.next() else { return Ok(()) };
        if self.quoted {
            if byte == b'\\' && self.cursor.eat(b'E') {
                self.quoted = false;
                return Ok(());
            }
            if self.expected != Expected::Nothing {
                return self.cursor.fault_back(ASSERTION_EXPECTED);
            }
            self.quantified = false;
            self.single();
            return Ok(());
        }
        if byte == b'\\' && matches!(self.cursor.peek(), Some(b'Q' | b'E')) {
            self.quoted = self.cursor.next() == Some(b'Q');
            return Ok(());
        }
        if self.options.extended {
            if matches!(byte, b' ' | b'\t'..=b'\r' | 0x85) {
                return Ok(());
            }
            if byte == b'#' {
                self.cursor.skip_while(|byte| byte != b'\n');
                self.cursor.eat(b'\n');
                return Ok(());
            }
        }
        if byte == b'(' && self.cursor.rest().starts_with(b"?#") {
            self.cursor.skip_while(|byte| byte != b')');
            if !self.cursor.eat(b')') {
                return self.cursor.fault("missing ) after (?# comment");
            }
            return Ok(());
        }
        if self.expected != Expected::Nothing && !self.opens_assertion(byte) {
            return self.cursor.fault_back(ASSERTION_EXPECTED);
        }
        let expected = std::mem::replace(&mut self.expected, Expected::Nothing);
        let repeatable = std::mem::take(&mut self.repeatable);
        let quantified = std::mem::take(&mut self.quantified);
        if quantified && matches!(byte, b'?' | b'+') {
            return Ok(());
        }
        match byte {
            b'\\' => self.escape(),
            b'^' | b'$' => {
                self.push(Piece::Span { min: 0, max: 0 });
                Ok(())
            }
            b'*' => self.quantifier(repeatable, 0, None),
            b'+' => self.quantifier(repeatable, 1, None),
            b'?' => self.quantifier(repeatable, 0, Some(1)),
            b'{' => match self.cursor.times()? {
                Some((min, max)) => self.quantifier(repeatable, min, max),
                None => {
                    self.single();
                    Ok(())
                }
            },
            b'[' => self.bracket(),
            b'(' => self.parenthesis(start, expected),
            b'|' => {
                self.alternative();
                Ok(())
            }
            b')' => self.close(),
            _ => {
                self.single();
                Ok(())
            }
        }
    }

    /// Whether an assertion begins, or a callout where one may stand before it; `(` was read if that is `byte`.
    fn opens_assertion(&self, byte: u8) -> bool {
        let (first, second, third) = (self.cursor.peek(), self.cursor.peek_at(1), self.cursor.peek_at(2));
        byte == b'('
            && third.is_some()
            && match (first, second) {
                (Some(b'*'), Some(letter)) => letter.is_ascii_lowercase(),
                (Some(b'?'), Some(b'C')) => self.expected == Expected::AssertionOrCallout,
                (Some(b'?'), Some(b'=' | b'!')) => true,
                (Some(b'?'), Some(b'<')) => matches!(third, Some(b'=' | b'!')),
                _ => false,
            }
    }

    /// The group that is being read, which may be the pattern itself.
    pub fn current(&mut self) -> &mut Open<'a> {
        self.open.last_mut().unwrap_or(&mut self.whole)
    }

    pub fn push(&mut self, piece: Piece<'a>) {
        if let Some(branch) = self.current().group.branches.last_mut() {
            branch.push(piece);
        }
    }

    /// An item of one byte. A row of such items is one piece, from which a quantifier takes the last.
    fn single(&mut self) {
        self.repeatable = true;
        let branch = self.current().group.branches.last_mut();
        match branch.and_then(|branch| branch.last_mut()) {
            Some(Piece::Run(count)) => *count = count.saturating_add(1),
            _ => self.push(Piece::Run(1)),
        }
    }

    fn quantifier(&mut self, repeatable: bool, min: u32, max: Option<u32>) -> Result<(), Fault> {
        if !repeatable {
            return self.cursor.fault_back("quantifier does not follow a repeatable item");
        }
        self.quantified = true;
        if let Some(branch) = self.current().group.branches.last_mut() {
            // A verb that is repeated stands in a group of its own, and so stops that group alone.
            if let Some(verb) = branch.pop_if(|piece| matches!(piece, Piece::Stop)) {
                let mut group = Open::new(Kind::Plain, 0, 0, Options::default()).group;
                group.branches = vec![vec![verb]];
                branch.push(Piece::Group(group));
            }
            branch.push(Piece::Repeat { min, max });
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let letter = match self.cursor.escape(self.captures, false)? {
            Escape::Literal(_) => {
                self.single();
                return Ok(());
            }
            Escape::Back(number) => {
                let at = self.cursor.at - 1;
                let first =
                    usize::try_from(number).ok().and_then(|index| self.first_references.get_mut(index));
                let offset = first.map_or(at, |first| *first.get_or_insert(at));
                self.reference(Target::Number(number), false, at, offset);
                return Ok(());
            }
            Escape::Letter(letter) => letter,
        };
        match letter {
            b'g' | b'k' => return self.named_escape(letter),
            b'p' | b'P' => {
                self.cursor.property()?;
                self.single();
            }
            b'A' | b'B' | b'G' | b'Z' | b'b' | b'z' => self.push(Piece::Span { min: 0, max: 0 }),
            b'K' => self.push(Piece::Keep),
            b'R' => {
                self.repeatable = true;
                self.push(Piece::Span { min: 1, max: 2 });
            }
            b'X' => {
                self.repeatable = true;
                self.push(Piece::Unlimited);
            }
            _ => self.single(),
        }
        Ok(())
    }

    /// `\k` with a name, or `\g` with a name or number in angle brackets or quotes, which calls that group.
    fn named_escape(&mut self, letter: u8) -> Result<(), Fault> {
        let close = match self.cursor.peek() {
            Some(b'<') => b'>',
            Some(b'\'') => b'\'',
            Some(b'{') => b'}',
            _ => {
                return self.cursor.fault("\\k is not followed by a braced, angle-bracketed, or quoted name");
            }
        };
        let call = letter == b'g' && close != b'}';
        if call {
            let mut inside = self.cursor;
            inside.at += 1;
            let number = inside
                .group_number(self.captures)
                .map_err(|fault| Fault { offset: self.cursor.at, ..fault })?;
            if let Some(number) = number {
                if inside.peek() != Some(close) {
                    return self.cursor.fault(
                        "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number",
                    );
                }
                self.reference(Target::Number(number), true, inside.at, inside.at);
                self.cursor.at = inside.at + 1;
                return Ok(());
            }
        }
        let (name, offset) = self.cursor.name(close)?;
        self.reference(Target::Name(name), call, offset, offset);
        Ok(())
    }

    pub fn reference(&mut self, target: Target<'a>, call: bool, at: usize, offset: usize) {
        self.repeatable = true;
        self.push(Piece::Reference(Reference { target, call, at, offset }));
    }

    fn bracket(&mut self) -> Result<(), Fault> {
        let rest = self.cursor.rest();
        if rest.starts_with(b"[:<:]]") || rest.starts_with(b"[:>:]]") {
            self.cursor.at += 6;
            self.repeatable = true;
            self.push(Piece::Span { min: 0, max: 0 });
            return Ok(());
        }
        if self.cursor.posix().is_some() {
            return self.cursor.fault_back(if self.cursor.peek() == Some(b':') {
                "POSIX named classes are supported only within a class"
            } else {
                "POSIX collating elements are not supported"
            });
        }
        self.cursor.class(self.options.extended_more)?;
        self.single();
        Ok(())
    }

    fn alternative(&mut self) {
        let captures = self.captures;
        let mut restart = captures;
        let open = self.current();
        if let Some((before, most)) = &mut open.shared {
            *most = captures.max(*most);
            restart = *before;
        }
        open.group.branches.push(Vec::new());
        self.captures = restart;
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(mut open) = self.open.pop() else {
            return self.cursor.fault_back("unmatched closing parenthesis");
        };
        self.repeatable = !open.tested;
        self.options = open.outside;
        if let Some((_, most)) = open.shared {
            self.captures = self.captures.max(most);
        }
        open.group.end = self.cursor.at;
        self.push(Piece::Group(open.group));
        Ok(())
    }
}
