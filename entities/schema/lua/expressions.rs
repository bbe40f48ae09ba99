//! The expressions of Lua. What can be assigned to is told from what can be called and what is only a value.

use super::lexer::{Fault, Token};
use super::parser::Parser;

/// What an expression can be used as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Variable,
    Call,
    Value,
}

impl Parser<'_> {
    /// One or more expressions.
    pub(super) fn expressions(&mut self) -> Result<(), Fault> {
        self.expression()?;
        while self.skip(Token::Byte(b','))? {
            self.expression()?;
        }
        Ok(())
    }

    pub(super) fn expression(&mut self) -> Result<(), Fault> {
        self.operation(0)
    }

    /// An operand and the operations on it that bind closer than `limit`.
    fn operation(&mut self, limit: u8) -> Result<(), Fault> {
        /// How close `not`, `-` and `#` bind.
        const UNARY: u8 = 8;
        self.enter()?;
        if matches!(self.token, Token::Word("not") | Token::Byte(b'-' | b'#')) {
            self.advance()?;
            self.operation(UNARY)?;
        } else {
            self.operand()?;
        }
        while let Some((left, right)) = binding(self.token)
            && left > limit
        {
            self.advance()?;
            self.operation(right)?;
        }
        self.leave();
        Ok(())
    }

    fn operand(&mut self) -> Result<(), Fault> {
        match self.token {
            Token::Number | Token::Text | Token::Word("nil" | "true" | "false") => self.advance(),
            Token::Word("...") => {
                if !self.function.has_rest {
                    return Err(self.fault("cannot use '...' outside a vararg function"));
                }
                self.advance()
            }
            Token::Byte(b'{') => self.table(),
            Token::Word("function") => {
                self.advance()?;
                self.body(false, self.lexer.line)
            }
            _ => self.suffixed().map(|_| ()),
        }
    }

    /// A name or an expression in parentheses, with the indices and calls behind it.
    pub(super) fn suffixed(&mut self) -> Result<Use, Fault> {
        let line = self.lexer.line;
        let mut kind = match self.token {
            Token::Byte(b'(') => {
                self.advance()?;
                self.expression()?;
                self.close(Token::Byte(b')'), Token::Byte(b'('), line)?;
                Use::Value
            }
            Token::Name(_) => {
                self.advance()?;
                Use::Variable
            }
            _ => return Err(self.fault("unexpected symbol")),
        };
        loop {
            kind = match self.token {
                Token::Byte(b'.') => {
                    self.advance()?;
                    self.name()?;
                    Use::Variable
                }
                Token::Byte(b'[') => {
                    self.index()?;
                    Use::Variable
                }
                Token::Byte(b':') => {
                    self.advance()?;
                    self.name()?;
                    self.arguments()?;
                    Use::Call
                }
                Token::Byte(b'(' | b'{') | Token::Text => {
                    self.arguments()?;
                    Use::Call
                }
                _ => return Ok(kind),
            };
        }
    }

    fn index(&mut self) -> Result<(), Fault> {
        self.advance()?;
        self.expression()?;
        self.require(Token::Byte(b']'))
    }

    fn arguments(&mut self) -> Result<(), Fault> {
        let line = self.lexer.line;
        match self.token {
            Token::Byte(b'(') => {
                self.advance()?;
                if !self.is_byte(b')') {
                    self.expressions()?;
                }
                self.close(Token::Byte(b')'), Token::Byte(b'('), line)
            }
            Token::Byte(b'{') => self.table(),
            Token::Text => self.advance(),
            _ => Err(self.fault("function arguments expected")),
        }
    }

    fn table(&mut self) -> Result<(), Fault> {
        let line = self.lexer.line;
        self.advance()?;
        while !self.is_byte(b'}') {
            if self.is_byte(b'[') {
                self.index()?;
                self.require(Token::Byte(b'='))?;
            } else if matches!(self.token, Token::Name(_)) && self.look_ahead()? == Token::Byte(b'=') {
                self.advance()?;
                self.advance()?;
            }
            self.expression()?;
            if !self.skip(Token::Byte(b','))? && !self.skip(Token::Byte(b';'))? {
                break;
            }
        }
        self.close(Token::Byte(b'}'), Token::Byte(b'{'), line)
    }
}

/// How close an operator binds what stands left and right of it.
fn binding(operator: Token) -> Option<(u8, u8)> {
    Some(match operator {
        Token::Byte(b'+' | b'-') => (6, 6),
        Token::Byte(b'*' | b'/' | b'%') => (7, 7),
        Token::Byte(b'^') => (10, 9),
        Token::Word("..") => (5, 4),
        Token::Byte(b'<' | b'>') | Token::Word("==" | "~=" | "<=" | ">=") => (3, 3),
        Token::Word("and") => (2, 2),
        Token::Word("or") => (1, 1),
        _ => return None,
    })
}
