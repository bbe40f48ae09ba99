//! The tokens of a chunk of Lua, and what is wrong with those that are none. It does not know which may follow which.

use super::number::is_number;

/// Why a chunk does not compile.
#[derive(Debug)]
pub(super) enum Fault {
    /// The chunk is not text but what a compiler made of text.
    Bytecode,
    /// The line (from 1), what is wrong there, and the token that it shows at.
    Syntax { line: usize, sentence: String, near: Option<Vec<u8>> },
}

impl Fault {
    /// A fault that shows at no token.
    pub(super) fn at(line: usize, sentence: impl Into<String>) -> Fault {
        Fault::Syntax { line, sentence: sentence.into(), near: None }
    }
}

/// A token. Names are parts of the chunk; other texts are kept by the lexer, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    End,
    /// A reserved word, or an operator of several characters.
    Word(&'static str),
    /// Any other character.
    Byte(u8),
    Name(&'a [u8]),
    Number,
    Text,
}

impl Token<'_> {
    /// The token as a message names it.
    pub(super) fn name(self) -> String {
        match self {
            Token::End => "<eof>".to_owned(),
            Token::Name(_) => "<name>".to_owned(),
            Token::Number => "<number>".to_owned(),
            Token::Text => "<string>".to_owned(),
            Token::Word(word) => word.to_owned(),
            Token::Byte(byte) if byte.is_ascii_control() => format!("char({byte})"),
            Token::Byte(byte) => char::from(byte).to_string(),
        }
    }
}

/// The words that are no names.
const RESERVED: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// Reads tokens, one after the other.
pub(super) struct Lexer<'a> {
    chunk: &'a [u8],
    at: usize,
    /// The line that the last token ended in.
    pub(super) line: usize,
    /// The text of the last token, with the escapes in it written out.
    text: Vec<u8>,
}

impl<'a> Lexer<'a> {
    /// The lexer at the start of `chunk`, behind a byte order mark and a first line for the shell.
    pub(super) fn new(chunk: &'a [u8]) -> Result<Lexer<'a>, Fault> {
        let chunk = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk);
        let mut lexer = Lexer { chunk, at: 0, line: 1, text: Vec::new() };
        if lexer.current() == Some(b'#') {
            lexer.skip_line();
            if lexer.current().is_some() {
                lexer.newline();
            }
        }
        if lexer.current() == Some(0x1b) { Err(Fault::Bytecode) } else { Ok(lexer) }
    }

    /// A fault at the token that was read last.
    pub(super) fn fault(&self, sentence: impl Into<String>, token: Token) -> Fault {
        let near = match token {
            Token::Name(_) | Token::Number | Token::Text => self.text.clone(),
            token => token.name().into_bytes(),
        };
        Fault::Syntax { line: self.line, sentence: sentence.into(), near: Some(near) }
    }

    fn current(&self) -> Option<u8> {
        self.chunk.get(self.at).copied()
    }

    fn current_is(&self, test: impl Fn(u8) -> bool) -> bool {
        self.current().is_some_and(test)
    }

    /// Moves on, and gives what stands there.
    fn step(&mut self) -> Option<u8> {
        self.at = self.chunk.len().min(self.at + 1);
        self.current()
    }

    /// Keeps the current byte as part of the token, and moves on.
    fn keep(&mut self) -> Option<u8> {
        self.text.extend(self.current());
        self.step()
    }

    /// Whether the byte that was expected stands here; it is skipped.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.current() == Some(byte);
        if found {
            self.step();
        }
        found
    }

    /// Skips a line break of one or two characters.
    fn newline(&mut self) {
        let first = self.current();
        let second = self.step();
        if second.is_some_and(is_newline) && second != first {
            self.step();
        }
        self.line += 1;
    }

    /// Skips what is left of a line.
    fn skip_line(&mut self) {
        while self.current_is(|byte| !is_newline(byte)) {
            self.step();
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Fault> {
        loop {
            self.text.clear();
            let Some(byte) = self.current() else { return Ok(Token::End) };
            match byte {
                b'\n' | b'\r' => self.newline(),
                b' ' | b'\t' | 0x0b | 0x0c => {
                    self.step();
                }
                b'-' => {
                    if self.step() != Some(b'-') {
                        return Ok(Token::Byte(b'-'));
                    }
                    self.step();
                    self.comment()?;
                }
                b'0'..=b'9' => return self.number(),
                _ if is_name_byte(byte) => return Ok(self.name()),
                b'[' => {
                    return match self.bracket() {
                        Bracket::Long(level) => self.long_text(level, true).map(|()| Token::Text),
                        Bracket::Single => Ok(Token::Byte(b'[')),
                        Bracket::Broken => Err(self.fault("invalid long string delimiter", Token::Text)),
                    };
                }
                b'"' | b'\'' => return self.quoted(byte),
                b'.' => {
                    if self.keep().is_some_and(|byte| byte.is_ascii_digit()) {
                        return self.number();
                    }
                    return Ok(match (self.skip(b'.'), self.current()) {
                        (false, _) => Token::Byte(b'.'),
                        (true, Some(b'.')) => {
                            self.step();
                            Token::Word("...")
                        }
                        (true, _) => Token::Word(".."),
                    });
                }
                _ => return Ok(self.operator(byte)),
            }
        }
    }

    fn operator(&mut self, byte: u8) -> Token<'a> {
        self.step();
        let (second, pair) = match byte {
            b'=' => (b'=', "=="),
            b'<' => (b'=', "<="),
            b'>' => (b'=', ">="),
            b'~' => (b'=', "~="),
            b':' => (b':', "::"),
            _ => return Token::Byte(byte),
        };
        if self.skip(second) { Token::Word(pair) } else { Token::Byte(byte) }
    }

    fn name(&mut self) -> Token<'a> {
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| !is_name_byte(*byte)).unwrap_or(rest.len());
        let (name, _) = rest.split_at(end);
        self.at += end;
        self.text.extend_from_slice(name);
        let reserved = RESERVED.iter().find(|word| word.as_bytes() == name);
        reserved.map_or(Token::Name(name), |word| Token::Word(word))
    }

    /// A number takes in every letter and dot that follows it, and a sign behind the letter of an exponent.
    fn number(&mut self) -> Result<Token<'a>, Fault> {
        let mut last = self.current();
        let mut exponent = b'e';
        if last == Some(b'0') && self.keep().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'x')) {
            exponent = b'p';
        }
        while let Some(byte) = self.current() {
            let signed = last.is_some_and(|last| last.eq_ignore_ascii_case(&exponent));
            if !is_name_byte(byte) && byte != b'.' && !(signed && matches!(byte, b'-' | b'+')) {
                break;
            }
            last = Some(byte);
            self.keep();
        }
        if is_number(&self.text) {
            Ok(Token::Number)
        } else {
            Err(self.fault("malformed number", Token::Number))
        }
    }

    /// Skips a comment, whose dashes have been read.
    fn comment(&mut self) -> Result<(), Fault> {
        if self.current() == Some(b'[')
            && let Bracket::Long(level) = self.bracket()
        {
            return self.long_text(level, false);
        }
        self.skip_line();
        Ok(())
    }

    /// What a bracket begins or ends. Its second bracket is not yet read.
    fn bracket(&mut self) -> Bracket {
        let bracket = self.current();
        let mut level = 0;
        while self.keep() == Some(b'=') {
            level += 1;
        }
        match level {
            _ if self.current() == bracket => Bracket::Long(level),
            0 => Bracket::Single,
            _ => Bracket::Broken,
        }
    }

    /// A text in long brackets, up to the closing bracket of its level.
    fn long_text(&mut self, level: usize, is_text: bool) -> Result<(), Fault> {
        self.keep();
        if self.current_is(is_newline) {
            self.newline();
        }
        loop {
            match self.current() {
                None if is_text => return Err(self.fault("unfinished long string", Token::End)),
                None => return Err(self.fault("unfinished long comment", Token::End)),
                Some(b']') => {
                    if matches!(self.bracket(), Bracket::Long(found) if found == level) {
                        self.keep();
                        return Ok(());
                    }
                }
                Some(byte) if is_newline(byte) => {
                    self.text.push(b'\n');
                    self.newline();
                }
                Some(_) => {
                    self.keep();
                }
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Token<'a>, Fault> {
        self.keep();
        loop {
            match self.current() {
                None => return Err(self.fault("unfinished string", Token::End)),
                Some(byte) if is_newline(byte) => return Err(self.fault("unfinished string", Token::Text)),
                Some(b'\\') => {
                    self.step();
                    self.escape()?;
                }
                Some(byte) => {
                    self.keep();
                    if byte == quote {
                        return Ok(Token::Text);
                    }
                }
            }
        }
    }

    /// What stands behind a backslash. The end of the chunk there is the string's fault.
    fn escape(&mut self) -> Result<(), Fault> {
        let Some(byte) = self.current() else { return Ok(()) };
        let plain = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' | b'\'' => byte,
            b'x' => {
                self.step();
                let high = self.hexadecimal()?;
                let low = self.hexadecimal()?;
                self.text.extend(u8::try_from(high << 4 | low));
                return Ok(());
            }
            b'u' => return self.code_point(),
            b'z' => {
                self.step();
                while self.current_is(is_space) {
                    if self.current_is(is_newline) {
                        self.newline();
                    } else {
                        self.step();
                    }
                }
                return Ok(());
            }
            b'\n' | b'\r' => {
                self.text.push(b'\n');
                self.newline();
                return Ok(());
            }
            b'0'..=b'9' => return self.decimal(),
            _ => return Err(self.bad_escape()),
        };
        self.text.push(plain);
        self.step();
        Ok(())
    }

    fn bad_escape(&self) -> Fault {
        self.fault("invalid escape sequence", Token::Text)
    }

    /// A hexadecimal digit.
    fn hexadecimal(&mut self) -> Result<u32, Fault> {
        let digit = self.current().and_then(|byte| char::from(byte).to_digit(16));
        let digit = digit.ok_or_else(|| self.bad_escape())?;
        self.step();
        Ok(digit)
    }

    /// `u{…}`, a character by its number.
    fn code_point(&mut self) -> Result<(), Fault> {
        if self.step() != Some(b'{') {
            return Err(self.bad_escape());
        }
        self.step();
        let mut point = 0;
        loop {
            point = point << 4 | self.hexadecimal()?;
            if point > u32::from(char::MAX) {
                return Err(self.bad_escape());
            }
            if self.skip(b'}') {
                break;
            }
        }
        let character = char::from_u32(point).ok_or_else(|| self.bad_escape())?;
        self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// A byte by its number, of up to three decimal digits.
    fn decimal(&mut self) -> Result<(), Fault> {
        let mut number: u32 = 0;
        for _ in 0..3 {
            let Some(digit) = self.current().and_then(|byte| char::from(byte).to_digit(10)) else { break };
            number = number * 10 + digit;
            if number > 255 {
                return Err(self.bad_escape());
            }
            self.step();
        }
        self.text.extend(u8::try_from(number));
        Ok(())
    }
}

/// What a square bracket is.
enum Bracket {
    /// One of a pair, with so many `=` between them.
    Long(usize),
    Single,
    /// `[=` without a second bracket.
    Broken,
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
