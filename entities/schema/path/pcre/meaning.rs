//! What the parts of a pattern mean together: the lengths of lookbehinds, and what references refer to.
//!
//! The grammar has been read when this runs; nothing here looks at the pattern's text.

use std::collections::HashMap;

use super::{Fault, words};

/// The longest lookbehind of one length, and of several.
const LONGEST_FIXED: i64 = 65_535;
const LONGEST_VARIABLE: i64 = 255;
/// The most branches that PCRE2 looks through to find the lengths of all lookbehinds.
const MOST_BRANCHES: u32 = 2001;
/// How deep groups may lie in each other, counting those that references lead to. PCRE2 has no such limit; without
/// one a pattern could use up the stack.
const DEEPEST: u32 = 700;
const TOO_COMPLICATED: &str = "lookbehind is too complicated";

/// A pattern that was read.
pub struct Tree<'a> {
    pub root: Group<'a>,
    /// How many captures there are.
    pub captures: u32,
    /// The named captures; of several with one name, the first.
    pub names: HashMap<&'a [u8], Name>,
    /// Whether `(?|` gave one number to several captures.
    pub shared_numbers: bool,
    /// The length of the pattern in bytes.
    pub length: usize,
}

/// A named capture.
#[derive(Clone, Copy)]
pub struct Name {
    pub number: u32,
    /// Another capture has the same name.
    pub repeated: bool,
}

pub struct Group<'a> {
    pub kind: Kind<'a>,
    /// The place that a fault of the group names.
    pub offset: usize,
    /// The group's place in the text.
    pub start: usize,
    pub end: usize,
    pub branches: Vec<Vec<Piece<'a>>>,
}

pub enum Kind<'a> {
    Plain,
    Capture(u32),
    Lookahead,
    Lookbehind,
    Condition(Condition<'a>),
}

pub enum Condition<'a> {
    /// A lookaround, which is the first piece of the first branch.
    Assertion,
    Version,
    Define,
    Number(u32),
    Name(&'a [u8]),
    /// `R` and digits: a name if there is such a one, or else a recursion.
    Recursion(&'a [u8]),
}

pub enum Piece<'a> {
    /// So many items of one byte each.
    Run(u32),
    /// An item of between `min` and `max` bytes; assertions have none.
    Span {
        min: u8,
        max: u8,
    },
    /// An item of any length: `\X`.
    Unlimited,
    /// `\K`.
    Keep,
    /// `(*ACCEPT)` and `(*FAIL)`: what follows in the branch is not matched.
    Stop,
    /// How often the piece before may stand.
    Repeat {
        min: u32,
        max: Option<u32>,
    },
    Reference(Reference<'a>),
    Group(Group<'a>),
}

pub struct Reference<'a> {
    pub target: Target<'a>,
    /// A call of a group, not a repetition of what it matched.
    pub call: bool,
    /// The reference's place in the text.
    pub at: usize,
    /// The place that a fault of the reference names.
    pub offset: usize,
}

pub enum Target<'a> {
    Number(u32),
    Name(&'a [u8]),
}

/// Checks lookbehinds, then references and `\K`, then the branches of conditions.
pub fn check(tree: &Tree<'_>) -> Result<(), Fault> {
    let mut lengths = Lengths { tree, groups: HashMap::new(), known: HashMap::new(), branches: 0, depth: 0 };
    collect(&tree.root, &mut lengths.groups);
    lengths.inside(&tree.root, &mut Vec::new())?;
    tree.references(&tree.root, false)?;
    conditions(&tree.root)
}

/// The captures by number; of several with one number, the first.
fn collect<'t, 'a>(group: &'t Group<'a>, groups: &mut HashMap<u32, &'t Group<'a>>) {
    if let Kind::Capture(number) = group.kind {
        groups.entry(number).or_insert(group);
    }
    for piece in group.branches.iter().flatten() {
        if let Piece::Group(inner) = piece {
            collect(inner, groups);
        }
    }
}

/// Why a branch has no length that a lookbehind can have.
enum Trouble {
    /// Said of the lookbehind around it.
    Around(&'static str),
    At(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::At(fault)
    }
}

/// Nothing limits the length.
const UNLIMITED: Trouble = Trouble::Around("length of lookbehind assertion is not limited");
const TOO_LONG: Trouble = Trouble::Around("lookbehind assertion is too long");

/// The shortest and the longest match of a piece, in bytes.
#[derive(Clone, Copy, Default)]
struct Span {
    min: i64,
    max: i64,
}

/// Finds the lengths of lookbehinds.
struct Lengths<'t, 'a> {
    tree: &'t Tree<'a>,
    groups: HashMap<u32, &'t Group<'a>>,
    known: HashMap<u32, Span>,
    branches: u32,
    depth: u32,
}

impl<'t, 'a> Lengths<'t, 'a> {
    /// Checks every lookbehind inside a group. `callers` are the captures whose length is being found.
    fn inside(&mut self, group: &'t Group<'a>, callers: &mut Vec<u32>) -> Result<(), Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault { message: TOO_COMPLICATED, offset: group.offset });
        }
        self.depth += 1;
        for piece in group.branches.iter().flatten() {
            match piece {
                Piece::Group(inner) if matches!(inner.kind, Kind::Lookbehind) => {
                    self.lookbehind(inner, callers)?;
                }
                Piece::Group(inner) => self.inside(inner, callers)?,
                _ => {}
            }
        }
        // A fault ends the whole check, so the depth is only taken back where there is none.
        self.depth -= 1;
        Ok(())
    }

    fn lookbehind(&mut self, group: &'t Group<'a>, callers: &mut Vec<u32>) -> Result<(), Fault> {
        let offset = group.offset;
        let mut longest = 0;
        let mut variable = false;
        for branch in &group.branches {
            let span = self.branch(branch, callers).map_err(|trouble| match trouble {
                Trouble::Around(message) => Fault { message, offset },
                Trouble::At(fault) => fault,
            })?;
            variable |= span.min != span.max;
            longest = span.max.max(longest);
        }
        if variable && longest > LONGEST_VARIABLE {
            return Err(Fault { message: "branch too long in variable-length lookbehind assertion", offset });
        }
        Ok(())
    }

    fn group(&mut self, group: &'t Group<'a>, callers: &mut Vec<u32>) -> Result<Span, Trouble> {
        let number = match group.kind {
            Kind::Capture(number) if !self.tree.shared_numbers => Some(number),
            _ => None,
        };
        if let Some(known) = number.and_then(|number| self.known.get(&number)) {
            return Ok(*known);
        }
        let mut whole = Span { min: i64::MAX, max: 0 };
        for branch in &group.branches {
            let span = self.branch(branch, callers)?;
            whole = Span { min: whole.min.min(span.min), max: whole.max.max(span.max) };
        }
        if let Some(number) = number {
            self.known.insert(number, whole);
        }
        Ok(whole)
    }

    fn branch(&mut self, branch: &'t [Piece<'a>], callers: &mut Vec<u32>) -> Result<Span, Trouble> {
        self.branches += 1;
        if self.branches > MOST_BRANCHES || self.depth >= DEEPEST {
            return Err(Trouble::Around(TOO_COMPLICATED));
        }
        self.depth += 1;
        let mut whole = Span::default();
        let mut last = Span::default();
        let mut pieces = branch.iter().peekable();
        while let Some(piece) = pieces.next() {
            let item = match piece {
                Piece::Run(count) => {
                    whole.min += i64::from(*count) - 1;
                    whole.max += i64::from(*count) - 1;
                    Span { min: 1, max: 1 }
                }
                Piece::Span { min, max } => Span { min: (*min).into(), max: (*max).into() },
                Piece::Unlimited => return Err(UNLIMITED),
                Piece::Keep => Span::default(),
                Piece::Stop => break,
                Piece::Repeat { max: None, .. } => return Err(UNLIMITED),
                Piece::Repeat { min, max: Some(max) } => {
                    let (min, max) = (i64::from(*min), i64::from(*max));
                    // The item before counts once already: one more for each further time, or one less for none.
                    let mut more = Span { min: 0, max: 0 };
                    if min == 0 {
                        whole.min -= last.min;
                    } else {
                        more.min = (min - 1).saturating_mul(last.min);
                    }
                    if max == 0 {
                        whole.max -= last.max;
                    } else {
                        more.max = (max - 1).saturating_mul(last.max);
                    }
                    more
                }
                Piece::Reference(reference) => self.reference(reference, callers)?,
                Piece::Group(group) => match &group.kind {
                    Kind::Lookahead => {
                        self.inside(group, callers)?;
                        pieces.next_if(|next| matches!(next, Piece::Repeat { .. }));
                        Span::default()
                    }
                    Kind::Lookbehind => {
                        self.lookbehind(group, callers)?;
                        Span::default()
                    }
                    Kind::Condition(Condition::Define) => Span::default(),
                    Kind::Plain | Kind::Capture(_) | Kind::Condition(_) => self.group(group, callers)?,
                },
            };
            whole.max = whole.max.saturating_add(item.max);
            whole.min = whole.min.saturating_add(item.min);
            if whole.max > LONGEST_FIXED {
                return Err(TOO_LONG);
            }
            last = item;
        }
        self.depth -= 1;
        Ok(whole)
    }

    fn reference(&mut self, reference: &'t Reference<'a>, callers: &mut Vec<u32>) -> Result<Span, Trouble> {
        // What a number or name of several groups repeats has no one length, whichever group it is.
        let ambiguous = match reference.target {
            Target::Name(name) => {
                self.tree.shared_numbers || self.tree.names.get(name).is_some_and(|name| name.repeated)
            }
            Target::Number(_) => self.tree.shared_numbers,
        };
        if ambiguous && !reference.call && !self.tree.is_unknown_name(reference) {
            return Err(UNLIMITED);
        }
        let number = self.tree.resolve(reference)?;
        let Some(&group) = self.groups.get(&number) else {
            return Err(UNLIMITED);
        };
        if (group.start..group.end).contains(&reference.at) || callers.contains(&number) {
            return Err(UNLIMITED);
        }
        callers.push(number);
        let span = self.group(group, callers);
        callers.pop();
        span
    }
}

impl Tree<'_> {
    /// The number of the capture that a reference names; zero is the whole pattern.
    fn resolve(&self, reference: &Reference<'_>) -> Result<u32, Fault> {
        let found = match reference.target {
            Target::Number(number) => Some(number).filter(|number| *number <= self.captures),
            Target::Name(name) => self.names.get(name).map(|name| name.number),
        };
        found.ok_or(Fault { message: words::NO_SUCH_GROUP, offset: reference.offset })
    }

    fn is_unknown_name(&self, reference: &Reference<'_>) -> bool {
        matches!(reference.target, Target::Name(name) if !self.names.contains_key(name))
    }

    /// Checks references, conditions and `\K` in the order of the text; `asserting` within lookarounds.
    fn references(&self, group: &Group<'_>, asserting: bool) -> Result<(), Fault> {
        if let Kind::Condition(condition) = &group.kind {
            self.condition(condition, group.offset)?;
        }
        let asserting = asserting || matches!(group.kind, Kind::Lookahead | Kind::Lookbehind);
        for piece in group.branches.iter().flatten() {
            match piece {
                Piece::Keep if asserting => {
                    let message =
                        "\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)";
                    return Err(Fault { message, offset: self.length });
                }
                Piece::Reference(reference) => self.resolve(reference).map(drop)?,
                Piece::Group(inner) => self.references(inner, asserting)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn condition(&self, condition: &Condition<'_>, offset: usize) -> Result<(), Fault> {
        let found = match condition {
            Condition::Assertion | Condition::Version | Condition::Define => true,
            Condition::Number(number) => *number <= self.captures,
            Condition::Name(name) => self.names.contains_key(name),
            Condition::Recursion(name) => {
                self.names.contains_key(name) || self.recursion(name, offset)? <= self.captures
            }
        };
        if found { Ok(()) } else { Err(Fault { message: words::NO_SUCH_GROUP, offset }) }
    }

    /// The number in `R` and digits; none is any recursion.
    fn recursion(&self, name: &[u8], offset: usize) -> Result<u32, Fault> {
        let mut number = 0;
        for (index, digit) in name.iter().enumerate().skip(1) {
            number = number * 10 + u32::from(digit.wrapping_sub(b'0'));
            if number > u32::from(u16::MAX) {
                return Err(Fault { message: words::GROUP_NUMBER, offset: offset + index });
            }
        }
        Ok(number)
    }
}

/// A condition has at most two branches, and `DEFINE` only one. The place named is that of the last reference or
/// condition before the end of the group, as PCRE2 remembers it.
fn conditions(group: &Group<'_>) -> Result<(), Fault> {
    for branch in &group.branches {
        let mut offset = 0;
        for piece in branch {
            match piece {
                Piece::Reference(reference) => offset = reference.offset,
                Piece::Group(inner) => {
                    let Kind::Condition(condition) = &inner.kind else {
                        conditions(inner)?;
                        continue;
                    };
                    offset = match condition {
                        Condition::Assertion | Condition::Version => offset,
                        Condition::Number(_) => inner.offset.saturating_sub(2),
                        Condition::Define | Condition::Name(_) | Condition::Recursion(_) => inner.offset,
                    };
                    conditions(inner)?;
                    let define = matches!(condition, Condition::Define);
                    if define && inner.branches.len() > 1 {
                        return Err(Fault {
                            message: "DEFINE subpattern contains more than one branch",
                            offset,
                        });
                    }
                    if inner.branches.len() > 2 {
                        let message = "conditional subpattern contains more than two branches";
                        return Err(Fault { message, offset });
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
