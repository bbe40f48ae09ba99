//! Reads what an opening parenthesis begins: groups, assertions, conditions, settings, references, verbs, callouts.

use super::atoms::LARGEST;
use super::groups::{ASSERTION_EXPECTED, Expected, Open, Options, Reader};
use super::meaning::{Condition, Kind, Name, Piece, Target};
use super::{Fault, words};

const MOST_NAMES: usize = 10_000;
const LONGEST_VERB_ARGUMENT: usize = 255;

impl<'a> Reader<'a> {
    /// Opens a group whose parenthesis stands at `start`.
    fn open(&mut self, kind: Kind<'a>, start: usize) -> &mut Open<'a> {
        self.open.push(Open::new(kind, start, start, self.options));
        self.current()
    }

    /// Opens a capture and gives it the next number.
    fn capture(&mut self, start: usize) -> Result<(), Fault> {
        if self.captures >= LARGEST {
            return self.cursor.fault("too many capturing groups (maximum 65535)");
        }
        self.captures += 1;
        self.open(Kind::Capture(self.captures), start);
        Ok(())
    }

    /// What stands behind an opening parenthesis at `start`.
    pub fn parenthesis(&mut self, start: usize, expected: Expected) -> Result<(), Fault> {
        match self.cursor.peek() {
            None => self.cursor.fault(words::UNCLOSED),
            Some(b'?') => {
                self.cursor.at += 1;
                self.question(start, expected)
            }
            Some(b'*') => match self.cursor.peek_at(1) {
                // The star is then read as a quantifier, and is a fault.
                None | Some(b')') => Ok(()),
                Some(letter) if letter.is_ascii_lowercase() => self.assertion_by_name(start, expected),
                Some(_) => self.verb(),
            },
            Some(_) if self.options.no_captures => {
                self.open(Kind::Plain, start);
                Ok(())
            }
            Some(_) => self.capture(start),
        }
    }

    /// `(*pla:…)` and its kind, with the star next.
    fn assertion_by_name(&mut self, start: usize, expected: Expected) -> Result<(), Fault> {
        self.cursor.at += 1;
        let name = self.cursor.word()?;
        let unknown = "(*alpha_assertion) not recognized";
        if self.cursor.peek() != Some(b':') {
            return self.cursor.fault(unknown);
        }
        let atomic = matches!(name, b"pla" | b"plb" | b"nla" | b"nlb")
            || name.starts_with(b"positive_look")
            || name.starts_with(b"negative_look");
        let kind = match name {
            b"pla"
            | b"napla"
            | b"nla"
            | b"positive_lookahead"
            | b"non_atomic_positive_lookahead"
            | b"negative_lookahead" => Kind::Lookahead,
            b"plb"
            | b"naplb"
            | b"nlb"
            | b"positive_lookbehind"
            | b"non_atomic_positive_lookbehind"
            | b"negative_lookbehind" => Kind::Lookbehind,
            b"atomic" | b"sr" | b"asr" | b"script_run" | b"atomic_script_run" => Kind::Plain,
            _ => return self.cursor.fault(unknown),
        };
        if expected != Expected::Nothing && !atomic {
            return self.cursor.fault(ASSERTION_EXPECTED);
        }
        // PCRE2 counts two back from a shorter opening.
        let offset = match kind {
            Kind::Lookbehind => self.cursor.at.saturating_sub(3),
            _ => start,
        };
        self.cursor.at += 1;
        let open = self.open(kind, start);
        open.group.offset = offset;
        open.tested = expected != Expected::Nothing;
        Ok(())
    }

    /// `(*ACCEPT)` and its kind, with the star next.
    fn verb(&mut self) -> Result<(), Fault> {
        self.cursor.at += 1;
        let name = self.cursor.word()?;
        let known = matches!(
            name,
            b"" | b"MARK" | b"ACCEPT" | b"F" | b"FAIL" | b"COMMIT" | b"PRUNE" | b"SKIP" | b"THEN"
        );
        if !matches!(self.cursor.peek(), Some(b':' | b')')) || !known {
            return self.cursor.fault(words::VERB);
        }
        if self.cursor.rest().starts_with(b":)") {
            self.cursor.at += 1;
        }
        if matches!(name, b"" | b"MARK") && self.cursor.peek() != Some(b':') {
            return self.cursor.fault("(*MARK) must have an argument");
        }
        if self.cursor.next() == Some(b':') {
            let argument = self.cursor.at;
            self.cursor.skip_while(|byte| byte != b')');
            if self.cursor.peek().is_none() {
                return self.cursor.fault(words::VERB);
            }
            if self.cursor.at - argument > LONGEST_VERB_ARGUMENT {
                return self.cursor.fault("name is too long in (*MARK), (*PRUNE), (*SKIP), or (*THEN)");
            }
            self.cursor.at += 1;
        }
        self.repeatable = name == b"ACCEPT";
        self.push(match name {
            b"ACCEPT" | b"F" | b"FAIL" => Piece::Stop,
            _ => Piece::Span { min: 0, max: 0 },
        });
        Ok(())
    }

    /// What stands behind `(?`.
    fn question(&mut self, start: usize, expected: Expected) -> Result<(), Fault> {
        let Some(byte) = self.cursor.peek() else {
            return self.cursor.fault(words::UNCLOSED);
        };
        match byte {
            b'-' if self.cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()) => self.call(),
            b'0'..=b'9' => self.call(),
            b'+' if self.cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_digit()) => self.call(),
            b'+' => self.cursor.fault("digit expected after (?+ or (?-"),
            b'P' => {
                self.cursor.at += 1;
                match self.cursor.peek() {
                    None => self.cursor.fault(words::UNCLOSED),
                    Some(b'<') => self.named_capture(start, b'>'),
                    Some(b'>') => self.reference_by_name(true),
                    Some(b'=') => self.reference_by_name(false),
                    Some(_) => self.cursor.fault("unrecognized character after (?P"),
                }
            }
            b'&' => self.reference_by_name(true),
            b'R' => {
                self.cursor.at += 1;
                if self.cursor.peek() != Some(b')') {
                    return self
                        .cursor
                        .fault("(?R (recursive pattern call) must be followed by a closing parenthesis");
                }
                self.finish_call(0);
                Ok(())
            }
            b'C' => self.callout(expected),
            b'(' => self.condition(start),
            b'>' => self.open_after(1, Kind::Plain, start, Expected::Nothing),
            b'=' | b'!' | b'*' => self.open_after(1, Kind::Lookahead, start, expected),
            b'<' if matches!(self.cursor.peek_at(1), Some(b'=' | b'!' | b'*')) => {
                self.open_after(2, Kind::Lookbehind, start, expected)
            }
            b'<' => self.named_capture(start, b'>'),
            b'\'' => self.named_capture(start, b'\''),
            b'|' => {
                self.shared_numbers = true;
                let captures = self.captures;
                self.cursor.at += 1;
                self.open(Kind::Plain, start).shared = Some((captures, captures));
                Ok(())
            }
            _ => self.settings(start),
        }
    }

    /// Opens a group behind `length` more bytes.
    fn open_after(
        &mut self,
        length: usize,
        kind: Kind<'a>,
        start: usize,
        expected: Expected,
    ) -> Result<(), Fault> {
        self.cursor.at += length;
        self.open(kind, start).tested = expected != Expected::Nothing;
        Ok(())
    }

    /// `(?1)`, `(?+1)` and `(?-1)`.
    fn call(&mut self) -> Result<(), Fault> {
        let number = self.cursor.group_number(self.captures)?.unwrap_or(0);
        if self.cursor.peek() != Some(b')') {
            return self.cursor.fault(words::UNCLOSED);
        }
        self.finish_call(number);
        Ok(())
    }

    fn finish_call(&mut self, number: u32) {
        let at = self.cursor.at;
        self.cursor.at += 1;
        self.reference(Target::Number(number), true, at, at);
    }

    fn reference_by_name(&mut self, call: bool) -> Result<(), Fault> {
        let (name, offset) = self.cursor.name(b')')?;
        self.reference(Target::Name(name), call, offset, offset);
        Ok(())
    }

    fn named_capture(&mut self, start: usize, close: u8) -> Result<(), Fault> {
        let (name, _) = self.cursor.name(close)?;
        self.capture(start)?;
        if self.names.len() >= MOST_NAMES {
            return self.cursor.fault("too many named subpatterns (maximum 10000)");
        }
        let number = self.captures;
        let mut repeated = false;
        for (text, known) in &mut self.names {
            match (*text == name, known.number == number) {
                (true, true) => return Ok(()),
                (true, false) if !self.options.repeated_names => {
                    return self
                        .cursor
                        .fault("two named subpatterns have the same name (PCRE2_DUPNAMES not set)");
                }
                (true, false) => {
                    repeated = true;
                    known.repeated = true;
                }
                (false, true) => {
                    return self
                        .cursor
                        .fault("different names for subpatterns of the same number are not allowed");
                }
                (false, false) => {}
            }
        }
        self.names.push((name, Name { number, repeated }));
        Ok(())
    }

    /// `(?C)`, `(?C12)` or `(?C"text")`.
    fn callout(&mut self, expected: Expected) -> Result<(), Fault> {
        self.cursor.at += 1;
        let Some(byte) = self.cursor.peek() else {
            return self.cursor.fault(words::UNCLOSED);
        };
        if expected == Expected::AssertionOrCallout {
            self.expected = Expected::Assertion;
        }
        if byte == b')' || byte.is_ascii_digit() {
            let mut number = 0;
            while let Some(digit) = self.cursor.peek().filter(u8::is_ascii_digit) {
                self.cursor.at += 1;
                number = number * 10 + u32::from(digit.wrapping_sub(b'0'));
                if number > 255 {
                    return self.cursor.fault("number after (?C is greater than 255");
                }
            }
        } else {
            let close = match byte {
                b'{' => b'}',
                b'`' | b'\'' | b'"' | b'^' | b'%' | b'#' | b'$' => byte,
                _ => return self.cursor.fault("unrecognized string delimiter follows (?C"),
            };
            let mut inside = self.cursor;
            loop {
                inside.at += 1;
                inside.skip_while(|byte| byte != close);
                if !inside.eat(close) {
                    return self
                        .cursor
                        .fault("missing terminating delimiter for callout with string argument");
                }
                // Two delimiters are one of the text.
                if inside.peek() != Some(close) {
                    break;
                }
            }
            self.cursor = inside;
        }
        if !self.cursor.eat(b')') {
            return self.cursor.fault("closing parenthesis for (?C expected");
        }
        Ok(())
    }

    /// `(?(`…`)`, with the second parenthesis next.
    fn condition(&mut self, start: usize) -> Result<(), Fault> {
        self.cursor.at += 1;
        let Some(byte) = self.cursor.peek() else {
            return self.cursor.fault(words::UNCLOSED);
        };
        if matches!(byte, b'?' | b'*') {
            self.cursor.at -= 1;
            self.expected = Expected::AssertionOrCallout;
            self.open(Kind::Condition(Condition::Assertion), start);
            return Ok(());
        }
        let (condition, offset) = if let Some(number) = self.cursor.group_number(self.captures)? {
            if number == 0 {
                return self.cursor.fault(words::NO_SUCH_GROUP);
            }
            (Condition::Number(number), self.cursor.at - 2)
        } else if self.is_version() {
            self.version()?;
            (Condition::Version, start)
        } else {
            self.condition_by_name(byte)?
        };
        if !self.cursor.eat(b')') {
            return self.cursor.fault("missing closing parenthesis for condition");
        }
        self.open(Kind::Condition(condition), start).group.offset = offset;
        Ok(())
    }

    fn condition_by_name(&mut self, byte: u8) -> Result<(Condition<'a>, usize), Fault> {
        match byte {
            b'<' | b'\'' => {
                let (name, offset) = self.cursor.name(if byte == b'<' { b'>' } else { byte })?;
                Ok((Condition::Name(name), offset))
            }
            b'R' if self.cursor.peek_at(1) == Some(b'&') => {
                self.cursor.at += 1;
                let (name, offset) = self.cursor.name(b')')?;
                self.cursor.at -= 1;
                Ok((Condition::Name(name), offset))
            }
            _ => {
                self.cursor.at -= 1;
                let (name, offset) = self.cursor.name(b')')?;
                self.cursor.at -= 1;
                let condition = match name {
                    b"DEFINE" => Condition::Define,
                    [b'R', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                        Condition::Recursion(name)
                    }
                    _ => Condition::Name(name),
                };
                Ok((condition, offset))
            }
        }
    }

    fn is_version(&self) -> bool {
        let rest = self.cursor.rest();
        rest.len() >= 10 && rest.starts_with(b"VERSION") && rest.get(7) != Some(&b')')
    }

    /// `VERSION=10.4` or `VERSION>=10.4`; at most two digits stand behind the dot.
    fn version(&mut self) -> Result<(), Fault> {
        let bad = "syntax error or number too big in (?(VERSION condition";
        self.cursor.at += 7;
        self.cursor.eat(b'>');
        if !self.cursor.eat(b'=') || !self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.cursor.fault(bad);
        }
        let mut major = 0_u32;
        while let Some(digit) = self.cursor.peek().filter(u8::is_ascii_digit) {
            self.cursor.at += 1;
            major = major.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')));
        }
        if major > 1000 || self.cursor.peek().is_none() {
            return self.cursor.fault(bad);
        }
        if self.cursor.eat(b'.') {
            if !self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return self.cursor.fault(bad);
            }
            self.cursor.at += 1;
            if self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.cursor.at += 1;
            }
            if self.cursor.peek() != Some(b')') {
                return self.cursor.fault(bad);
            }
        }
        Ok(())
    }

    /// `(?i)` holds to the end of the group around it, `(?i:…)` opens one of its own.
    fn settings(&mut self, start: usize) -> Result<(), Fault> {
        let outside = self.options;
        let mut on = Options::default();
        let mut off = Options::default();
        let mut hyphen_allowed = true;
        let mut unsetting = false;
        if self.cursor.eat(b'^') {
            self.options.extended = false;
            self.options.extended_more = false;
            self.options.no_captures = false;
            hyphen_allowed = false;
        }
        while let Some(letter) = self.cursor.peek().filter(|byte| !matches!(byte, b')' | b':')) {
            self.cursor.at += 1;
            let options = if unsetting { &mut off } else { &mut on };
            match letter {
                b'-' if hyphen_allowed => {
                    unsetting = true;
                    hyphen_allowed = false;
                }
                b'-' => return self.cursor.fault_back("invalid hyphen in option setting"),
                b'a' => {
                    if matches!(self.cursor.peek(), Some(b'D' | b'P' | b'S' | b'T' | b'W')) {
                        self.cursor.at += 1;
                    }
                }
                b'J' => options.repeated_names = true,
                b'n' => options.no_captures = true,
                b'x' => {
                    options.extended = true;
                    options.extended_more |= self.cursor.eat(b'x');
                }
                b'i' | b'm' | b'r' | b's' | b'U' => {}
                _ => return self.cursor.fault_back("unrecognized character after (? or (?-"),
            }
        }
        off.extended_more |= off.extended || (on.extended && !on.extended_more);
        let change = |old: bool, on: bool, off: bool| (old || on) && !off;
        self.options = Options {
            extended: change(self.options.extended, on.extended, off.extended),
            extended_more: change(self.options.extended_more, on.extended_more, off.extended_more),
            no_captures: change(self.options.no_captures, on.no_captures, off.no_captures),
            repeated_names: change(self.options.repeated_names, on.repeated_names, off.repeated_names),
        };
        match self.cursor.next() {
            None => self.cursor.fault(words::UNCLOSED),
            Some(b':') => {
                self.open(Kind::Plain, start).outside = outside;
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}
