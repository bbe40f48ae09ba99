//! A target is one address behind an upstream, with the share of its traffic. It lives below its upstream only.

use crate::schema::types::{AUTO_TIMESTAMP_MS, TAGS, UUID};
use crate::schema::{Entity, INTEGER, Literal::*, OnDelete, STRING, address, bytes, foreign};
use crate::upstreams::UPSTREAMS;

/// The port of a target that names none.
const PORT: u16 = 8000;

#[rustfmt::skip]
pub static TARGETS: Entity = Entity::new("targets")
    .doc("One address behind an upstream, and the weight with which the balancer chooses it.")
    .workspaceable()
    .endpoint_key("target")
    .cache_key(&["upstream", "target"])
    .nested_only()
    .newest_first()
    .fields(&[
        ("id",         UUID),
        ("created_at", AUTO_TIMESTAMP_MS),
        ("updated_at", AUTO_TIMESTAMP_MS),
        ("upstream",   foreign(&UPSTREAMS).required().on_delete(OnDelete::Cascade)
            .doc("The unique identifier or the name of the upstream for which to update the target.")),
        ("target",     STRING.required().text_validator(&is_address).format("host-with-optional-port").normalizer(&normal_form)
            .doc("The target address (ip or hostname) and port.")),
        ("weight",     INTEGER.between(0, 65_535).default(Int(100))
            .doc("The weight this target gets within the upstream loadbalancer (0-65535).")),
        ("tags",       TAGS),
    ])
    .build();

/// The rule for a value that is validated only; it quotes the value, which [`normal_form`] does not.
fn is_address(text: &str) -> Result<(), String> {
    match address::normalize_ip(text) {
        Ok(_) => Ok(()),
        Err(_) if bytes::invalid_at(text).is_none() => {
            Err(format!("Invalid target ('{text}'); not a valid hostname or ip address"))
        }
        Err(_) => Err("Invalid target; not a valid hostname or ip address".to_owned()),
    }
}

/// `::1` is `[0000:0000:0000:0000:0000:0000:0000:0001]:8000`: one spelling for each target, so that it is found and
/// is unique whichever way it was written.
fn normal_form(text: &str) -> Result<String, String> {
    match address::normalize_ip(text) {
        Ok(address) => Ok(address::format_host(&address, Some(PORT))),
        Err(_) => Err("Invalid target; not a valid hostname or ip address".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_address, normal_form};

    #[test]
    fn every_target_has_one_spelling() {
        for (written, normal) in [
            ("api.test", "api.test:8000"),
            ("api.test:80", "api.test:80"),
            ("API.test", "API.test:8000"),
            ("001.002.003.004:80", "1.2.3.4:80"),
            ("1.2.3.4", "1.2.3.4:8000"),
            ("::1", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"),
            ("[1234::ABCD]:443", "[1234:0000:0000:0000:0000:0000:0000:abcd]:443"),
        ] {
            assert_eq!(normal_form(written).as_deref(), Ok(normal), "{written}");
            assert_eq!(normal_form(normal).as_deref(), Ok(normal), "the normal form of {written} is normal");
            assert_eq!(is_address(written), Ok(()), "{written}");
        }
    }

    #[test]
    fn only_validation_quotes_what_it_refuses() {
        for text in
            ["some invalid host name", "http://x.test", "", "1.2.3.4.5", "1.2.3.4:65536", "[::1", "ü:x"]
        {
            let quoted = format!("Invalid target ('{text}'); not a valid hostname or ip address");
            assert_eq!(is_address(text), Err(quoted));
            let plain = "Invalid target; not a valid hostname or ip address";
            assert_eq!(normal_form(text).unwrap_err(), plain);
        }
    }
}
