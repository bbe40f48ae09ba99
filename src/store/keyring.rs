//! The keys under which fields that are marked encrypted are kept, and the form of what is kept. Where the fields are is
//! not known here.
//!
//! A value is sealed by AES-256 in GCM-SIV, bound to the entity and the field that it belongs to, so that it opens nowhere
//! else. What is unique is sealed the same way each time, so that the database can tell that it is; anything else is
//! not, so that nobody sees which values are equal.

use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::clock;

/// What a sealed value begins with; the id of its key and a second dollar follow.
const MARK: &str = "$sealed$";
/// How many bytes a key has.
const KEY: usize = 32;

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("the keyring '{}' cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("the keyring '{}', line {line}: {what}", path.display())]
    Wrong { path: PathBuf, line: usize, what: &'static str },
    #[error("the keyring '{}' holds no key", .0.display())]
    Empty(PathBuf),
}

/// A sealed value that none of the keys opens.
#[derive(Debug, thiserror::Error)]
#[error("a value is sealed with a key that is not in the keyring, or was changed")]
pub struct Unopened;

/// Keys by their ids. The first one seals; all of them open.
pub struct Keyring {
    keys: Vec<(String, LessSafeKey)>,
}

impl Keyring {
    /// Reads a file of lines `ID KEY`, where the key is 32 bytes in base64. Empty lines and those after `#` are skipped.
    ///
    /// # Errors
    /// The place of what is wrong; never what stands there.
    pub fn read(path: &Path) -> Result<Keyring, KeyringError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| KeyringError::Unreadable { path: path.to_owned(), cause })?;
        let mut keys: Vec<(String, LessSafeKey)> = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line_of = |what| KeyringError::Wrong { path: path.to_owned(), line: i + 1, what };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, key) =
                line.split_once(char::is_whitespace).ok_or_else(|| line_of("expected `ID KEY`"))?;
            if !is_id(id) {
                return Err(line_of("an id has 1 to 32 letters, digits, `-` or `_`"));
            }
            if keys.iter().any(|(own, _)| own == id) {
                return Err(line_of("another key has the same id"));
            }
            let bytes = STANDARD.decode(key.trim()).ok().filter(|bytes| bytes.len() == KEY);
            let key = bytes.and_then(|bytes| UnboundKey::new(&AES_256_GCM_SIV, &bytes).ok());
            keys.push((
                id.to_owned(),
                LessSafeKey::new(key.ok_or_else(|| line_of("a key is 32 bytes in base64"))?),
            ));
        }
        if keys.is_empty() { Err(KeyringError::Empty(path.to_owned())) } else { Ok(Keyring { keys }) }
    }

    /// A line of a keyring with a new key.
    pub fn new_line() -> String {
        let (id, key) = (clock::random::<4>(), clock::random::<KEY>());
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{id} {}\n", STANDARD.encode(key))
    }

    /// The id of the key that seals.
    pub fn current(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    /// Whether there is a key of that id.
    pub fn holds(&self, id: &str) -> bool {
        self.keys.iter().any(|(own, _)| own == id)
    }

    /// A text as it is kept at `place`; `alike`: the same each time.
    pub fn seal(&self, text: &str, place: &str, alike: bool) -> String {
        let nonce = if alike { [0; NONCE_LEN] } else { clock::random() };
        self.keys.first().and_then(|key| sealed(key, text, place, nonce)).unwrap_or_default()
    }

    /// Every form in which a text may be kept at `place` that is the same each time, the likeliest first.
    pub fn forms(&self, text: &str, place: &str) -> Vec<String> {
        let sealed = self.keys.iter().filter_map(|key| sealed(key, text, place, [0; NONCE_LEN]));
        sealed.chain([text.to_owned()]).collect()
    }

    /// A text that is kept at `place`. One that was kept before there were keys is as it was.
    ///
    /// # Errors
    /// No key opens it.
    pub fn open(&self, kept: &str, place: &str) -> Result<String, Unopened> {
        let Some((id, body)) = kept.strip_prefix(MARK).and_then(|rest| rest.split_once('$')) else {
            return Ok(kept.to_owned());
        };
        let (_, key) = self.keys.iter().find(|(own, _)| own == id).ok_or(Unopened)?;
        let bytes = STANDARD_NO_PAD.decode(body).map_err(|_| Unopened)?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or(Unopened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened)?;
        let mut body = body.to_vec();
        let text = key.open_in_place(nonce, Aad::from(place), &mut body).map_err(|_| Unopened)?;
        String::from_utf8(text.to_vec()).map_err(|_| Unopened)
    }
}

fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn sealed(
    (id, key): &(String, LessSafeKey),
    text: &str,
    place: &str,
    nonce: [u8; NONCE_LEN],
) -> Option<String> {
    let mut body = text.as_bytes().to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut body).ok()?;
    Some(format!("{MARK}{id}${}", STANDARD_NO_PAD.encode([&nonce[..], &body].concat())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Result<Keyring, KeyringError> {
        let path = std::env::temp_dir().join(format!("silverback-keyring-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        let read = Keyring::read(&path);
        std::fs::remove_file(&path).unwrap();
        read
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only() {
        let (old, new) = (Keyring::new_line(), Keyring::new_line());
        let ring = ring(&format!("# two keys\n{new}\n{old}")).unwrap();
        for text in ["", "secret", "$sealed$", "ä\u{10FFFF}"] {
            let kept = ring.seal(text, "plugins.config.secret", false);
            assert!(kept.starts_with(MARK) && (text.is_empty() || !kept.contains("secret")));
            assert_eq!(ring.open(&kept, "plugins.config.secret").unwrap(), text);
            assert!(ring.open(&kept, "plugins.config.other").is_err());
            assert_ne!(kept, ring.seal(text, "plugins.config.secret", false));
            assert_eq!(ring.seal(text, "a.b", true), ring.seal(text, "a.b", true));
        }
        assert_eq!(ring.open("plain", "a.b").unwrap(), "plain");
    }

    #[test]
    fn an_old_key_opens_and_a_lost_one_does_not() {
        let (old, new) = (Keyring::new_line(), Keyring::new_line());
        let kept = ring(&old).unwrap().seal("secret", "a.b", true);
        let both = ring(&(new.clone() + &old)).unwrap();
        assert_eq!(both.open(&kept, "a.b").unwrap(), "secret");
        assert_eq!(both.forms("secret", "a.b")[1..], [kept.clone(), "secret".to_owned()]);
        assert!(ring(&new).unwrap().open(&kept, "a.b").is_err());
        assert!(both.open(kept.trim_end_matches(|letter| letter != '$'), "a.b").is_err());
    }

    #[test]
    fn a_wrong_file_is_told_by_its_line() {
        let line = Keyring::new_line();
        for (text, said) in [
            ("", "holds no key"),
            ("# nothing", "holds no key"),
            ("alone", "line 1: expected `ID KEY`"),
            ("a b", "line 1: a key is 32 bytes in base64"),
            ("\nä AAAA", "line 2: an id has"),
            (&format!("{line}{line}"), "line 2: another key"),
        ] {
            let why = ring(text).err().map(|why| why.to_string()).unwrap_or_default();
            assert!(why.contains(said), "{text}: {why}");
        }
        assert!(matches!(Keyring::read(Path::new("/nowhere/at/all")), Err(KeyringError::Unreadable { .. })));
    }
}
