//! Compresses and encrypts a blob, and opens it again to see that it is still the same. Never uploads.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use zstd::{
    bulk::Compressor,
    stream::raw::{CParameter, Decoder, InBuffer, Operation, OutBuffer},
    zstd_safe::compress_bound,
};

use crate::{
    error::{Error, Result},
    format::{index::BlobKind, pack::SealedBlob, tree::TreeText},
    id::Id,
    key::{Key, NONCE_LENGTH, Pieces, TAG_LENGTH},
};

/// A context for sealing blobs one after the other; its buffers and zstd contexts are used again.
pub(crate) struct Sealer {
    key: Key,
    verify: bool,
    compressor: Option<Compressor<'static>>,
    comparer: Comparer,
    nonce: [u8; NONCE_LENGTH],
    tag: [u8; TAG_LENGTH],
    /// Compressed, then encrypted where it lies.
    body: Vec<u8>,
}

/// Decrypts, decompresses and compares piece by piece, so that a blob is not in memory once more for that.
struct Comparer {
    decoder: Decoder<'static>,
    opened: Vec<u8>,
    plain: Vec<u8>,
}

/// Bytes that are opened and compared at a time: zstd's own block, which fits the processor's cache.
const PIECE: usize = 128 << 10;

/// zstd's fastest level that does not give up on ratio.
const FASTEST: i32 = 1;

/// What becomes of a tree's text: its digest and its compressed form, so that a tree of a million blobs is never whole in
/// memory as text.
pub(crate) struct TreeSink {
    digest: Sha256,
    length: u64,
    body: TreeBody,
}

enum TreeBody {
    Plain(Vec<u8>),
    Compressed(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// A tree's text, compressed but not yet encrypted.
pub(crate) struct TreeBlob {
    pub(crate) id: Id,
    /// Bytes of the text.
    pub(crate) length: u64,
    body: Vec<u8>,
    compressed: bool,
}

impl Sealer {
    /// `level`: zstd's, or `None` for no compression. `longest`: bytes of the longest blob; that much is reserved once, since
    /// untouched memory costs nothing and buffers that grow and shrink cost more than they hold.
    pub(crate) fn new(key: Key, level: Option<i32>, verify: bool, longest: usize) -> io::Result<Self> {
        let capacity = compress_bound(longest);
        Ok(Self {
            key,
            verify,
            compressor: level.map(compressor).transpose()?,
            comparer: Comparer::new()?,
            nonce: [0; NONCE_LENGTH],
            tag: [0; TAG_LENGTH],
            body: Vec::with_capacity(capacity),
        })
    }

    /// Seals a data blob.
    pub(crate) fn seal(&mut self, id: Id, data: &[u8]) -> Result<SealedBlob<'_>> {
        let length = u32::try_from(data.len()).map_err(|error| failed(id, "measuring", &error))?;
        self.body.clear();
        let uncompressed_length = if let Some(compressor) = &mut self.compressor {
            self.body.reserve(compress_bound(data.len()));
            compressor.compress_to_buffer(data, &mut self.body).map_err(|error| failed(id, "compressing", &error))?;
            Some(length)
        } else {
            self.body.extend_from_slice(data);
            None
        };
        (self.nonce, self.tag) = self.key.seal_in_place(&mut self.body);
        if self.verify {
            self.verify_data(id, data, uncompressed_length.is_some())?;
        }
        Ok(SealedBlob { id, kind: BlobKind::Data, parts: [&self.nonce, &self.body, &self.tag], uncompressed_length })
    }

    /// Seals a tree blob.
    pub(crate) fn seal_tree(&mut self, tree: TreeBlob) -> Result<SealedBlob<'_>> {
        let TreeBlob { id, length, body, compressed } = tree;
        let length = u32::try_from(length).map_err(|error| failed(id, "measuring", &error))?;
        self.body = body;
        (self.nonce, self.tag) = self.key.seal_in_place(&mut self.body);
        if self.verify {
            self.verify_tree(id, compressed)?;
        }
        let uncompressed_length = compressed.then_some(length);
        Ok(SealedBlob { id, kind: BlobKind::Tree, parts: [&self.nonce, &self.body, &self.tag], uncompressed_length })
    }

    fn verify_data(&mut self, id: Id, data: &[u8], compressed: bool) -> Result<()> {
        let pieces = self.key.open_in_pieces(self.nonce, &self.body, self.tag);
        let pieces = pieces.map_err(|error| failed(id, "verifying", &error))?;
        let same = self.comparer.opens_to(pieces, &self.body, compressed, data);
        let same = same.map_err(|error| failed(id, "verifying", &error))?;
        if same { Ok(()) } else { Err(failed(id, "verifying", &"what was sealed opens to other bytes")) }
    }

    fn verify_tree(&mut self, id: Id, compressed: bool) -> Result<()> {
        let mut opened = self.body.clone();
        self.key.open_in_place(self.nonce, &mut opened, self.tag).map_err(|error| failed(id, "verifying", &error))?;
        let digest = if compressed {
            digest_of_compressed(&opened).map_err(|error| failed(id, "verifying", &error))?
        } else {
            Id::of(&opened)
        };
        if digest == id { Ok(()) } else { Err(failed(id, "verifying", &"what was sealed opens to other bytes")) }
    }
}

/// The fastest level looks back no further than 256 KiB, so that all it looks at stays in the processor's cache: 7 % faster
/// on logs, and no larger (docs/performance.md).
fn compressor(level: i32) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level)?;
    if level == FASTEST {
        compressor.set_parameter(CParameter::WindowLog(18))?;
    }
    Ok(compressor)
}

impl Comparer {
    fn new() -> io::Result<Self> {
        Ok(Self { decoder: Decoder::new()?, opened: vec![0; PIECE], plain: vec![0; PIECE] })
    }

    /// Whether the body is exactly `data`, or one whole frame of it.
    fn opens_to(&mut self, mut pieces: Pieces, body: &[u8], compressed: bool, mut data: &[u8]) -> io::Result<bool> {
        self.decoder.reinit()?;
        let mut whole = !compressed;
        for piece in body.chunks(PIECE) {
            let opened = &mut self.opened[..piece.len()];
            pieces.decrypt(piece, opened);
            let rest = if compressed {
                decompress_and_strip(&mut self.decoder, opened, &mut self.plain, data, &mut whole)?
            } else {
                data.strip_prefix(&*opened)
            };
            let Some(rest) = rest else { return Ok(false) };
            data = rest;
        }
        Ok(whole && data.is_empty())
    }
}

/// Decompresses `input` and takes what comes from the front of `data`; `None` when that is something else. `whole` tells
/// whether the frame is at its end, behind which nothing may follow.
fn decompress_and_strip<'a>(
    decoder: &mut Decoder<'static>,
    input: &[u8],
    plain: &mut [u8],
    mut data: &'a [u8],
    whole: &mut bool,
) -> io::Result<Option<&'a [u8]>> {
    let mut input = InBuffer::around(input);
    loop {
        if *whole {
            return Ok((input.pos() == input.src.len()).then_some(data));
        }
        let mut output = OutBuffer::around(&mut *plain);
        *whole = decoder.run(&mut input, &mut output)? == 0;
        let Some(rest) = data.strip_prefix(output.as_slice()) else { return Ok(None) };
        data = rest;
        // Room is left, so nothing more is waiting inside the decoder.
        if output.pos() < output.capacity() && input.pos() == input.src.len() {
            return Ok(Some(data));
        }
    }
}

impl TreeSink {
    /// A tree's text, ready for its nodes.
    pub(crate) fn begin(level: Option<i32>) -> io::Result<TreeText<io::BufWriter<Self>>> {
        let body = match level {
            Some(level) => TreeBody::Compressed(zstd::stream::write::Encoder::new(Vec::new(), level)?),
            None => TreeBody::Plain(Vec::new()),
        };
        TreeText::begin(io::BufWriter::new(Self { digest: Sha256::new(), length: 0, body }))
    }

    /// The tree whose nodes have all been written.
    pub(crate) fn end(text: TreeText<io::BufWriter<Self>>) -> io::Result<TreeBlob> {
        let Self { digest, length, body } = text.end()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (body, compressed) = match body {
            TreeBody::Plain(body) => (body, false),
            TreeBody::Compressed(encoder) => (encoder.finish()?, true),
        };
        Ok(TreeBlob { id: Id::from_bytes(digest.finalize().into()), length, body, compressed })
    }
}

impl Write for TreeSink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.digest.update(text);
        self.length += text.len() as u64;
        match &mut self.body {
            TreeBody::Plain(body) => body.extend_from_slice(text),
            TreeBody::Compressed(encoder) => encoder.write_all(text)?,
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn digest_of_compressed(compressed: &[u8]) -> io::Result<Id> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(Id::from_bytes(digest.finalize().into())),
            length => digest.update(&buffer[..length]),
        }
    }
}

fn failed(blob: Id, step: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Sealing { blob, reason: format!("{step}: {error}") }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    fn opens_to(plain: &[u8], compressed: bool, data: &[u8]) -> bool {
        let key = Key::random();
        let mut body = plain.to_vec();
        let (nonce, tag) = key.seal_in_place(&mut body);
        let pieces = key.open_in_pieces(nonce, &body, tag).unwrap();
        Comparer::new().unwrap().opens_to(pieces, &body, compressed, data).unwrap_or(false)
    }

    #[test]
    fn only_a_whole_frame_of_the_same_bytes_compares_equal() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3_000_000] {
            for noise in [false, true] {
                let mut data = vec![7; length];
                if noise {
                    rand::rng().fill_bytes(&mut data);
                }
                let frame = zstd::bulk::compress(&data, 1).unwrap();
                assert!(opens_to(&frame, true, &data) && opens_to(&data, false, &data), "{length}");
                let mut longer = data.clone();
                longer.push(0);
                assert!(!opens_to(&frame, true, &longer) && !opens_to(&data, false, &longer), "{length} and one more");
                let twice = [frame.clone(), frame.clone()].concat();
                assert!(!opens_to(&twice, true, &data), "{length}, with something behind it");
                assert!(!opens_to(&frame[..frame.len() - 1], true, &data), "{length}, cut");
                if length > 0 {
                    assert!(!opens_to(&frame, true, &data[1..]), "{length} but one");
                    let mut other = data.clone();
                    other[length / 2] ^= 1;
                    assert!(!opens_to(&frame, true, &other) && !opens_to(&data, false, &other), "{length}, other bit");
                }
            }
        }
    }

    #[test]
    fn a_verified_blob_opens_to_what_it_was() {
        let key = Key::random();
        for level in [None, Some(1), Some(3)] {
            let mut sealer = Sealer::new(key.clone(), level, true, 2_000_000).unwrap();
            for length in [1, 5000, 2_000_000] {
                let data: Vec<u8> = (0..=250).cycle().take(length).collect();
                let blob = sealer.seal(Id::of(&data), &data).unwrap();
                let mut plain = key.open(&blob.parts.concat()).unwrap();
                if blob.uncompressed_length.is_some() {
                    plain = zstd::bulk::decompress(&plain, data.len()).unwrap();
                }
                assert!(plain == data, "{length} bytes at {level:?}");
            }
        }
    }
}
