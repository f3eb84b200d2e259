//! Access log lines of a web shop, 27 a second from 2022-01-01 on.

use crate::json::{date, fixed, hex, list, number, padded, quoted, text};
use crate::random::Random;
use crate::words::{AGENT_NAMES, AGENTS, EXTENSIONS, FOLDERS, PAGES, PLACES, SYSTEMS};

const START: u64 = 1_640_995_200_000;
const TAGS: &[&str] = &["nginx", "ingress", "edge", "slow", "bot", "cached", "mobile", "beta"];

/// What a line says several times.
struct Request {
    method: &'static str,
    folder: &'static str,
    page: &'static str,
    extension: &'static str,
}

/// Appends document `n`.
pub fn document(seed: u64, n: u64, o: &mut Vec<u8>) {
    let mut r = Random::new(seed, n, 0x10C5);
    let time = START + n * 37 + r.below(37);
    let place = r.pick_skewed(PLACES);
    let agent = usize::try_from(r.skewed(AGENTS.len() as u64)).expect("below the length of a slice");
    let client = r.skewed(60_000).wrapping_mul(2_654_435_761) & 0xffff_ffff;
    let status = status(&mut r);
    let method = match r.below(20) {
        0 => "POST",
        1 => "HEAD",
        2 => "PUT",
        _ => "GET",
    };
    let size = if status == 304 { 0 } else { 120 + r.skewed(900_000) };
    let (folder, page, extension) = (r.pick_skewed(FOLDERS), r.pick_skewed(PAGES), r.pick(EXTENSIONS));
    let request = Request { method, folder, page, extension };

    text(o, "{\"@timestamp\":\"");
    date(o, time);
    text(o, "\",\"clientip\":\"");
    address(o, client);
    text(o, "\",");
    request_fields(o, &mut r, &request);
    text(o, ",\"status\":");
    number(o, status);
    text(o, ",\"size\":");
    number(o, size);
    text(o, ",\"took_ms\":");
    fixed(o, i64::try_from(r.skewed(4_000_000) + 300).expect("a few millions"), 3);
    text(o, ",\"referrer\":");
    referrer(o, &mut r);
    text(o, ",");
    user_agent(o, &mut r, agent);
    text(o, ",\"geo\":{\"country_iso\":\"");
    text(o, place.code);
    text(o, "\",\"country\":\"");
    text(o, place.country);
    text(o, "\",\"city\":\"");
    text(o, place.city);
    text(o, "\",\"location\":{\"lat\":");
    fixed(o, place.latitude + signed(r.below(2000)) - 1000, 4);
    text(o, ",\"lon\":");
    fixed(o, place.longitude + signed(r.below(2000)) - 1000, 4);
    text(o, "}},");
    host(o, &mut r);
    text(o, ",\"tls\":");
    text(o, if r.below(12) == 0 { "false" } else { "true" });
    text(o, ",\"tags\":[");
    let tags = r.below(4);
    list(o, tags, |o| quoted(o, r.pick_skewed(TAGS)));
    text(o, "],\"bytes_total\":");
    number(o, (1 << 53) + n * 997 + size); // a double would lose it
    o.push(b'}');
}

fn status(r: &mut Random) -> u64 {
    match r.below(100) {
        0..=84 => 200,
        85..=91 => 304,
        92..=94 => 302,
        95..=97 => 404,
        98 => 403,
        _ => 500 + r.below(4),
    }
}

fn address(o: &mut Vec<u8>, client: u64) {
    number(o, (client >> 24) % 223 + 1);
    for shift in [16, 8, 0] {
        o.push(b'.');
        number(o, client >> shift & 255);
    }
}

fn request_fields(o: &mut Vec<u8>, r: &mut Random, request: &Request) {
    text(o, "\"method\":\"");
    text(o, request.method);
    text(o, "\",\"path\":\"");
    path(o, request);
    text(o, "\",\"request\":\"");
    text(o, request.method);
    o.push(b' ');
    path(o, request);
    if r.below(3) == 0 {
        text(o, "?id=");
        number(o, r.below(1_000_000));
        text(o, "&ref=");
        text(o, r.pick(PAGES));
    }
    text(o, " HTTP/1.1\"");
}

fn path(o: &mut Vec<u8>, request: &Request) {
    o.push(b'/');
    text(o, request.folder);
    o.push(b'/');
    text(o, request.page);
    text(o, request.extension);
}

fn referrer(o: &mut Vec<u8>, r: &mut Random) {
    if r.below(3) == 0 {
        text(o, "null");
        return;
    }
    text(o, "\"https://www.example");
    number(o, r.skewed(40));
    text(o, ".com/");
    text(o, r.pick_skewed(FOLDERS));
    text(o, "/\"");
}

fn user_agent(o: &mut Vec<u8>, r: &mut Random, agent: usize) {
    let version = 90 + r.skewed(12);
    text(o, "\"user_agent\":{\"original\":\"");
    text(o, AGENTS[agent]);
    number(o, version);
    text(o, ".0.");
    number(o, r.skewed(5000));
    text(o, "\",\"name\":\"");
    text(o, AGENT_NAMES[agent]);
    text(o, "\",\"version\":\"");
    number(o, version);
    text(o, "\",\"os\":\"");
    text(o, SYSTEMS[agent]);
    text(o, "\"}");
}

fn host(o: &mut Vec<u8>, r: &mut Random) {
    text(o, "\"host\":{\"name\":\"web-");
    padded(o, r.below(24), 2);
    text(o, ".prod.example.com\",\"pod\":\"frontend-");
    hex(o, r.below(64).wrapping_mul(0x9E37_79B9_7F4A_7C15), 10);
    text(o, "\"},\"trace_id\":\"");
    let (a, b) = (r.next(), r.next());
    hex(o, a, 16);
    hex(o, b, 16);
    o.push(b'"');
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("a few thousands")
}
