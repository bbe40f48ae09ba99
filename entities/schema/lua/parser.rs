//! The statements of Lua, followed from the first token to the first fault. It makes no tree.

use super::expressions::Use;
use super::lexer::{Fault, Lexer, Token};
use super::scopes::Function;

/// How deep expressions and blocks may nest, taken together.
const MAX_DEPTH: usize = 200;

/// Whether `chunk` is Lua.
pub(super) fn parse(chunk: &[u8]) -> Result<(), Fault> {
    let mut lexer = Lexer::new(chunk)?;
    let token = lexer.next()?;
    let mut parser = Parser { lexer, token, ahead: None, last_line: 1, depth: 0, function: Function::new(0) };
    parser.function.has_rest = true;
    parser.statements()?;
    if parser.token != Token::End {
        return Err(parser.expected(Token::End));
    }
    parser.function.close_scope()
}

/// A chunk while it is read.
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) token: Token<'a>,
    /// The token after that, where it had to be looked at.
    ahead: Option<Token<'a>>,
    /// The line that the token before this one ended in.
    last_line: usize,
    depth: usize,
    /// The function whose body this is.
    pub(super) function: Function<'a>,
}

impl<'a> Parser<'a> {
    // Tokens.

    /// Reads the next token.
    pub(super) fn advance(&mut self) -> Result<(), Fault> {
        self.last_line = self.lexer.line;
        self.token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        Ok(())
    }

    /// The token after this one.
    pub(super) fn look_ahead(&mut self) -> Result<Token<'a>, Fault> {
        let token = match self.ahead {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        self.ahead = Some(token);
        Ok(token)
    }

    /// A fault at this token.
    pub(super) fn fault(&self, sentence: impl Into<String>) -> Fault {
        self.lexer.fault(sentence, self.token)
    }

    fn expected(&self, token: Token) -> Fault {
        self.fault(format!("'{}' expected", token.name()))
    }

    fn is(&self, word: &'static str) -> bool {
        self.token == Token::Word(word)
    }

    pub(super) fn is_byte(&self, byte: u8) -> bool {
        self.token == Token::Byte(byte)
    }

    /// Whether the token that may stand here does; it is skipped.
    pub(super) fn skip(&mut self, token: Token<'a>) -> Result<bool, Fault> {
        let found = self.token == token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Skips the token that must stand here.
    pub(super) fn require(&mut self, token: Token<'a>) -> Result<(), Fault> {
        if self.skip(token)? { Ok(()) } else { Err(self.expected(token)) }
    }

    /// Skips the token that closes what `opener` began in `line`.
    pub(super) fn close(&mut self, token: Token<'a>, opener: Token<'a>, line: usize) -> Result<(), Fault> {
        if self.skip(token)? { Ok(()) } else { Err(self.unclosed(token, opener, line)) }
    }

    fn unclosed(&self, token: Token, opener: Token, line: usize) -> Fault {
        if line == self.lexer.line {
            return self.expected(token);
        }
        self.fault(format!("'{}' expected (to close '{}' at line {line})", token.name(), opener.name()))
    }

    /// A name, which is skipped.
    pub(super) fn name(&mut self) -> Result<&'a [u8], Fault> {
        let Token::Name(name) = self.token else { return Err(self.expected(Token::Name(b""))) };
        self.advance()?;
        Ok(name)
    }

    // Nesting, names and jumps.

    /// Goes one level deeper, in expressions or blocks.
    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth >= MAX_DEPTH {
            return Err(Fault::at(self.lexer.line, "chunk has too many syntax levels"));
        }
        Ok(())
    }

    /// Comes back from a level.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn add(&self, names: &mut Vec<&'a [u8]>, name: &'a [u8]) -> Result<(), Fault> {
        self.function.add(names, name, self.lexer.line)
    }

    fn label(&mut self) -> Result<(), Fault> {
        self.advance()?;
        let name = self.name()?;
        let label = self.function.label(name, self.lexer.line)?;
        self.require(Token::Word("::"))?;
        loop {
            if self.is("::") {
                self.enter()?;
                self.label()?;
                self.leave();
            } else if !self.skip(Token::Byte(b';'))? {
                break;
            }
        }
        let ends_block = self.ends_block() && !self.is("until");
        self.function.settle(&label, ends_block)
    }

    // Statements.

    fn ends_block(&self) -> bool {
        matches!(self.token, Token::End | Token::Word("else" | "elseif" | "end" | "until"))
    }

    /// Statements up to the end of the block, of which `return` is the last.
    fn statements(&mut self) -> Result<(), Fault> {
        self.enter()?;
        let mut is_last = false;
        while !is_last && !self.ends_block() {
            is_last = self.is("return");
            self.statement()?;
            self.skip(Token::Byte(b';'))?;
        }
        self.leave();
        Ok(())
    }

    fn block(&mut self) -> Result<(), Fault> {
        self.function.open_scope(false);
        self.statements()?;
        self.function.close_scope()
    }

    fn statement(&mut self) -> Result<(), Fault> {
        let line = self.lexer.line;
        match self.token {
            Token::Word("if") => self.if_statement(line),
            Token::Word("while") => self.while_loop(line),
            Token::Word("do") => {
                self.advance()?;
                self.block()?;
                self.close(Token::Word("end"), Token::Word("do"), line)
            }
            Token::Word("for") => self.for_loop(line),
            Token::Word("repeat") => self.repeat_loop(line),
            Token::Word("function") => self.function_statement(line),
            Token::Word("local") => {
                self.advance()?;
                self.local()
            }
            Token::Word("return") => {
                self.advance()?;
                if !self.ends_block() && !self.is_byte(b';') {
                    self.expressions()?;
                }
                Ok(())
            }
            Token::Word("break") => {
                self.advance()?;
                self.function.jump(b"", self.last_line);
                Ok(())
            }
            Token::Word("goto") => {
                self.advance()?;
                let label = self.name()?;
                self.function.jump(label, self.last_line);
                Ok(())
            }
            Token::Word("::") => self.label(),
            Token::Byte(b';') => self.advance(),
            _ => self.call_or_assignment(),
        }
    }

    fn if_statement(&mut self, line: usize) -> Result<(), Fault> {
        loop {
            self.advance()?;
            self.expression()?;
            self.require(Token::Word("then"))?;
            self.block()?;
            if !self.is("elseif") {
                break;
            }
        }
        if self.skip(Token::Word("else"))? {
            self.block()?;
        }
        self.close(Token::Word("end"), Token::Word("if"), line)
    }

    fn while_loop(&mut self, line: usize) -> Result<(), Fault> {
        self.advance()?;
        self.expression()?;
        self.function.open_scope(true);
        self.require(Token::Word("do"))?;
        self.block()?;
        self.close(Token::Word("end"), Token::Word("while"), line)?;
        self.function.close_scope()
    }

    fn repeat_loop(&mut self, line: usize) -> Result<(), Fault> {
        self.function.open_scope(true);
        self.function.open_scope(false);
        self.advance()?;
        self.statements()?;
        self.close(Token::Word("until"), Token::Word("repeat"), line)?;
        self.expression()?;
        self.function.close_scope()?;
        self.function.close_scope()
    }

    fn for_loop(&mut self, line: usize) -> Result<(), Fault> {
        self.function.open_scope(true);
        self.advance()?;
        let name = self.name()?;
        // Three variables of the loop's own come before those that the program names.
        let mut names = Vec::new();
        for own in [b"", b"", b"", name] {
            self.add(&mut names, own)?;
        }
        match self.token {
            Token::Byte(b'=') => {
                self.advance()?;
                self.expression()?;
                self.require(Token::Byte(b','))?;
                self.expression()?;
                if self.skip(Token::Byte(b','))? {
                    self.expression()?;
                }
            }
            Token::Byte(b',') | Token::Word("in") => {
                while self.skip(Token::Byte(b','))? {
                    let name = self.name()?;
                    self.add(&mut names, name)?;
                }
                self.require(Token::Word("in"))?;
                self.expressions()?;
            }
            _ => return Err(self.fault("'=' or 'in' expected")),
        }
        let (own, visible) = names.split_at(3);
        self.function.declare(own);
        self.require(Token::Word("do"))?;
        self.function.open_scope(false);
        self.function.declare(visible);
        self.block()?;
        self.function.close_scope()?;
        self.close(Token::Word("end"), Token::Word("for"), line)?;
        self.function.close_scope()
    }

    fn function_statement(&mut self, line: usize) -> Result<(), Fault> {
        self.advance()?;
        self.name()?;
        while self.skip(Token::Byte(b'.'))? {
            self.name()?;
        }
        let is_method = self.skip(Token::Byte(b':'))?;
        if is_method {
            self.name()?;
        }
        self.body(is_method, line)
    }

    fn local(&mut self) -> Result<(), Fault> {
        let mut names = Vec::new();
        if self.skip(Token::Word("function"))? {
            let name = self.name()?;
            self.add(&mut names, name)?;
            self.function.declare(&names);
            return self.body(false, self.lexer.line);
        }
        loop {
            let name = self.name()?;
            self.add(&mut names, name)?;
            if !self.skip(Token::Byte(b','))? {
                break;
            }
        }
        if self.skip(Token::Byte(b'='))? {
            self.expressions()?;
        }
        self.function.declare(&names);
        Ok(())
    }

    fn call_or_assignment(&mut self) -> Result<(), Fault> {
        let mut variables = 0;
        let mut target = self.suffixed()?;
        if target == Use::Call {
            return Ok(());
        }
        loop {
            variables += 1;
            if target != Use::Variable {
                return Err(self.fault("syntax error"));
            }
            if !self.skip(Token::Byte(b','))? {
                break;
            }
            target = self.suffixed()?;
            if self.depth + variables >= MAX_DEPTH {
                let sentence = self.function.limit(MAX_DEPTH, "variable names");
                return Err(Fault::at(self.lexer.line, sentence));
            }
        }
        self.require(Token::Byte(b'='))?;
        self.expressions()
    }

    /// The parameters and the body of a function, up to its `end`.
    pub(super) fn body(&mut self, is_method: bool, line: usize) -> Result<(), Fault> {
        let outer = std::mem::replace(&mut self.function, Function::new(line));
        self.require(Token::Byte(b'('))?;
        let mut names: Vec<&[u8]> = Vec::new();
        if is_method {
            names.push(b"self");
        }
        if !self.is_byte(b')') {
            loop {
                if self.skip(Token::Word("..."))? {
                    self.function.has_rest = true;
                    break;
                }
                if !matches!(self.token, Token::Name(_)) {
                    return Err(self.fault("<name> or '...' expected"));
                }
                let name = self.name()?;
                self.add(&mut names, name)?;
                if !self.skip(Token::Byte(b','))? {
                    break;
                }
            }
        }
        self.function.declare(&names);
        self.require(Token::Byte(b')'))?;
        self.statements()?;
        if !self.is("end") {
            return Err(self.unclosed(Token::Word("end"), Token::Word("function"), line));
        }
        self.function.close_scope()?;
        self.function = outer;
        self.advance()
    }
}
