//! The name of a blob, pack or file: the SHA-256 of its bytes. Never an identifier that somebody chose.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// Length of an [`Id`] in bytes.
pub(crate) const ID_LENGTH: usize = 32;

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; ID_LENGTH]);

/// Why a text is not an [`Id`].
#[derive(Debug, thiserror::Error)]
#[error("{value:?} is not an id: 64 hexadecimal digits are expected")]
pub struct InvalidId {
    value: String,
}

impl Id {
    /// The id of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// An id from its raw bytes.
    pub const fn from_bytes(bytes: [u8; ID_LENGTH]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; ID_LENGTH] {
        &self.0
    }

    /// The first eight hexadecimal digits, as restic prints it.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }

    fn with_hex<T>(self, then: impl FnOnce(&str) -> T) -> T {
        let mut digits = [0; 2 * ID_LENGTH];
        hex::encode_to_slice(self.0, &mut digits).expect("the buffer has two digits for each byte");
        then(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_hex(|digits| formatter.pad(digits))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; ID_LENGTH];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidId { value: text.to_owned() })?;
        Ok(Self(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_hex(|digits| serializer.serialize_str(digits))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HexVisitor;

        impl de::Visitor<'_> for HexVisitor {
            type Value = Id;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("64 hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(HexVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = Id::of(b"larder");
        assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
        assert_eq!(serde_json::from_str::<Id>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        assert!(id.to_string().starts_with(&id.short()));
    }

    #[test]
    fn a_text_that_is_no_id_is_named_in_the_error() {
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(66)] {
            let error = text.parse::<Id>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
