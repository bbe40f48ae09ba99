//! Templates of values: text with `$(…)` in it, where an expression of Lua stands for what it gives.
//!
//! As Kong's template compiler does, a template is written out as a chunk of Lua that joins its parts, and the chunk
//! is compiled. It is not run. Lines of Lua inside a template are not part of what a plugin may hold.

use crate::schema::lua;

/// Opens the chunk; all of the template follows in the same line, as far as it has no lines of its own.
const OPENING: &str = "return function() local __R_size, __R_table, __tostring = 0, {}, __tostring; ";

/// Adds a part to what the chunk gives.
const APPEND: &str = " __R_size = __R_size + 1; __R_table[__R_size] = ";

/// Whether a template compiles.
///
/// # Errors
/// What LuaJIT says of the chunk that stands for it.
pub(super) fn check(template: &str) -> Result<(), String> {
    let mut chunk = OPENING.to_owned();
    let mut rest = template;
    while let Some((text, expression, after)) = first_expression(rest) {
        push_text(&mut chunk, text);
        chunk.push_str(APPEND);
        chunk.push_str("__tostring((");
        chunk.push_str(expression);
        chunk.push_str(") or '');");
        rest = after;
    }
    if !rest.is_empty() {
        push_text(&mut chunk, rest);
    }
    chunk.push_str("return __R_table; end");
    lua::check_named(&chunk, "TMP")
}

/// The first `$(…)` whose parentheses are balanced: the text before it, what stands in it, and the text after it.
fn first_expression(template: &str) -> Option<(&str, &str, &str)> {
    template.match_indices("$(").find_map(|(at, opening)| {
        let (text, inside) = (template.get(..at)?, template.get(at + opening.len()..)?);
        let mut depth = 1_usize;
        let end = inside.bytes().position(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        Some((text, inside.get(..end)?, inside.get(end + 1..)?))
    })
}

/// Adds a text as a literal of Lua's; its line breaks stay, so that lines are counted as in the template.
fn push_text(chunk: &mut String, text: &str) {
    chunk.push_str(APPEND);
    chunk.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '\n' => chunk.extend(['\\', character]),
            control if control.is_ascii_control() => chunk.push_str(&format!("\\{:03}", u32::from(control))),
            character => chunk.push(character),
        }
    }
    chunk.push_str("\";");
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn expressions_are_compiled_and_text_is_not() {
        let check = |template, expected: &str| {
            assert_eq!(check(template).err().unwrap_or_default(), expected, "{template}");
        };
        check("plain \"text\" \\ \t # ) (", "");
        check("$(headers['x'] or (query_params.y .. 'z'))/$(1)", "");
        check("$(", "");
        check("$((1)", "");
        check("$(1)$(ü)", "");
        check("$(if)", "[string \"TMP\"]:1: unexpected symbol near 'if'");
        check("a\nb$(1 2)", "[string \"TMP\"]:2: ')' expected near '2'");
        check("$()", "[string \"TMP\"]:1: unexpected symbol near ')'");
    }
}
