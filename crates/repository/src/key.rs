//! The repository's key: seals and opens bytes with AES-256-CTR and Poly1305-AES, as restic's `doc/design.rst` has it.
//! Never prints itself and never reuses a nonce on purpose.

use std::fmt;

use aes::{
    Aes128, Aes256,
    cipher::{BlockEncrypt, KeyInit, KeyIvInit, StreamCipher},
};
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Nonce, Tag, aead::AeadInPlace};
use base64::{Engine, engine::general_purpose::STANDARD};
use ctr::Ctr64BE;
use poly1305::Poly1305;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Bytes of the nonce before the ciphertext.
pub(crate) const NONCE_LENGTH: usize = 16;
/// Bytes of the tag behind the ciphertext.
pub(crate) const TAG_LENGTH: usize = 16;
/// Bytes that sealing adds.
pub(crate) const SEAL_LENGTH: u32 = 32;
const _: () = assert!(SEAL_LENGTH as usize == NONCE_LENGTH + TAG_LENGTH);

/// A 64-byte key: 32 for AES-256, 16 for the MAC's AES, 16 for the MAC's `r`.
#[derive(Clone)]
pub(crate) struct Key([u8; 64]);

/// The bytes are not what was sealed with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message authentication code does not match")]
pub(crate) struct Forged;

/// An opened body, to be decrypted from its start in pieces of any length.
pub(crate) struct Pieces {
    stream: Ctr64BE<Aes256>,
}

/// The JSON form of a key inside a key file.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyJson {
    mac: MacJson,
    encrypt: String,
}

#[derive(Serialize, Deserialize)]
struct MacJson {
    k: String,
    r: String,
}

impl Key {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 64];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    pub(crate) const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    pub(crate) fn to_json(&self) -> KeyJson {
        KeyJson {
            mac: MacJson { k: STANDARD.encode(&self.0[32..48]), r: STANDARD.encode(&self.0[48..]) },
            encrypt: STANDARD.encode(&self.0[..32]),
        }
    }

    /// `None` when the parts are not base64 or not of the right length.
    pub(crate) fn from_json(json: &KeyJson) -> Option<Self> {
        let mut bytes = [0; 64];
        for (text, range) in [(&json.encrypt, 0..32), (&json.mac.k, 32..48), (&json.mac.r, 48..64)] {
            let part = STANDARD.decode(text).ok()?;
            let room = &mut bytes[range];
            if part.len() != room.len() {
                return None;
            }
            room.copy_from_slice(&part);
        }
        Some(Self(bytes))
    }

    fn cipher(&self) -> Aes256CtrPoly1305Aes {
        Aes256CtrPoly1305Aes::new(&self.0.into())
    }

    /// Encrypts `body` where it lies; what is stored is nonce, body, tag.
    pub(crate) fn seal_in_place(&self, body: &mut [u8]) -> ([u8; NONCE_LENGTH], [u8; TAG_LENGTH]) {
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);
        let tag = self
            .cipher()
            .encrypt_in_place_detached(&Nonce::from(nonce), &[], body)
            .expect("AES-CTR with Poly1305 encrypts any length that fits in memory");
        (nonce, tag.into())
    }

    /// Decrypts `body` where it lies. On an error its content means nothing.
    pub(crate) fn open_in_place(
        &self,
        nonce: [u8; NONCE_LENGTH],
        body: &mut [u8],
        tag: [u8; TAG_LENGTH],
    ) -> Result<(), Forged> {
        self.cipher().decrypt_in_place_detached(&Nonce::from(nonce), &[], body, &Tag::from(tag)).map_err(|_| Forged)
    }

    /// Opens `body` without changing it, to be decrypted piece by piece. This is for looking at one's own work: the tags are
    /// not compared in constant time.
    pub(crate) fn open_in_pieces(
        &self,
        nonce: [u8; NONCE_LENGTH],
        body: &[u8],
        tag: [u8; TAG_LENGTH],
    ) -> Result<Pieces, Forged> {
        let (encryption, authentication) = self.0.split_at(32);
        let (mac_key, mac_r) = authentication.split_at(16);
        let mut block = nonce.into();
        Aes128::new(mac_key.into()).encrypt_block(&mut block);
        let mut one_time = [0; 32];
        one_time[..16].copy_from_slice(mac_r);
        one_time[16..].copy_from_slice(&block);
        if Poly1305::new(&one_time.into()).compute_unpadded(body)[..] != tag {
            return Err(Forged);
        }
        Ok(Pieces { stream: Ctr64BE::new(encryption.into(), &nonce.into()) })
    }

    /// Nonce, ciphertext and tag of `plain`.
    pub(crate) fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + SEAL_LENGTH as usize);
        sealed.extend_from_slice(&[0; NONCE_LENGTH]);
        sealed.extend_from_slice(plain);
        let (nonce, tag) = self.seal_in_place(&mut sealed[NONCE_LENGTH..]);
        sealed[..NONCE_LENGTH].copy_from_slice(&nonce);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// What [`Key::seal`] was given.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Forged> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(Forged)?;
        let (body, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or(Forged)?;
        let mut plain = body.to_vec();
        self.open_in_place(*nonce, &mut plain, *tag)?;
        Ok(plain)
    }
}

impl Pieces {
    /// Decrypts the body's next piece into `plain`, which is as long.
    pub(crate) fn decrypt(&mut self, piece: &[u8], plain: &mut [u8]) {
        plain.copy_from_slice(piece);
        self.stream.apply_keystream(plain);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_only() {
        let key = Key::random();
        for length in [0, 1, 15, 16, 17, 4096] {
            let plain = vec![7; length];
            let sealed = key.seal(&plain);
            assert_eq!(sealed.len(), length + SEAL_LENGTH as usize);
            assert_eq!(key.open(&sealed).unwrap(), plain);
            assert_eq!(Key::random().open(&sealed), Err(Forged));
        }
    }

    #[test]
    fn in_pieces_the_same_comes_out_and_forgery_is_noticed() {
        let key = Key::random();
        for length in [0, 1, 16, 1000, 70_000] {
            let plain: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut body = plain.clone();
            let (nonce, tag) = key.seal_in_place(&mut body);
            let mut pieces = key.open_in_pieces(nonce, &body, tag).unwrap();
            let mut opened = vec![0; length];
            for (piece, room) in body.chunks(333).zip(opened.chunks_mut(333)) {
                pieces.decrypt(piece, room);
            }
            assert!(opened == plain, "{length}");
            if length > 0 {
                body[length / 2] ^= 1;
                assert!(key.open_in_pieces(nonce, &body, tag).is_err());
            }
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let key = Key::random();
        let sealed = key.seal(b"document");
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&damaged), Err(Forged), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(&sealed[..length]), Err(Forged), "length {length}");
        }
    }

    #[test]
    fn the_json_form_holds_the_whole_key_and_debug_holds_none_of_it() {
        let key = Key::random();
        assert_eq!(Key::from_json(&key.to_json()).unwrap().0, key.0);
        assert_eq!(format!("{key:?}"), "Key(***)");
    }
}
