//! Reads classes in brackets, the POSIX classes in them, and properties.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use super::atoms::{Cursor, Escape};
use super::{Fault, words};

/// The longest name of a property, without the spaces in it.
const LONGEST_PROPERTY: usize = 49;

/// How the members of a class may join into a range.
#[derive(Clone, Copy)]
enum Range {
    /// The next hyphen stands for itself.
    No,
    /// A hyphen after this byte would make a range.
    Possible(u8),
    /// This byte and a hyphen were read.
    Started(u8),
    /// A hyphen after the class or property just read would be a fault, unless it is the last member.
    Forbidden,
    /// That hyphen was read, and this is the place behind it.
    ForbiddenStarted(usize),
}

impl Cursor<'_> {
    /// Reads the name of a property behind `\p` or `\P`.
    pub fn property(&mut self) -> Result<(), Fault> {
        let mut name = String::new();
        match self.next() {
            Some(b'{') => self.braced_property(&mut name)?,
            Some(letter) if letter.is_ascii_alphabetic() => name.push(char::from(letter)),
            _ => return self.fault("malformed \\P or \\p sequence"),
        }
        if is_property(&name.to_ascii_lowercase()) {
            return Ok(());
        }
        self.fault("unknown property after \\P or \\p")
    }

    fn braced_property(&mut self, name: &mut String) -> Result<(), Fault> {
        let malformed = "malformed \\P or \\p sequence";
        let mut negated = false;
        while name.len() < LONGEST_PROPERTY {
            match self.next() {
                None => return self.fault(malformed),
                Some(b'_' | b'-' | b' ' | b'\t'..=b'\r') => {}
                Some(b'^') if name.is_empty() && !negated => negated = true,
                Some(b'}') => return Ok(()),
                Some(byte @ b'&'..=b'z') => name.push(char::from(byte)),
                Some(_) => return self.fault(malformed),
            }
        }
        self.fault(malformed)
    }

    /// Whether `[` and the next byte open a POSIX class, whose place of `:]` is then given. It ends before any
    /// bracket.
    pub fn posix(&self) -> Option<usize> {
        let mark = self.peek().filter(|byte| matches!(byte, b':' | b'.' | b'='))?;
        let mut at = self.at + 1;
        loop {
            match (*self.text.get(at)?, *self.text.get(at + 1)?) {
                (b'\\', b']' | b'\\') => at += 1,
                (b'[', next) if next == mark => return None,
                (b']', _) => return None,
                (byte, b']') if byte == mark => return Some(at),
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads a class behind its opening bracket; with `blanks`, spaces and tabs in it mean nothing.
    pub fn class(&mut self, blanks: bool) -> Result<(), Fault> {
        let skipped = |byte: u8| blanks && matches!(byte, b' ' | b'\t');
        let mut negated = false;
        let mut first = true;
        let mut quoted = false;
        let mut range = Range::No;
        loop {
            let Some(byte) = self.next() else {
                return self.fault("missing terminating ] for character class");
            };
            if first {
                // Before the first member: a caret, blanks, and quotations of nothing.
                let quotation = [&b"E"[..], b"Q\\E"].into_iter().find(|text| self.rest().starts_with(text));
                match byte {
                    b'\\' if let Some(text) = quotation => {
                        self.at += text.len();
                        continue;
                    }
                    b'^' if !negated => {
                        negated = true;
                        continue;
                    }
                    byte if skipped(byte) => continue,
                    _ => {}
                }
            }
            let opening = std::mem::take(&mut first);
            if quoted {
                if byte == b'\\' && self.eat(b'E') {
                    quoted = false;
                } else {
                    range = self.member(range, byte)?;
                }
                continue;
            }
            range = match byte {
                byte if skipped(byte) => continue,
                b']' if !opening => return Ok(()),
                b'[' if let Some(end) = self.posix() => self.posix_class(range, end)?,
                b'\\' => match self.escape(0, true)? {
                    Escape::Literal(byte) => self.member(range, byte)?,
                    Escape::Letter(b'b') => self.member(range, 0x08)?,
                    Escape::Letter(b'k') => self.member(range, b'k')?,
                    Escape::Letter(b'Q') => {
                        quoted = true;
                        continue;
                    }
                    Escape::Letter(b'E') => continue,
                    Escape::Letter(b'N') => return self.fault("\\N is not supported in a class"),
                    Escape::Letter(b'p' | b'P') => {
                        self.property()?;
                        self.whole_class(range, self.at)?
                    }
                    Escape::Letter(b'D' | b'H' | b'S' | b'V' | b'W' | b'd' | b'h' | b's' | b'v' | b'w') => {
                        self.whole_class(range, self.at)?
                    }
                    Escape::Letter(_) | Escape::Back(_) => {
                        return self.fault_back("escape sequence is invalid in character class");
                    }
                },
                b'-' => match range {
                    Range::Possible(start) => Range::Started(start),
                    Range::Forbidden => Range::ForbiddenStarted(self.at),
                    other => self.member(other, byte)?,
                },
                other => self.member(range, other)?,
            };
        }
    }

    /// One byte of a class, perhaps the end of a range.
    fn member(&self, range: Range, byte: u8) -> Result<Range, Fault> {
        match range {
            Range::No | Range::Possible(_) | Range::Forbidden => Ok(Range::Possible(byte)),
            Range::Started(start) if start > byte => self.fault_back("range out of order in character class"),
            Range::Started(_) => Ok(Range::No),
            Range::ForbiddenStarted(offset) => Err(Fault { message: words::BAD_RANGE, offset }),
        }
    }

    /// A class within a class, which cannot be the end of a range.
    fn whole_class(&self, range: Range, end: usize) -> Result<Range, Fault> {
        match range {
            Range::Started(_) => Err(Fault { message: words::BAD_RANGE, offset: end }),
            Range::ForbiddenStarted(offset) => Err(Fault { message: words::BAD_RANGE, offset }),
            Range::No | Range::Possible(_) | Range::Forbidden => Ok(Range::Forbidden),
        }
    }

    /// A class such as `[:alpha:]`, given the place of the mark before its closing bracket.
    fn posix_class(&mut self, range: Range, end: usize) -> Result<Range, Fault> {
        let inside = self.text.get(self.at..end).unwrap_or_default();
        self.at = end + 2;
        let range = self.whole_class(range, self.at)?;
        let Some(name) = inside.strip_prefix(b":") else {
            return self.fault("POSIX collating elements are not supported");
        };
        if is_posix_class(name.strip_prefix(b"^").unwrap_or(name)) {
            return Ok(range);
        }
        self.fault("unknown POSIX class name")
    }
}

fn is_posix_class(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 14] = [
        b"alpha", b"lower", b"upper", b"alnum", b"ascii", b"blank", b"cntrl", b"digit", b"graph", b"print",
        b"punct", b"space", b"word", b"xdigit",
    ];
    NAMES.contains(&name)
}

/// Whether PCRE2 knows a property, in small letters and without spaces. Scripts and binary properties are those
/// that the `regex` crate knows; of general categories PCRE2 takes the short names alone.
///
/// A pattern may repeat a property without end, so what was found is kept: the names are a few hundred.
fn is_property(name: &str) -> bool {
    static FOUND: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());
    if FOUND.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
        return true;
    }
    let found = find_property(name);
    if found {
        FOUND.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }
    found
}

fn find_property(name: &str) -> bool {
    const OWN: [&str; 12] =
        ["any", "cs", "incb", "lc", "l&", "unknown", "xan", "xps", "xsp", "xuc", "xwd", "zzzz"];
    const BIDI: [&str; 23] = [
        "al", "an", "b", "bn", "cs", "en", "es", "et", "fsi", "l", "lre", "lri", "lro", "nsm", "on", "pdf",
        "pdi", "r", "rle", "rli", "rlo", "s", "ws",
    ];
    let known = |expression: String| regex::Regex::new(&expression).is_ok();
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match name.split_once([':', '=']) {
        Some(("script" | "sc" | "scriptextensions" | "scx", script)) => {
            letters(script) && known(format!("\\p{{sc={script}}}"))
        }
        Some(("bidiclass" | "bc", class)) => BIDI.contains(&class),
        Some(_) => false,
        None if OWN.contains(&name) => true,
        None => match name.strip_prefix("bidi") {
            Some(class) if BIDI.contains(&class) => true,
            _ if !letters(name) || name == "assigned" => false,
            _ => {
                let category = name != "ascii" && known(format!("\\p{{gc={name}}}"));
                if category { name.len() <= 2 } else { known(format!("\\p{{{name}}}")) }
            }
        },
    }
}
