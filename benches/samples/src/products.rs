//! Products of a web shop: nested objects, long text, many scripts, escapes, numbers that a double cannot hold.

use std::io::Write;

use crate::json::{date, fixed, hex, list, number, padded, quoted, text};
use crate::random::Random;
use crate::words::{CATEGORIES, COLORS, CURRENCIES, PHRASES, PLACES, USERS, WORDS};

/// Appends document `n`.
pub fn document(seed: u64, n: u64, o: &mut Vec<u8>) {
    let mut r = Random::new(seed, n, 0x9A0D);
    let place = r.pick(PLACES);
    identity(o, &mut r, n);
    texts(o, &mut r);
    price(o, &mut r);
    figures(o, &mut r);
    text(o, ",\"location\":{\"lat\":");
    fixed(o, place.latitude + signed(r.below(20_000)) - 10_000, 4);
    text(o, ",\"lon\":");
    fixed(o, place.longitude + signed(r.below(20_000)) - 10_000, 4);
    text(o, "},");
    attributes(o, &mut r);
    text(o, ",\"stock\":[");
    let warehouses = r.below(4);
    list(o, warehouses, |o| stock(o, &mut r));
    text(o, "],\"reviews\":[");
    let reviews = r.skewed(4);
    list(o, reviews, |o| review(o, &mut r));
    text(o, "],\"created\":\"");
    date(o, 1_400_000_000_000 + r.below(240_000_000_000));
    text(o, "\",\"updated\":");
    number(o, 1_640_995_200_000 + r.below(9_000_000_000));
    if r.below(4) == 0 {
        text(o, ",\"discontinued\":null");
    }
    o.push(b'}');
}

fn identity(o: &mut Vec<u8>, r: &mut Random, n: u64) {
    text(o, "{\"product_id\":");
    number(o, 7_200_000_000_000_000_001 + n * 1009);
    text(o, ",\"sku\":\"");
    for _ in 0..2 {
        o.push(b'A' + u8::try_from(r.below(26)).expect("a letter"));
    }
    o.push(b'-');
    padded(o, n % 10_000_000, 7);
    o.push(b'-');
    hex(o, r.next(), 4);
    text(o, "\",\"name\":\"");
    for i in 0..3 + r.below(4) {
        if i > 0 {
            o.push(b' ');
        }
        text(o, r.pick(&WORDS[30..120]));
    }
    if r.below(3) == 0 {
        o.push(b' ');
        text(o, r.pick(PHRASES));
    }
    o.push(b'"');
}

fn texts(o: &mut Vec<u8>, r: &mut Random) {
    text(o, ",\"description\":\"");
    let words = 25 + r.below(50);
    prose(o, r, words);
    if r.below(6) == 0 {
        text(o, "\\t\\u0001 ");
        text(o, r.pick(PHRASES));
    }
    text(o, "\",\"categories\":[");
    let categories = 1 + r.below(3);
    list(o, categories, |o| quoted(o, r.pick_skewed(CATEGORIES)));
    text(o, "],\"alternatenames\":[");
    let names = r.below(4);
    list(o, names, |o| quoted(o, r.pick(PHRASES)));
    o.push(b']');
}

fn price(o: &mut Vec<u8>, r: &mut Random) {
    let amount = 99 + r.skewed(500_000);
    text(o, ",\"price\":{\"amount\":");
    fixed(o, signed(amount), 2);
    text(o, ",\"currency\":\"");
    text(o, r.pick_skewed(CURRENCIES));
    text(o, "\",\"history\":[");
    let changes = r.below(5);
    list(o, changes, |o| fixed(o, signed(amount + r.below(amount / 4 + 1)), 2));
    text(o, "]}");
}

fn figures(o: &mut Vec<u8>, r: &mut Random) {
    let rating = r.fraction() * 5.0;
    write!(o, ",\"rating\":{rating}").expect("a vector takes every byte"); // up to 17 digits
    text(o, ",\"score\":");
    fixed(o, signed(r.below(1_200_000)) - 600_000, 1);
    text(o, ",\"in_stock\":");
    text(o, if r.below(5) == 0 { "false" } else { "true" });
    text(o, ",\"population\":");
    number(o, r.skewed(30_000_000));
}

fn attributes(o: &mut Vec<u8>, r: &mut Random) {
    text(o, "\"attributes\":{\"color\":\"");
    text(o, r.pick(COLORS));
    text(o, "\",\"weight_g\":");
    number(o, 5 + r.skewed(40_000));
    text(o, ",\"dims\":{\"w\":");
    fixed(o, signed(r.below(20_000)), 1);
    text(o, ",\"h\":");
    fixed(o, signed(r.below(20_000)), 1);
    text(o, ",\"d\":");
    number(o, r.below(900));
    text(o, "},\"eco\":");
    text(o, r.pick(&["null", "\"A\"", "\"B\"", "\"C\"", "\"\""]));
    o.push(b'}');
}

fn stock(o: &mut Vec<u8>, r: &mut Random) {
    let place = r.pick(PLACES);
    text(o, "{\"warehouse\":\"");
    text(o, place.code);
    o.push(b'-');
    number(o, r.below(20));
    text(o, "\",\"qty\":");
    number(o, r.skewed(5000));
    o.push(b'}');
}

fn review(o: &mut Vec<u8>, r: &mut Random) {
    text(o, "{\"user\":\"");
    text(o, r.pick(USERS));
    number(o, r.below(10_000));
    text(o, "\",\"stars\":");
    number(o, 1 + r.below(5));
    text(o, ",\"at\":\"");
    date(o, 1_500_000_000_000 + r.below(150_000_000_000));
    text(o, "\",\"text\":\"");
    let words = 6 + r.below(18);
    prose(o, r, words);
    text(o, "\"}");
}

/// Sentences with capitals, full stops and sometimes a line break.
fn prose(o: &mut Vec<u8>, r: &mut Random, words: u64) {
    let mut begins = true;
    let mut left = 6 + r.below(12);
    for i in 0..words {
        if i > 0 {
            o.push(b' ');
        }
        let word = r.pick_skewed(WORDS).as_bytes();
        let (first, rest) = word.split_first().expect("no word is empty");
        o.push(if begins { first.to_ascii_uppercase() } else { *first });
        o.extend_from_slice(rest);
        begins = false;
        left -= 1;
        if left == 0 || i + 1 == words {
            o.push(b'.');
            begins = true;
            left = 6 + r.below(12);
            if r.below(9) == 0 {
                text(o, "\\n");
            }
        }
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("a few millions")
}
