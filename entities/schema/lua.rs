//! Whether a text is Lua, in the words of LuaJIT, which compiles such texts in Kong.
//!
//! The language is Lua 5.1 with LuaJIT's extensions as OpenResty builds it: `goto`, `\z` and `\u{…}` in strings,
//! empty statements, `break` anywhere in a block, 64-bit and imaginary numbers. Nothing is run, and no code is made,
//! so that what only code has (registers, constants) is not counted.

mod expressions;
mod lexer;
mod number;
mod parser;
mod scopes;

use lexer::Fault;

use super::bytes;

/// Whether LuaJIT compiles `chunk`.
///
/// # Errors
/// The sentence of LuaJIT's parser: `[string "if then"]:1: unexpected symbol near 'then'`.
pub fn check(chunk: &str) -> Result<(), String> {
    check_named(chunk, chunk)
}

/// Whether LuaJIT compiles `chunk`, which bears a name of its own.
///
/// # Errors
/// As of [`check`], with the name where the chunk would stand.
pub fn check_named(chunk: &str, name: &str) -> Result<(), String> {
    match parser::parse(chunk.as_bytes()) {
        Ok(()) => Ok(()),
        Err(Fault::Bytecode) => Err("attempt to load chunk with wrong mode".to_owned()),
        Err(Fault::Syntax { line, sentence, near }) => {
            let mut text = source(name.as_bytes());
            text.extend_from_slice(format!(":{line}: {sentence}").as_bytes());
            if let Some(near) = near {
                text.extend_from_slice(b" near '");
                text.extend_from_slice(until_nul(&near));
                text.push(b'\'');
            }
            Err(bytes::marked(text))
        }
    }
}

/// How many bytes the name of a chunk has in a message, with the zero that ends it.
const NAME_SIZE: usize = 60;

/// The name of a chunk as a message shows it: `=name` and `@file` as they are, all else as the first line of a text.
fn source(name: &[u8]) -> Vec<u8> {
    let name = until_nul(name);
    match name {
        [b'=', plain @ ..] => plain.iter().copied().take(NAME_SIZE - 1).collect(),
        [b'@', file @ ..] if file.len() < NAME_SIZE => file.to_vec(),
        [b'@', file @ ..] => {
            let tail = file.iter().copied().skip(file.len() - (NAME_SIZE - 4));
            b"...".iter().copied().chain(tail).collect()
        }
        text => {
            let shown = text.iter().take(NAME_SIZE - 12).take_while(|byte| **byte >= b' ').count();
            let cut = shown < text.len();
            let shown = if cut { shown.min(NAME_SIZE - 15) } else { shown };
            let mut source = b"[string \"".to_vec();
            source.extend(text.iter().take(shown));
            source.extend_from_slice(if cut { b"...\"]" } else { b"\"]" });
            source
        }
    }
}

/// What C sees of a text.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::check;

    /// What is said of a chunk behind its name; empty for one that is fine.
    fn said(chunk: &str) -> String {
        let said = super::check_named(chunk, "=c").err().unwrap_or_default();
        said.strip_prefix("c:").map_or(said.clone(), str::to_owned)
    }

    #[test]
    fn chunks_that_compile() {
        for chunk in [
            "",
            ";",
            "return",
            "return 1;",
            "-- only a comment",
            "#!/usr/bin/lua\nreturn 1",
            "\u{feff}return 1",
            "local a, b = ..., {1, x = 2; [3] = 4, f 'x', function(...) return ... end}",
            "a.b['c']:d(1)(2).e, f = 1, not -#x ^ 2 .. 'y' <= 3",
            "for i = 1, 2, 3 do break; print(i) end for k, v in pairs(t) do end",
            "repeat local x = 1 until x == 1 while true do break end",
            "if a then elseif b then else end do end",
            "function a.b:c(x, ...) goto done; do goto done end ::done:: end",
            "goto f; local x; ::f::",
            "local function f() return f() end",
            "x = 0x1p4 + 1LL + 2ull + 3i + 0b101 + .5 + 1e-3 + 0xA.8p-1",
            "x = 'a\\z  \n b\\x41\\65\\u{20AC}\\\nc' .. [==[ ]] ]=] ]==]",
            "--[[ long\ncomment ]] return --[==[ ]] ]==] 1",
            "ünïcode = 1",
            "print 'x' { } (y)",
        ] {
            assert_eq!(said(chunk), "", "{chunk}");
        }
    }

    #[test]
    fn chunks_that_do_not() {
        let long = "1: chunk has too many syntax levels";
        for (chunk, expected) in [
            ("local = 1", "1: '<name>' expected near '='"),
            ("if then", "1: unexpected symbol near 'then'"),
            ("end", "1: '<eof>' expected near 'end'"),
            ("*.example.test", "1: unexpected symbol near '*'"),
            ("ünïcode", "1: '=' expected near '<eof>'"),
            ("a,b", "1: '=' expected near '<eof>'"),
            ("10.0.0.0/8", "1: malformed number near '10.0.0.0'"),
            ("9f1d3f8e-1111-4222", "1: malformed number near '9f1d3f8e-1111'"),
            ("x-y", "1: '=' expected near '-'"),
            ("key:val", "1: function arguments expected near '<eof>'"),
            ("value with space", "1: '=' expected near 'with'"),
            ("(a) = 1", "1: syntax error near '='"),
            ("f() = 1", "1: unexpected symbol near '='"),
            ("a, f() = 1", "1: syntax error near '='"),
            ("if a\nthen b()", "2: 'end' expected (to close 'if' at line 1) near '<eof>'"),
            ("f(1", "1: ')' expected near '<eof>'"),
            ("for i do end", "1: '=' or 'in' expected near 'do'"),
            ("function f(1) end", "1: <name> or '...' expected near '1'"),
            ("function f() return ... end", "1: cannot use '...' outside a vararg function near '...'"),
            ("break", "1: no loop to break"),
            ("\n\ngoto x", "3: undefined label 'x'"),
            ("::x:: ::x::", "1: duplicate label 'x'"),
            ("goto f; local x; ::f:: print(x)", "1: <goto f> jumps into the scope of local 'x'"),
            ("x = 'abc", "1: unfinished string near '<eof>'"),
            ("x = 'abc\n'", "1: unfinished string near ''abc'"),
            ("x = '\\q'", "1: invalid escape sequence near '''"),
            ("x = [==[ ]]", "1: unfinished long string near '<eof>'"),
            ("--[[ x", "1: unfinished long comment near '<eof>'"),
            ("x = [=x", "1: invalid long string delimiter near '[='"),
            ("x = \u{1}", "1: unexpected symbol near 'char(1)'"),
            ("x = 1 2", "1: unexpected symbol near '2'"),
            ("x = 1.", ""),
            ("x = 0x", "1: malformed number near '0x'"),
            (&"(".repeat(300), long),
            (&format!("x = {}", "{".repeat(300)), long),
            (&"do ".repeat(300), long),
            (&"local a ".repeat(201), "1: main function has more than 200 local variables"),
            (
                &format!("\nlocal function f() {} end", "local a ".repeat(201)),
                "2: function at line 2 has more than 200 local variables",
            ),
            ("\u{1b}LJ", "attempt to load chunk with wrong mode"),
        ] {
            assert_eq!(said(chunk), expected, "{chunk}");
        }
    }

    #[test]
    fn a_chunk_is_named_after_its_text() {
        let named = |chunk: &str, expected: &str| {
            assert_eq!(check(chunk).unwrap_err().split_once(':').unwrap().0, expected);
        };
        named("if then", "[string \"if then\"]");
        named("if\nthen", "[string \"if...\"]");
        named(&"x".repeat(48), &format!("[string \"{}\"]", "x".repeat(48)));
        named(&"x".repeat(49), &format!("[string \"{}...\"]", "x".repeat(45)));
        named("=x", "x");
        named(&format!("@{}", "x".repeat(59)), &"x".repeat(59));
        named(&format!("@{}", "x".repeat(80)), &format!("...{}", "x".repeat(56)));
    }
}
