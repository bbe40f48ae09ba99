//! Whether PCRE2 compiles a pattern, and what it says if not: the fault it would report first, and where.
//!
//! The grammar is that of PCRE2 10.45 in its default mode, over bytes and without options, as `ngx.re` calls it.
//! Nothing is compiled or matched. Not told apart: a compiled size beyond PCRE2's limit, extended classes `(?[…])`
//! and `(*scan_substring:…)`, which are taken for unknown groups, and UTF mode asked for by the pattern itself.

mod atoms;
mod classes;
mod groups;
mod meaning;
mod parentheses;

/// The most bytes that `ngx.re` keeps of a sentence.
const LONGEST_SENTENCE: usize = 255;

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// PCRE2's own words.
    pub message: &'static str,
    /// Bytes before the place where PCRE2 noticed; at most the length of the pattern.
    pub offset: usize,
}

impl Fault {
    /// The sentence of `ngx.re`: what is wrong, the pattern, and the part of it that was not read. It is cut to
    /// [`LONGEST_SENTENCE`] bytes, at the nearest character before, and at a NUL.
    pub fn sentence(&self, pattern: &str) -> String {
        let mut sentence = format!("pcre2_compile() failed: {} in \"{pattern}\"", self.message);
        let unread = pattern.as_bytes().get(self.offset..).unwrap_or_default();
        if !unread.is_empty() {
            let unread = unread.split(|byte| *byte == 0).next().unwrap_or_default();
            sentence.push_str(&format!(" at \"{}\"", String::from_utf8_lossy(unread)));
        }
        let nul = sentence.find('\0').unwrap_or(sentence.len());
        sentence.truncate(sentence.floor_char_boundary(nul.min(LONGEST_SENTENCE)));
        sentence
    }
}

/// Reads a pattern as PCRE2 does: first its grammar, then the lengths of its lookbehinds, then its references.
///
/// # Errors
/// The first fault.
pub fn check(pattern: &[u8]) -> Result<(), Fault> {
    let tree = groups::read(pattern)?;
    meaning::check(&tree)
}

/// PCRE2's words that several places say.
mod words {
    pub const UNCLOSED: &str = "missing closing parenthesis";
    pub const NO_SUCH_GROUP: &str = "reference to non-existent subpattern";
    pub const GROUP_NUMBER: &str = "subpattern number is too big";
    pub const BAD_RANGE: &str = "invalid range in character class";
    pub const VERB: &str = "(*VERB) not recognized or malformed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_their_places() {
        for (pattern, message, offset) in [
            ("/(unclosed", "missing closing parenthesis", 10),
            ("/a)b", "unmatched closing parenthesis", 2),
            ("/[a", "missing terminating ] for character class", 3),
            ("/a{2,1}", "numbers out of order in {} quantifier", 6),
            ("/a{70000}", "number too big in {} quantifier", 8),
            ("/+*", "quantifier does not follow a repeatable item", 2),
            ("/[z-a]", "range out of order in character class", 4),
            ("/a\\", "\\ at end of pattern", 3),
            ("/(?z)", "unrecognized character after (? or (?-", 3),
            ("/(?P?x)", "unrecognized character after (?P", 4),
            ("/(?<=a+)b", "length of lookbehind assertion is not limited", 1),
            ("/(?<=a{0,256})b", "branch too long in variable-length lookbehind assertion", 1),
            ("/\\2(a)", "reference to non-existent subpattern", 2),
            ("/(?<n>a)\\k<m>", "reference to non-existent subpattern", 11),
            ("/[[:nope:]]", "unknown POSIX class name", 10),
            ("[:alpha:]", "POSIX named classes are supported only within a class", 0),
            ("/[[.a.]]", "POSIX collating elements are not supported", 7),
            ("/\\p{Nope}", "unknown property after \\P or \\p", 9),
            ("/\\p", "malformed \\P or \\p sequence", 3),
            ("/\\i", "unrecognized character follows \\", 2),
            ("/[\\B]", "escape sequence is invalid in character class", 3),
            ("/[\\d-z]", "invalid range in character class", 5),
            ("/(?<n>a)(?<n>b)", "two named subpatterns have the same name (PCRE2_DUPNAMES not set)", 13),
            ("/(?<1a>b)", "subpattern name must start with a non-digit", 4),
            ("/(?<a", "syntax error in subpattern name (missing terminator?)", 5),
            ("/(?<>a)", "subpattern name expected", 4),
            ("/\\x{zz}", "non-hex character in \\x{} (closing brace missing?)", 4),
            ("/\\x{100}", "character code point value in \\x{} or \\o{} is too large", 7),
            ("/\\Q(\\E)", "unmatched closing parenthesis", 6),
            ("/(?#x", "missing ) after (?# comment", 5),
            ("/(?(1)a|b|c)(d)", "conditional subpattern contains more than two branches", 1),
            ("/(*NOPE)", "(*VERB) not recognized or malformed", 7),
            ("/(?=a\\Kb)", "\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)", 9),
        ] {
            assert_eq!(check(pattern.as_bytes()), Err(Fault { message, offset }), "{pattern}");
        }
    }

    #[test]
    fn patterns_that_compile() {
        for pattern in [
            "",
            "/users/(?<id>\\d+)$",
            "/(foo|bar)/?",
            "/a{,3}b{ 1, 2 }c{x}",
            "/a*+b+?c??",
            "/[]a][^]b][a\\-z-]",
            "/[[:alpha:]\\d\\p{L}_]",
            "(?i)/a(?-i:b)(?x) c # comment",
            "/(?<=ab|c)d(?<!e{2})",
            "/(?|(a)|(b))\\1",
            "/(?(?=a)b|c)(?(DEFINE)(d))",
            "/\\Q(((\\E",
            "/(?R)?(?1)?(a)",
            "/(*ACCEPT)(*:mark)",
            "/é+",
            "/\\p{Greek}\\p{^Lu}\\PL\\p{L&}\\p{script=han}",
        ] {
            assert_eq!(check(pattern.as_bytes()), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn sentences() {
        let fault = Fault { message: "quantifier does not follow a repeatable item", offset: 2 };
        assert_eq!(
            fault.sentence("/+*"),
            "pcre2_compile() failed: quantifier does not follow a repeatable item in \"/+*\" at \"*\""
        );
        let long = format!("/({}", "é".repeat(200));
        assert!((254..=255).contains(&check(long.as_bytes()).unwrap_err().sentence(&long).len()));
        assert!(check(b"/a\0(").unwrap_err().sentence("/a\0(").ends_with("in \"/a"));
    }

    #[test]
    fn depth_is_limited_and_input_is_not_trusted() {
        let deep = "(".repeat(100_000);
        assert_eq!(
            check(deep.as_bytes()),
            Err(Fault { message: "parentheses are too deeply nested", offset: 251 })
        );
        let chain: String = (2..1900).map(|group| format!("(a(?{group}))")).collect();
        let message = "lookbehind is too complicated";
        assert_eq!(check(format!("(?<=(?1)){chain}(b)").as_bytes()), Err(Fault { message, offset: 0 }));
        for byte in 0..=u8::MAX {
            for frame in [&b"(?"[..], b"\\", b"[\\", b"(?<", b"(*", b"[[:", b"\\g{", b"(?(", b"\\p{", b"a{1,"]
            {
                let _ = check(&[frame, &[byte], b"a}>)]"].concat());
                let _ = check(&[frame, &[byte]].concat());
            }
        }
    }
}
