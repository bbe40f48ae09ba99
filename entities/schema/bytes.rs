//! Bytes that are not UTF-8, carried inside a `String`.
//!
//! Forms, query strings, paths and JSON bodies may hold any byte, while a row holds Unicode text. [`marked`] keeps
//! every byte that is not part of a UTF-8 sequence as two characters: a noncharacter of Unicode, which no text
//! interchanges, and the byte itself as a character. [`invalid_at`] finds the first of them, so that a rule can name
//! its position. Nothing here decides which texts may hold such bytes.

/// Stands before a byte that is not UTF-8. Unicode reserves this code point for internal use.
const MARK: char = '\u{10FFFF}';

/// The bytes as text: UTF-8 as it is, any other byte as the mark and the character of the byte's number.
pub fn marked(raw: Vec<u8>) -> String {
    let raw = match String::from_utf8(raw) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(raw.len() + 8);
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push(MARK);
            text.push(char::from(*byte));
        }
    }
    text
}

/// Where the first byte that is not UTF-8 stood in the bytes that `text` was made of, counted in bytes from 1.
pub fn invalid_at(text: &str) -> Option<usize> {
    text.match_indices(MARK)
        .find(|(at, mark)| {
            let next = text.get(at + mark.len()..).and_then(|rest| rest.chars().next());
            next.is_some_and(|next| ('\u{80}'..='\u{FF}').contains(&next))
        })
        .map(|(at, _)| at + 1)
}

/// The text as it is shown to somebody, in UTF-8: the replacement character stands for each byte that is not.
pub fn legible(text: String) -> String {
    if invalid_at(&text).is_none() {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let byte =
            (character == MARK).then(|| characters.next_if(|next| ('\u{80}'..='\u{FF}').contains(next)));
        shown.push(match byte.flatten() {
            Some(_) => char::REPLACEMENT_CHARACTER,
            None => character,
        });
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{invalid_at, legible, marked};

    #[test]
    fn what_is_shown_is_utf8_without_marks() {
        for (raw, shown) in
            [(&b"a\xFFb\x80"[..], "a\u{FFFD}b\u{FFFD}"), (b"\xFF\xC3\xA9", "\u{FFFD}é"), (b"plain", "plain")]
        {
            assert_eq!(legible(marked(raw.to_vec())), shown);
        }
    }

    #[test]
    fn utf8_is_kept_as_it_is() {
        for text in ["", "plain", "日本 😀", "nul \0", "\u{10FFFF}", "\u{10FFFF}x", "é\u{10FFFE}é"] {
            assert_eq!(marked(text.as_bytes().to_vec()), text);
            assert_eq!(invalid_at(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_first_invalid_byte_has_its_position() {
        let cases: &[(&[u8], usize)] = &[
            (b"\xFF", 1),
            (b"ab\xC3", 3),
            (b"\xE6\x97", 1),
            (b"\xE6\x97\xA5\xFF", 4),
            (b"a\x80b\x80", 2),
            (b"\xC3\xA9\xED\xA0\x80", 3),
            (b"\xF4\x8F\xBF\xBF\xFF", 5),
            (b"\xC0\xAF", 1),
        ];
        for (raw, position) in cases {
            assert_eq!(invalid_at(&marked(raw.to_vec())), Some(*position), "{raw:?}");
        }
    }

    #[test]
    fn different_bytes_stay_different() {
        assert_ne!(marked(b"\xFE".to_vec()), marked(b"\xFF".to_vec()));
        assert_eq!(marked(b"a\xFFb".to_vec()), "a\u{10FFFF}\u{FF}b");
    }
}
