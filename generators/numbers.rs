//! Text -> number, as the C library and Lua read it: decimal and hexadecimal, with exponents, infinity included.
//!
//! A number that JSON cannot hold (infinity, not a number) is carried as the largest finite one of its sign, which
//! no declared limit accepts and which [`is_integer`] refuses. Nothing here decides which field takes a number.

use serde_json::Number;

/// The number that a text stands for, under the rules of Lua's `tonumber`: spaces around it, a sign, decimal,
/// hexadecimal (`0x10`, `0x1p4`) or binary (`0b101`) digits.
pub fn lua_number(text: &str) -> Option<Number> {
    let text = text.trim_matches([' ', '\t', '\n', '\x0B', '\x0C', '\r']);
    if let Some(number) = binary(text) {
        return Some(number);
    }
    let (number, used) = scan(text.as_bytes())?;
    (used == text.len()).then_some(number)
}

/// Whether a number has no fraction. What stands for infinity is not an integer.
pub fn is_integer(number: &Number) -> bool {
    number.is_i64()
        || number.is_u64()
        || number.as_f64().is_some_and(|value| value.fract() == 0.0 && value.abs() < f64::MAX)
}

/// The number at the start of `text` and the count of bytes that it takes: the longest start that makes sense, as
/// `strtod` has it.
pub(crate) fn scan(text: &[u8]) -> Option<(Number, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let negative = text.first() == Some(&b'-');
    let rest = text.get(sign..)?;
    let starts =
        |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    let endless = if negative { f64::NEG_INFINITY } else { f64::INFINITY };
    if starts("infinity") {
        return Some((from_f64(endless), sign + "infinity".len()));
    }
    if starts("inf") {
        return Some((from_f64(endless), sign + "inf".len()));
    }
    if starts("nan") {
        return Some((from_f64(f64::NAN), sign + "nan".len()));
    }
    if starts("0x")
        && let Some((number, used)) = rest.get(2..).and_then(|digits| hexadecimal(digits, negative))
    {
        return Some((number, sign + 2 + used));
    }
    let used = sign + decimal_length(rest)?;
    let number = std::str::from_utf8(text.get(..used)?).ok()?;
    Some((decimal(number)?, used))
}

/// A number as JSON holds it: without a fraction an integer where one fits.
pub(crate) fn from_f64(value: f64) -> Number {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    if value.fract() == 0.0 && value.abs() < LIMIT {
        if value >= 0.0 {
            return Number::from(value as u64);
        }
        if value >= -LIMIT / 2.0 {
            return Number::from(value as i64);
        }
    }
    let finite = if value.is_finite() { value } else { f64::MAX.copysign(value) };
    Number::from_f64(finite).unwrap_or_else(|| Number::from(0))
}

/// How many bytes the decimal number at the start takes; none without a digit.
fn decimal_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut used = whole;
    let mut fraction = 0;
    if text.get(used) == Some(&b'.') {
        fraction = digits(used + 1);
        used += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(text.get(used), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(used + 1), Some(b'+' | b'-')));
        let exponent = digits(used + 1 + sign);
        if exponent > 0 {
            used += 1 + sign + exponent;
        }
    }
    Some(used)
}

/// A decimal number; an integer that fits in 64 bits stays exact.
fn decimal(text: &str) -> Option<Number> {
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::from(value));
    }
    if let Ok(value) = text.parse::<u64>() {
        return Some(Number::from(value));
    }
    text.parse::<f64>().ok().map(from_f64)
}

/// The hexadecimal number behind `0x` and the count of bytes that it takes; none without a digit.
fn hexadecimal(text: &[u8], negative: bool) -> Option<(Number, usize)> {
    let mut used = 0;
    let mut digits = 0;
    let mut point = false;
    let mut exponent = 0_i32;
    let mut exact = Some(0_u64);
    let mut value = 0.0_f64;
    while let Some(byte) = text.get(used) {
        match char::from(*byte).to_digit(16) {
            Some(digit) => {
                digits += 1;
                value = value * 16.0 + f64::from(digit);
                exact = exact.and_then(|exact| exact.checked_mul(16)?.checked_add(u64::from(digit)));
                if point {
                    exponent = exponent.saturating_sub(4);
                }
            }
            None if *byte == b'.' && !point => point = true,
            None => break,
        }
        used += 1;
    }
    if digits == 0 {
        return None;
    }
    let mut scaled = point;
    if matches!(text.get(used), Some(b'p' | b'P')) {
        let sign = usize::from(matches!(text.get(used + 1), Some(b'+' | b'-')));
        let power = text.iter().skip(used + 1 + sign).take_while(|byte| byte.is_ascii_digit()).count();
        if power > 0 {
            let end = used + 1 + sign + power;
            let written = text.get(used + 1..end).and_then(|power| std::str::from_utf8(power).ok())?;
            let limit = if written.starts_with('-') { i32::MIN } else { i32::MAX };
            exponent = exponent.saturating_add(written.parse().unwrap_or(limit));
            scaled = true;
            used = end;
        }
    }
    let number = match exact {
        Some(exact) if !scaled && !negative => Number::from(exact),
        Some(exact) if !scaled && exact <= i64::MAX.unsigned_abs() => Number::from(-exact.cast_signed()),
        _ if value == 0.0 => Number::from(0),
        _ => {
            let value = value * 2.0_f64.powi(exponent);
            from_f64(if negative { -value } else { value })
        }
    };
    Some((number, used))
}

/// A binary number such as `0b101`, which Lua reads and the C library does not.
fn binary(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix("0b").or_else(|| digits.strip_prefix("0B"))?;
    if !digits.bytes().all(|digit| matches!(digit, b'0' | b'1')) {
        return None;
    }
    let value = u64::from_str_radix(digits, 2).ok()?;
    if negative { Some(from_f64(-(value as f64))) } else { Some(Number::from(value)) }
}

#[cfg(test)]
mod tests {
    use serde_json::Number;

    use super::{from_f64, is_integer, lua_number, scan};

    fn check(text: &str, expect: &str) {
        let found = lua_number(text).map_or("nil".to_owned(), |number| number.to_string());
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn texts_that_lua_reads_as_numbers() {
        check("0", "0");
        check("-0", "0");
        check("007", "7");
        check("2.0", "2");
        check("1.5", "1.5");
        check("1.", "1");
        check(".5", "0.5");
        check("+3", "3");
        check("1e3", "1000");
        check("1E-2", "0.01");
        check(" 10", "10");
        check("\t10\r\n\x0B\x0C", "10");
        check("0x10", "16");
        check("-0XfF", "-255");
        check("0x.8", "0.5");
        check("0x1.8p3", "12");
        check("0x1p-1", "0.5");
        check("0x0p99999999999", "0");
        check("0b101", "5");
        check("-0B11", "-3");
        check("9007199254740993", "9007199254740993");
        check("18446744073709551615", "18446744073709551615");
        check("-9223372036854775808", "-9223372036854775808");
        check("0xffffffffffffffff", "18446744073709551615");
        check("1e18", "1000000000000000000");
    }

    #[test]
    fn numbers_beyond_64_bits_become_floats() {
        check("18446744073709551616", "1.8446744073709552e+19");
        check("-9223372036854775809", "-9223372036854775808");
        check("123456789012345678901234567890", "1.2345678901234568e+29");
    }

    #[test]
    fn what_json_cannot_hold_is_the_largest_finite_number() {
        for text in ["inf", "Infinity", "nan", "1e400", "0x1p9999", "0x1p99999999999"] {
            check(text, "1.7976931348623157e+308");
            assert!(!lua_number(text).is_some_and(|number| is_integer(&number)), "{text}");
        }
        check("-INF", "-1.7976931348623157e+308");
        check("-1e400", "-1.7976931348623157e+308");
    }

    #[test]
    fn texts_that_are_no_numbers() {
        let texts = [
            "", " ", "a", "1a", "1 2", "--1", "+-1", "- 1", ".", "-", "1e", "1e+", "0x", "0xg", "0b", "0b2",
            "0b1.0", "1.2.3", "0x1.2.3", "1,5", "١", "é", "1\0", "infinit", "nano", "1u", "1LL", "\u{A0}1",
        ];
        for text in texts {
            check(text, "nil");
        }
    }

    #[test]
    fn a_scan_stops_where_the_number_ends() {
        let cases: &[(&[u8], usize)] = &[
            (b"12]", 2),
            (b"1.5e3,", 5),
            (b"1e}", 1),
            (b"0x50}", 4),
            (b"0xg", 1),
            (b"1.}", 2),
            (b"-.5\xFF", 3),
        ];
        for (text, used) in cases {
            assert_eq!(scan(text).map(|(_, used)| used), Some(*used), "{text:?}");
        }
        for text in [&b""[..], b"-", b"+", b".", b"-.", b"e5", b"\xFF"] {
            assert_eq!(scan(text), None, "{text:?}");
        }
    }

    #[test]
    fn integers_have_no_fraction() {
        assert!(is_integer(&Number::from(5)));
        assert!(is_integer(&Number::from(u64::MAX)));
        assert!(is_integer(&from_f64(1e29)));
        assert!(!is_integer(&from_f64(0.1)));
        assert!(!is_integer(&from_f64(f64::INFINITY)));
        assert!(!is_integer(&from_f64(f64::NAN)));
    }
}
