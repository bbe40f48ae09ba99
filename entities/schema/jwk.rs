//! Produces the verdict on a JSON Web Key (RFC 7517) that Kong's library gives, and the key itself.
//!
//! It deliberately does not know which further members a JSON Web Key may have and of which types they are:
//! that is a record like any other. As Kong, it loads `RSA`, `EC` and `OKP` keys and no `oct`, looks at `x`
//! of an `OKP` key only when `d` is absent, and does not check that private members fit the public ones.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::pem::key_der::{Key, KeyKind, P256, P384, P521};

/// Base64url as nginx reads it: without padding, and whatever the unused last bits are.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Checks the text of a JSON Web Key in Kong's order: it is JSON, its `kid` is the one of the entity, and it
/// loads. Gives the decoded members, for the checks of the record; an error is Kong's sentence.
pub fn jwk(text: &str, kid: &str) -> Result<Value, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|_| "could not json decode jwk string".to_owned())?;
    if value.get("kid").and_then(Value::as_str) != Some(kid) {
        return Err("kid in jwk.kid must be equal to keys.kid".to_owned());
    }
    match load(&value) {
        Some(_) => Ok(value),
        None => Err("could not load JWK, likely not a valid key".to_owned()),
    }
}

/// The key that the members of a JSON Web Key describe.
pub fn load(members: &Value) -> Option<Key> {
    match members.get("kty")?.as_str()? {
        "RSA" => rsa(members),
        "EC" => ec(members),
        "OKP" => okp(members),
        _ => None,
    }
}

fn rsa(members: &Value) -> Option<Key> {
    let key = Key::rsa(&member(members, "n")??, &member(members, "e")??);
    member(members, "d")?;
    let factors = [member(members, "p")?, member(members, "q")?];
    let exponents = [member(members, "dp")?, member(members, "dq")?, member(members, "qi")?];
    // The two factors come together, and so do the three numbers of the Chinese remainder theorem.
    let together = |numbers: &[Option<Vec<u8>>]| {
        let given = numbers.iter().flatten().count();
        given == 0 || given == numbers.len()
    };
    (together(&factors) && together(&exponents)).then_some(key)
}

fn ec(members: &Value) -> Option<Key> {
    let curve = match members.get("crv")?.as_str()? {
        "P-256" => &P256,
        "P-384" => &P384,
        "P-521" => &P521,
        _ => return None,
    };
    member(members, "d")?;
    Key::ec(curve, &member(members, "x")??, &member(members, "y")??)
}

fn okp(members: &Value) -> Option<Key> {
    let kind = match members.get("crv")?.as_str()? {
        "Ed25519" => KeyKind::Ed25519,
        "Ed448" => KeyKind::Ed448,
        "X25519" => KeyKind::X25519,
        "X448" => KeyKind::X448,
        _ => return None,
    };
    match member(members, "d")? {
        Some(private) => Key::from_private_octets(kind, &private),
        None => Key::from_public_octets(kind, &member(members, "x")??),
    }
}

/// The bytes of a member: `None` when it is there and cannot be read, `Some(None)` when it is absent. A
/// member that is `false` counts as absent, because Lua takes it so.
fn member(members: &Value, name: &str) -> Option<Option<Vec<u8>>> {
    match members.get(name) {
        None | Some(Value::Bool(false)) => Some(None),
        // nginx stops reading at the first `=`, whatever follows.
        Some(Value::String(text)) => BASE64URL.decode(text.split('=').next()?).ok().map(Some),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys printed in RFC 7517 and RFC 8037.
    const EC: &str = concat!(
        r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","#,
        r#""y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#,
    );
    const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const ED25519_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    #[test]
    fn loads_what_kong_loads() {
        let okp = |curve: &str, member: &str, octets: &str| {
            format!(r#""kty":"OKP","crv":"{curve}","{member}":"{octets}""#)
        };
        let rsa = r#""kty":"RSA","n":"3q8aO_LuWxk","e":"AQAB""#;
        let cases = [
            (rsa.to_owned(), true),
            (format!(r#"{rsa},"d":"AQ""#), true),
            (format!(r#"{rsa},"d":"AQ","p":"AQ","q":"AQ","dp":"AQ","dq":"AQ","qi":"AQ""#), true),
            (format!(r#"{rsa},"d":"AQ==","x":7,"colour":"red""#), true),
            (format!(r#"{rsa},"d":false"#), true),
            (format!(r#"{rsa},"d":null"#), false),
            (format!(r#"{rsa},"d":"A""#), false),
            (format!(r#"{rsa},"d":"A+/Q""#), false),
            (format!(r#"{rsa},"p":"AQ""#), false),
            (format!(r#"{rsa},"dp":"AQ","dq":"AQ""#), false),
            (r#""kty":"RSA","n":"3q8aO_LuWxk""#.to_owned(), false),
            (r#""kty":"RSA","e":"AQAB""#.to_owned(), false),
            (r#""kty":"RSA","n":"é","e":"AQAB""#.to_owned(), false),
            (r#""kty":"RSA","n":5,"e":"AQAB""#.to_owned(), false),
            (EC.to_owned(), true),
            (format!(r#"{EC},"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE""#), true),
            (format!(r#"{EC},"d":"AQ""#), true),
            (format!(r#"{EC},"d":"!""#), false),
            (EC.replace("P-256", "P-384"), false),
            (EC.replace("P-256", "secp256k1"), false),
            (EC.replace(r#""crv":"P-256","#, ""), false),
            (EC.replace(r#""x":"MK"#, r#""x":"NK"#), false),
            (EC.replace(r#""x":"MK"#, r#""x":"AAAAMK"#), true),
            (EC.replace(r#""y""#, r#""z""#), false),
            (okp("Ed25519", "x", ED25519_X), true),
            (okp("Ed25519", "d", ED25519_D), true),
            (okp("X25519", "x", ED25519_X), true),
            (okp("X25519", "d", ED25519_D), true),
            (okp("Ed25519", "d", "AQ"), false),
            (okp("Ed25519", "y", ED25519_X), false),
            (okp("P-256", "x", ED25519_X), false),
            (okp("Ed448", "x", &"A".repeat(76)), true),
            (okp("Ed448", "x", ED25519_X), false),
            (okp("X448", "d", &"A".repeat(75)), true),
            (r#""kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ""#.to_owned(), false),
            (r#""kty":7"#.to_owned(), false),
            (r#""alg":"RS256""#.to_owned(), false),
        ];
        for (members, loads) in cases {
            let text = format!(r#"{{"kid":"1",{members}}}"#);
            let refusal = "could not load JWK, likely not a valid key".to_owned();
            let expected = if loads { Ok(()) } else { Err(refusal) };
            assert_eq!(jwk(&text, "1").map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn the_text_and_its_kid_come_first() {
        let no_json = Err("could not json decode jwk string".to_owned());
        let other_kid = Err("kid in jwk.kid must be equal to keys.kid".to_owned());
        for text in ["", "not json", "{", "{\"kid\":\"1\"} x"] {
            assert_eq!(jwk(text, "1"), no_json, "{text}");
        }
        for text in ["{}", "[]", "null", "\"1\"", r#"{"kid":1}"#, r#"{"kid":null}"#, r#"{"kid":"2"}"#] {
            assert_eq!(jwk(text, "1"), other_kid, "{text}");
        }
    }

    #[test]
    fn a_private_octet_string_gives_its_public_half() {
        let load = |member: &str, octets: &str| {
            load(&serde_json::json!({"kty": "OKP", "crv": "Ed25519", member: octets})).unwrap()
        };
        assert!(load("d", ED25519_D).same_public(&load("x", ED25519_X)));
        assert!(!load("d", ED25519_X).same_public(&load("x", ED25519_X)));
    }
}
