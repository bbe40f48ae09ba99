//! The names of a function: the local variables, labels and jumps of its blocks, and what is wrong with them.
//!
//! They are followed as far as a fault can come of them: a jump must find its label, and must not enter the scope of
//! a local variable; and a function has a limited number of these. What a name means is not followed.

use super::lexer::Fault;

/// How many local variables are visible at one point of a function, at most.
const MAX_LOCALS: usize = 200;

/// A function while its body is read. The chunk itself is one.
#[derive(Default)]
pub(super) struct Function<'a> {
    /// The line it begins in; 0 for the chunk itself.
    line: usize,
    /// Whether it takes `...`.
    pub(super) has_rest: bool,
    /// The local variables that are visible; those of a loop's own have no name.
    locals: Vec<&'a [u8]>,
    scopes: Vec<Scope>,
    marks: Vec<Mark<'a>>,
}

struct Scope {
    /// How many local variables there were before it.
    locals: usize,
    /// How many labels and jumps there were before it.
    marks: usize,
    is_loop: bool,
}

/// A label, or a jump whose label is not yet known.
struct Mark<'a> {
    kind: Kind,
    /// The name of the label; empty for the end of a loop.
    label: &'a [u8],
    /// How many local variables are visible there.
    locals: usize,
    line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Label,
    Jump,
    /// What needs no more attention.
    Settled,
}

/// Where a label stands among the marks of its function.
pub(super) struct Label<'a> {
    label: &'a [u8],
    /// Where the marks of its block begin.
    start: usize,
    index: usize,
}

impl<'a> Function<'a> {
    /// A function that begins in that line, with the scope of its parameters.
    pub(super) fn new(line: usize) -> Function<'a> {
        let mut function = Function { line, ..Function::default() };
        function.open_scope(false);
        function
    }

    /// The sentence that there is too much of something.
    pub(super) fn limit(&self, most: usize, what: &str) -> String {
        match self.line {
            0 => format!("main function has more than {most} {what}"),
            line => format!("function at line {line} has more than {most} {what}"),
        }
    }

    /// Adds a local variable to those that a statement declares; they become visible with [`Self::declare`].
    pub(super) fn add(&self, names: &mut Vec<&'a [u8]>, name: &'a [u8], line: usize) -> Result<(), Fault> {
        if self.locals.len() + names.len() >= MAX_LOCALS {
            return Err(Fault::at(line, self.limit(MAX_LOCALS, "local variables")));
        }
        names.push(name);
        Ok(())
    }

    /// Makes local variables visible.
    pub(super) fn declare(&mut self, names: &[&'a [u8]]) {
        self.locals.extend_from_slice(names);
    }

    /// Begins a block.
    pub(super) fn open_scope(&mut self, is_loop: bool) {
        self.scopes.push(Scope { locals: self.locals.len(), marks: self.marks.len(), is_loop });
    }

    /// Ends a block: the jumps in it that found no label in it look for one in the block around it.
    pub(super) fn close_scope(&mut self) -> Result<(), Fault> {
        let Some(scope) = self.scopes.pop() else { return Ok(()) };
        let is_body = self.scopes.is_empty();
        self.locals.truncate(scope.locals);
        let mut known: Vec<&[u8]> = Vec::new();
        for mark in self.marks.iter_mut().skip(scope.marks) {
            match mark.kind {
                Kind::Settled => {}
                Kind::Label => {
                    known.push(mark.label);
                    mark.kind = Kind::Settled;
                }
                Kind::Jump if known.contains(&mark.label) || (scope.is_loop && mark.label.is_empty()) => {
                    mark.kind = Kind::Settled;
                }
                Kind::Jump if is_body && mark.label.is_empty() => {
                    return Err(Fault::at(mark.line, "no loop to break"));
                }
                Kind::Jump if is_body => {
                    return Err(Fault::at(mark.line, format!("undefined label '{}'", shown(mark.label))));
                }
                Kind::Jump => mark.locals = scope.locals,
            }
        }
        Ok(())
    }

    /// A jump to a label, or, without a name, to the end of the loop.
    pub(super) fn jump(&mut self, label: &'a [u8], line: usize) {
        self.marks.push(Mark { kind: Kind::Jump, label, locals: self.locals.len(), line });
    }

    /// A label, which its block does not have yet.
    pub(super) fn label(&mut self, label: &'a [u8], line: usize) -> Result<Label<'a>, Fault> {
        let start = self.scopes.last().map_or(0, |scope| scope.marks);
        if self.marks.iter().skip(start).any(|mark| mark.kind == Kind::Label && mark.label == label) {
            return Err(Fault::at(line, format!("duplicate label '{}'", shown(label))));
        }
        let index = self.marks.len();
        self.marks.push(Mark { kind: Kind::Label, label, locals: self.locals.len(), line });
        Ok(Label { label, start, index })
    }

    /// Lets the jumps that wait for a label of this block find it, unless a local variable was declared in between.
    /// A label that ends its block is outside the scope of the block's variables.
    pub(super) fn settle(&mut self, label: &Label, ends_block: bool) -> Result<(), Fault> {
        let outside = self.scopes.last().map_or(0, |scope| scope.locals);
        let visible = if ends_block { outside } else { self.locals.len() };
        let before = self.marks.iter_mut().take(label.index).skip(label.start);
        for jump in before.filter(|mark| mark.kind == Kind::Jump && mark.label == label.label) {
            if jump.locals < visible {
                let local = self.locals.get(jump.locals).copied().unwrap_or_default();
                let (label, local) = (shown(label.label), shown(local));
                let sentence = format!("<goto {label}> jumps into the scope of local '{local}'");
                return Err(Fault::at(jump.line, sentence));
            }
            jump.kind = Kind::Settled;
        }
        Ok(())
    }
}

fn shown(name: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name)
}
