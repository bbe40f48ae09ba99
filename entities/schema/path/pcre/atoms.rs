//! Reads the small parts of a pattern: numbers, names, repeat counts and escapes.
//!
//! A reader leaves the cursor where PCRE2 leaves its own, because the place of a fault is part of what it reports.

use super::{Fault, words};

/// The largest number of a group, and of times in a repeat count.
pub const LARGEST: u32 = 65_535;
/// The longest name of a group, in bytes.
const LONGEST_NAME: usize = 128;
const UNSUPPORTED_ESCAPE: &str = "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u";
const BAD_REFERENCE: &str =
    "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number";
const TOO_LARGE: &str = "character code point value in \\x{} or \\o{} is too large";
const NO_DIGITS: &str = "digits missing after \\x or in \\x{} or \\o{} or \\N{U+}";

/// A pattern and how far it was read.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

/// What an escape stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// One byte.
    Literal(u8),
    /// What a group matched.
    Back(u32),
    /// Anything else: the letter behind the backslash.
    Letter(u8),
}

/// A repeat count; without `max` there is no limit.
pub type Times = (u32, Option<u32>);

impl<'a> Cursor<'a> {
    /// The next byte, which is not read yet.
    pub fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads `byte` if it is the next one.
    pub fn eat(&mut self, byte: u8) -> bool {
        let eaten = self.peek() == Some(byte);
        self.at += usize::from(eaten);
        eaten
    }

    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn skip_while(&mut self, rule: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&rule) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// A fault at the cursor.
    pub fn fault<T>(&self, message: &'static str) -> Result<T, Fault> {
        Err(Fault { message, offset: self.at })
    }

    /// A fault at the byte that was read last.
    pub fn fault_back<T>(&self, message: &'static str) -> Result<T, Fault> {
        Err(Fault { message, offset: self.at.saturating_sub(1) })
    }

    /// Reads a number up to `largest`. Without digits nothing is read.
    fn number(&mut self, largest: u32, too_large: &'static str) -> Result<Option<u32>, Fault> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        let digits = self.text.get(start..self.at).unwrap_or_default();
        if digits.is_empty() {
            return Ok(None);
        }
        let mut number = 0;
        for digit in digits {
            number = number * 10 + u32::from(digit.wrapping_sub(b'0'));
            if number > largest {
                return self.fault(too_large);
            }
        }
        Ok(Some(number))
    }

    /// Reads the number of a group. With a sign it counts from the last of `captures`: back, or on to those to come.
    pub fn group_number(&mut self, captures: u32) -> Result<Option<u32>, Fault> {
        let sign = self.peek().filter(|byte| matches!(byte, b'+' | b'-'));
        let start = self.at;
        self.at += usize::from(sign.is_some());
        let largest = if sign == Some(b'+') { LARGEST.saturating_sub(captures) } else { LARGEST };
        let Some(number) = self.number(largest, words::GROUP_NUMBER)? else {
            self.at = start;
            return Ok(None);
        };
        match sign {
            None => Ok(Some(number)),
            Some(_) if number == 0 => self.fault("a relative value of zero is not allowed"),
            Some(b'+') => Ok(Some(number + captures)),
            Some(_) if number > captures => self.fault(words::NO_SUCH_GROUP),
            Some(_) => Ok(Some(captures + 1 - number)),
        }
    }

    /// Reads what stands behind the brace of a repeat count, with its closing brace. Where that is no repeat count
    /// nothing is read, and the brace stands for itself.
    pub fn times(&mut self) -> Result<Option<Times>, Fault> {
        let digits = |cursor: &mut Cursor<'a>| {
            cursor.skip_blanks();
            let start = cursor.at;
            cursor.skip_while(|byte| byte.is_ascii_digit());
            let found = cursor.at > start;
            cursor.skip_blanks();
            found
        };
        let mut ahead = *self;
        let has_min = digits(&mut ahead);
        let has_comma = ahead.eat(b',');
        let has_max = has_comma && digits(&mut ahead);
        if !(has_min || has_max) || ahead.peek() != Some(b'}') {
            return Ok(None);
        }
        let too_large = "number too big in {} quantifier";
        self.skip_blanks();
        let min = self.number(LARGEST, too_large)?.unwrap_or(0);
        let mut max = Some(min);
        if has_comma {
            self.skip_while(|byte| byte != b',');
            self.at += 1;
            self.skip_blanks();
            max = self.number(LARGEST, too_large)?;
            if max.is_some_and(|max| max < min) {
                return self.fault("numbers out of order in {} quantifier");
            }
        }
        self.at = ahead.at + 1;
        Ok(Some((min, max)))
    }

    /// Reads the delimiter before the name of a group, the name, and `close` behind it. Answers with the name and
    /// its place.
    pub fn name(&mut self, close: u8) -> Result<(&'a [u8], usize), Fault> {
        self.at += 1;
        if close == b'}' {
            self.skip_blanks();
        }
        let start = self.at;
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.fault("subpattern name must start with a non-digit");
        }
        let name = self.word()?;
        if name.is_empty() {
            return self.fault("subpattern name expected");
        }
        if close == b'}' {
            self.skip_blanks();
        }
        if !self.eat(close) {
            return self.fault("syntax error in subpattern name (missing terminator?)");
        }
        Ok((name, start))
    }

    /// Reads letters, digits and underscores.
    pub fn word(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = self.text.get(start..self.at).unwrap_or_default();
        if word.len() > LONGEST_NAME {
            return self.fault("subpattern name is too long (maximum 128 code units)");
        }
        Ok(word)
    }

    /// Reads what stands behind a backslash; `captures` were opened before it.
    pub fn escape(&mut self, captures: u32, in_class: bool) -> Result<Escape, Fault> {
        let Some(byte) = self.next() else {
            return self.fault("\\ at end of pattern");
        };
        let literal = match byte {
            b'a' => 0x07,
            b'e' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => self.octal(byte)?,
            b'1'..=b'9' if in_class => {
                if byte >= b'8' {
                    byte
                } else {
                    self.octal(byte)?
                }
            }
            b'1'..=b'9' => return self.back_or_octal(byte, captures),
            b'c' => self.control()?,
            b'g' if in_class => byte,
            b'g' => return self.back(captures),
            b'o' => self.braced_octal()?,
            b'x' => self.hexadecimal()?,
            b'F' | b'L' | b'U' | b'l' | b'u' => return self.fault(UNSUPPORTED_ESCAPE),
            b'N' => return self.not_newline(in_class),
            b'I' | b'J' | b'M' | b'O' | b'T' | b'Y' | b'i' | b'j' | b'm' | b'q' | b'y' => {
                return self.fault_back("unrecognized character follows \\");
            }
            letter if letter.is_ascii_alphabetic() => return Ok(Escape::Letter(letter)),
            other => other,
        };
        Ok(Escape::Literal(literal))
    }

    /// Reads up to two more octal digits.
    fn octal(&mut self, first: u8) -> Result<u8, Fault> {
        let mut value = u32::from(first & 7);
        for _ in 0..2 {
            let Some(digit) = self.peek().filter(|byte| matches!(byte, b'0'..=b'7')) else { break };
            self.at += 1;
            value = value * 8 + u32::from(digit & 7);
        }
        match u8::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => self.fault("octal value is greater than \\377 in 8-bit non-UTF-8 mode"),
        }
    }

    /// A number is that of a group if it is small, starts with 8 or 9, or is one of a group before it.
    fn back_or_octal(&mut self, first: u8, captures: u32) -> Result<Escape, Fault> {
        let behind_first = self.at;
        self.at -= 1;
        let number = self.number(LARGEST, words::GROUP_NUMBER);
        let is_group = match &number {
            Ok(Some(number)) => *number < 10 || *number <= captures,
            _ => false,
        };
        if is_group || first >= b'8' {
            return Ok(Escape::Back(number?.unwrap_or(0)));
        }
        self.at = behind_first;
        self.octal(first).map(Escape::Literal)
    }

    fn back(&mut self, captures: u32) -> Result<Escape, Fault> {
        let start = self.at;
        let number = match self.peek() {
            None => return self.fault(BAD_REFERENCE),
            Some(b'<' | b'\'') => return Ok(Escape::Letter(b'g')),
            Some(b'{') => {
                let mut inside = *self;
                inside.at += 1;
                inside.skip_blanks();
                let number =
                    inside.group_number(captures).map_err(|fault| Fault { offset: start, ..fault })?;
                let Some(number) = number else {
                    return Ok(Escape::Letter(b'k'));
                };
                inside.skip_blanks();
                if !inside.eat(b'}') {
                    return self.fault(BAD_REFERENCE);
                }
                *self = inside;
                number
            }
            Some(_) => match self.group_number(captures)? {
                Some(number) => number,
                None => return self.fault(BAD_REFERENCE),
            },
        };
        if number == 0 {
            return self.fault(words::NO_SUCH_GROUP);
        }
        Ok(Escape::Back(number))
    }

    fn control(&mut self) -> Result<u8, Fault> {
        match self.peek() {
            None => self.fault("\\c at end of pattern"),
            Some(byte @ 0x20..=0x7e) => {
                self.at += 1;
                Ok(byte.to_ascii_uppercase() ^ 0x40)
            }
            Some(_) => self.fault("\\c must be followed by a printable ASCII character"),
        }
    }

    fn braced_octal(&mut self) -> Result<u8, Fault> {
        if !self.eat(b'{') {
            let offset = if self.peek().is_none() { self.at - 1 } else { self.at };
            return Err(Fault { message: "missing opening brace after \\o", offset });
        }
        self.braced(8, "non-octal character in \\o{} (closing brace missing?)")
    }

    fn hexadecimal(&mut self) -> Result<u8, Fault> {
        if self.eat(b'{') {
            return self.braced(16, "non-hex character in \\x{} (closing brace missing?)");
        }
        let Some(high) = self.digit(16) else {
            return self.fault(NO_DIGITS);
        };
        Ok(self.digit(16).map_or(high, |low| high << 4 | low))
    }

    fn digit(&mut self, base: u32) -> Option<u8> {
        let value = self.peek().and_then(|byte| char::from(byte).to_digit(base))?;
        self.at += 1;
        u8::try_from(value).ok()
    }

    fn braced(&mut self, base: u32, bad_digit: &'static str) -> Result<u8, Fault> {
        self.skip_blanks();
        if self.peek().is_none_or(|byte| byte == b'}') {
            return self.fault(NO_DIGITS);
        }
        let mut value = 0_u32;
        let mut too_large = false;
        while !too_large && let Some(digit) = self.digit(base) {
            value = value * base + u32::from(digit);
            too_large = value > 0xff;
        }
        self.skip_blanks();
        if too_large {
            while self.digit(base).is_some() {}
            return self.fault(TOO_LARGE);
        }
        if !self.eat(b'}') {
            let offset = if self.peek().is_none() { self.at - 1 } else { self.at };
            return Err(Fault { message: bad_digit, offset });
        }
        Ok(u8::try_from(value).unwrap_or(u8::MAX))
    }

    /// `\N` is any byte but a newline; in braces it may only be repeated.
    fn not_newline(&mut self, in_class: bool) -> Result<Escape, Fault> {
        let mut inside = *self;
        if inside.eat(b'{') {
            inside.skip_blanks();
            if inside.rest().starts_with(b"U+") {
                return self.fault("\\N{U+dddd} is supported only in Unicode (UTF) mode");
            }
            let times = if in_class { Ok(None) } else { inside.times() };
            if times.map_err(|fault| Fault { offset: self.at, ..fault })?.is_none() {
                return self.fault(UNSUPPORTED_ESCAPE);
            }
        }
        Ok(Escape::Letter(b'N'))
    }
}
