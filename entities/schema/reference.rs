//! References: texts such as `{vault://env/secret}` that stand for a secret kept elsewhere.

/// Whether a text is a reference. Only its form counts; nothing is looked up.
pub fn is_reference(text: &str) -> bool {
    text.starts_with("{vault://") && text.ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::is_reference;

    #[test]
    fn only_the_form_counts() {
        assert!(is_reference("{vault://env/secret}"));
        assert!(is_reference("{vault://}"));
        assert!(!is_reference("{vault:/env/secret}"));
        assert!(!is_reference("vault://env/secret"));
    }
}
