//! Whether a text is a number of Lua's: decimal, hexadecimal or binary, with the suffixes of LuaJIT.

/// The largest exponent, beyond which LuaJIT does not read a number.
const MAX_EXPONENT: u32 = 1 << 20;

/// Whether `text`, which begins with a digit or a dot, is a number in its whole length.
pub(super) fn is_number(text: &[u8]) -> bool {
    let (base, text) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        _ => (10, text),
    };
    let is_digit = |byte: &u8| if base == 16 { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let end = text.iter().position(|byte| !is_digit(byte) && *byte != b'.').unwrap_or(text.len());
    let (mantissa, rest) = text.split_at(end);
    let dots = mantissa.iter().filter(|byte| **byte == b'.').count();
    if dots > 1 || mantissa.len() == dots {
        return false;
    }
    if base == 2 && mantissa.iter().any(|byte| !matches!(byte, b'0' | b'1')) {
        return false;
    }
    let exponent = if base == 16 { b'p' } else { b'e' };
    let (is_float, suffix) = match rest {
        [letter, rest @ ..] if base != 2 && letter.to_ascii_lowercase() == exponent => {
            match after_exponent(rest) {
                Some(suffix) => (true, suffix),
                None => return false,
            }
        }
        _ => (dots > 0, rest),
    };
    let digits: Vec<u8> = mantissa.iter().copied().skip_while(|byte| *byte == b'0').collect();
    match suffix.to_ascii_lowercase().as_slice() {
        b"" | b"i" => base != 2 || digits.len() <= 64,
        b"ll" | b"ull" | b"llu" => !is_float && fits(&digits, base),
        _ => false,
    }
}

/// What follows the digits of an exponent, if that is one.
fn after_exponent(text: &[u8]) -> Option<&[u8]> {
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let value = std::str::from_utf8(digits).ok()?.parse::<u32>().ok()?;
    (value < MAX_EXPONENT).then_some(rest)
}

/// Whether an integer has at most 64 bits.
fn fits(digits: &[u8], base: u32) -> bool {
    digits.is_empty() || std::str::from_utf8(digits).is_ok_and(|text| u64::from_str_radix(text, base).is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn numbers_are_told_from_what_begins_like_them() {
        for text in [
            "0",
            "007",
            "1.",
            ".5",
            "1.5e+3",
            "1E5",
            "0xff",
            "0x.8p1",
            "0xA.8P-2",
            "0b11",
            "1LL",
            "18446744073709551615ull",
            "0xffffffffffffffffLLU",
            "2i",
            "1.5I",
            "1e99999",
            "0x1ffffffffffffffffff",
        ] {
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for text in [
            "1.2.3",
            "1e",
            "1e+",
            "0x",
            "0x.",
            "0b2",
            "0b",
            "0b1.1",
            "1L",
            "1u",
            "1uu",
            "1.5ll",
            "1x",
            "1e1048576",
            "18446744073709551616ll",
            "0x10000000000000000ull",
            "1lli",
        ] {
            assert!(!is_number(text.as_bytes()), "{text}");
        }
    }
}
