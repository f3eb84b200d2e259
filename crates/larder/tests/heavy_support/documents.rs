//! Random documents of every shape that JSON allows, as text: never through a JSON library, which would make them tame.

use std::iter;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Longest id that servers take, in bytes.
const LONGEST_ID: usize = 512;
/// Text of the largest documents.
const LARGE: usize = 1 << 20;

/// What is special about a document: servers may refuse all of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Any JSON in a field that is not looked into.
    Any,
    /// Nothing.
    Empty,
    /// Fields that are indexed.
    Indexed,
    /// Nested documents.
    Nested,
    /// A parent, or a child of one, with its routing.
    Join,
    /// An object with one key twice.
    Duplicate,
    /// Escapes of half a surrogate pair.
    LoneSurrogate,
    /// Numbers that no double holds.
    Infinite,
    /// Hundreds of objects and lists in one another.
    Deep,
    /// A string of 1 MB.
    Large,
    /// Line breaks between tokens.
    Spread,
}

/// One document.
#[derive(Debug, Clone)]
pub struct Document {
    pub id: String,
    pub routing: Option<String>,
    /// A version that somebody else counts.
    pub external: Option<u64>,
    pub source: String,
    pub shape: Shape,
}

/// Documents without end, the same for the same seed, no two with one id.
pub fn documents(seed: u64) -> impl Iterator<Item = Document> {
    let mut random = Random(StdRng::seed_from_u64(seed));
    let mut number = 0;
    iter::repeat_with(move || {
        number += 1;
        random.document(number)
    })
}

struct Random(StdRng);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn document(&mut self, number: usize) -> Document {
        let shape = self.shape(number);
        let mut source = String::new();
        let mut routing = self.one_in(10).then(|| self.plain_text(20)).filter(|routing| !routing.is_empty());
        match shape {
            Shape::Empty => source.push_str("{}"),
            Shape::Join if number.is_multiple_of(2) => source.push_str(r#"{"join":"question"}"#),
            Shape::Join => {
                let parent = self.below(1_000).to_string();
                source = format!(r#"{{"join" : {{"name":"answer","parent":"{parent}"}},"l":-0}}"#);
                routing = Some(parent);
            }
            _ => self.object_with(shape, &mut source),
        }
        Document { id: self.id(number), routing, external: self.external(), source, shape }
    }

    fn shape(&mut self, number: usize) -> Shape {
        // A few are large; of the rest, most are of no particular shape.
        if number % 4_000 == 1_999 {
            return Shape::Large;
        }
        match self.below(100) {
            0..2 => Shape::Empty,
            2..12 => Shape::Indexed,
            12..20 => Shape::Nested,
            20..28 => Shape::Join,
            28 => Shape::Duplicate,
            29..33 => Shape::LoneSurrogate,
            33..37 => Shape::Infinite,
            37 => Shape::Deep,
            38..40 => Shape::Spread,
            _ => Shape::Any,
        }
    }

    /// Versions beyond 2^53 too; the largest that servers take is 2^63 − 1.
    fn external(&mut self) -> Option<u64> {
        match self.below(40) {
            0 => Some(self.0.random_range(1..1 << 62)),
            1 => Some(self.pick(&[1, 2, (1 << 53) + 1, i64::MAX.cast_unsigned() - 1])),
            _ => None,
        }
    }

    /// Unlike any other by its number.
    fn id(&mut self, number: usize) -> String {
        let mut id = format!("{number}");
        match self.below(10) {
            0..5 => {}
            5..9 => {
                id = format!("{}{number}{}", self.pick(&["", "\"", " ", "/", "é", "#?&%", "\\"]), self.plain_text(12));
            }
            _ => {
                // As long as an id may be, to the byte.
                while id.len() < LONGEST_ID {
                    let next = self.character();
                    if id.len() + next.len_utf8() <= LONGEST_ID {
                        id.push(next);
                    } else {
                        id.push('.');
                    }
                }
            }
        }
        id
    }

    fn plain_text(&mut self, longest: usize) -> String {
        (0..=self.below(longest)).map(|_| self.character()).collect()
    }

    fn character(&mut self) -> char {
        const ODD: &[char] = &[
            '"',
            '\\',
            '/',
            ' ',
            '<',
            '&',
            '%',
            '#',
            ',',
            ':',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            'é',
            'e',
            '\u{301}',
            'ß',
            'İ',
            'ﬁ',
            'Ω',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{202e}',
            '\u{2028}',
            '\u{2029}',
            '\u{feff}',
            '\u{fffd}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{1ffff}',
            '\u{10ffff}',
            '\u{e000}',
            '中',
            '한',
            'ع',
            'ש',
            'क',
            '😀',
            '👩',
            '🏽',
            '𝒳',
        ];
        match self.below(4) {
            0 => self.pick(ODD),
            1 => self.0.random_range('\u{20}'..char::MAX),
            _ => char::from(self.0.random_range(b'a'..=b'z')),
        }
    }

    fn object_with(&mut self, shape: Shape, o: &mut String) {
        if shape == Shape::Spread {
            o.push_str(self.pick(&["", "\n", " \r\n\t"]));
        }
        o.push('{');
        match shape {
            Shape::Indexed => {
                o.push_str("\"k\":");
                self.string(o);
                o.push_str(&format!(",\"l\":{}", self.0.random_range(i64::MIN..i64::MAX)));
            }
            Shape::Nested => {
                o.push_str("\"nested\":[");
                for n in 0..=self.below(4) {
                    o.push_str(if n == 0 { "{\"k\":" } else { ", {\"k\":" });
                    self.string(o);
                    o.push('}');
                }
                o.push(']');
            }
            Shape::Spread => o.push_str("\r\n  \"any\" :\n\t{\n \"a\"\n:\n[ 1,\n2.0 ,\"\\n\"]\n}"),
            Shape::Large => {
                o.push_str("\"any\":{\"text\":\"");
                while o.len() < LARGE {
                    self.string_part(o);
                }
                o.push_str("\"}");
            }
            Shape::Deep => {
                let depth = 100 + self.below(350);
                o.push_str("\"any\":{\"a\":");
                (0..depth).for_each(|_| o.push_str("[{\"\":"));
                self.scalar(o);
                (0..depth).for_each(|_| o.push_str("}]"));
                o.push('}');
            }
            Shape::Duplicate => o.push_str("\"any\":{\"a\":1,\"a\":2}"),
            Shape::LoneSurrogate => {
                let half = self.pick(&["\\ud800", "\\uDFFF", "\\udc00\\ud800", "x\\uD83D", "\\ude00\\u0041"]);
                o.push_str(&format!("\"any\":{{\"a\":\"{half}\"}}"));
            }
            Shape::Infinite => {
                let number = self.pick(&["1E400", "-1e+400", "1.0E-400", "12345678901234567890123456789e999"]);
                o.push_str(&format!("\"any\":{{\"a\":[{number}]}}"));
            }
            Shape::Any | Shape::Empty | Shape::Join => {
                o.push_str("\"any\":{\"v\":");
                self.value(o, 0);
                o.push('}');
            }
        }
        // A field that the mapping does not know, and does not learn.
        if self.one_in(4) {
            o.push_str(",\"other\":");
            self.value(o, 2);
        }
        o.push('}');
        if shape == Shape::Spread {
            o.push_str(self.pick(&["", "\n", "\r\n \n"]));
        }
    }

    fn value(&mut self, o: &mut String, depth: usize) {
        self.space(o);
        match self.below(if depth < 5 { 10 } else { 6 }) {
            0..8 if depth >= 5 => self.scalar(o),
            0..6 => self.scalar(o),
            6..8 => self.list(o, depth),
            _ => self.object(o, depth),
        }
        self.space(o);
    }

    fn list(&mut self, o: &mut String, depth: usize) {
        o.push('[');
        for n in 0..self.below(5) {
            if n > 0 {
                o.push(',');
            }
            self.value(o, depth + 1);
        }
        self.space(o);
        o.push(']');
    }

    /// Its keys are told apart by a number, as no server takes one twice.
    fn object(&mut self, o: &mut String, depth: usize) {
        o.push('{');
        for n in 0..self.below(5) {
            if n > 0 {
                o.push(',');
            }
            self.space(o);
            o.push_str(&format!("\"{n}"));
            self.string_part(o);
            o.push_str("\":");
            self.value(o, depth + 1);
        }
        self.space(o);
        o.push('}');
    }

    fn space(&mut self, o: &mut String) {
        if self.one_in(8) {
            o.push_str(self.pick(&[" ", "\t", "\r", "  \t "]));
        }
    }

    fn scalar(&mut self, o: &mut String) {
        const ODD: &[&str] = &[
            "0",
            "-0",
            "0.0",
            "-0.0",
            "1.0",
            "1E5",
            "1e+05",
            "0.10",
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "123456789012345678901234567890",
            "3.141592653589793238462643383279",
            "1e-7",
            "5e-324",
            "2.2250738585072011e-308",
            "1.7976931348623157E308",
            "true",
            "false",
            "null",
            "\"\"",
            "[]",
            "{}",
        ];
        match self.below(4) {
            0 => o.push_str(self.pick(ODD)),
            1 => o.push_str(&self.0.random_range(i64::MIN..i64::MAX).to_string()),
            _ => self.string(o),
        }
    }

    fn string(&mut self, o: &mut String) {
        o.push('"');
        for _ in 0..self.below(6) {
            self.string_part(o);
        }
        o.push('"');
    }

    /// A character as it is, or in one of the forms that JSON has for it.
    fn string_part(&mut self, o: &mut String) {
        const ESCAPES: &[&str] = &[
            "\\\"", "\\\\", "\\/", "/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u001F", "\\u0041", "\\u00e9",
        ];
        if self.one_in(6) {
            return o.push_str(self.pick(ESCAPES));
        }
        let character = self.character();
        if matches!(character, '"' | '\\') || self.one_in(10) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                o.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            o.push(character);
        }
    }
}
