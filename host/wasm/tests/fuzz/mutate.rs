//! Ways to damage a file.

use std::ops::Range;

use crate::random::Random;

/// What names a world, and what it is made to be: as long, so that the file stays whole.
const NAMES: [(&str, &str); 8] = [
    ("gateway:plugin/tool@0.1.0", "gateway:plugin/tool@0.2.0"),
    ("gateway:plugin/tool@0.1.0", "gateway:plugin/tool@9.9.9"),
    ("gateway:plugin/tool@0.1.0", "gateway:plugin/loot@0.1.0"),
    ("gateway:plugin/tool@0.1.0", "gateway:plugon/tool@0.1.0"),
    ("gateway:plugin/host@0.1.0", "gateway:plugin/most@0.1.0"),
    ("list-tools", "list-fools"),
    ("wasi:io/streams@0.2", "wasi:io/strands@0.2"),
    ("add", "a-d"),
];

/// The file with one to four damages. `others` lend their parts.
pub(crate) fn damaged(file: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(4) {
        damage(&mut bytes, others, random);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(64)).min(bytes.len());
    match random.below(12) {
        0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        2 if !bytes.is_empty() => bytes[at] = random.next() as u8,
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at.min(end)..end)),
        5 => drop(bytes.splice(at..at, random.bytes(32))),
        6 => drop(bytes.splice(at..at, bytes[at.min(end)..end].to_vec())),
        7 | 8 => custom_section(bytes, random),
        9 | 10 => sections(bytes, others, random),
        _ => rename(bytes, random),
    }
}

/// Puts a name in the place of another wherever that stands.
fn rename(bytes: &mut [u8], random: &mut Random) {
    let (from, to) = *random.of(&NAMES);
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, found)| *found == from.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
}

/// Appends a custom section that the gateway reads, with anything in it.
fn custom_section(bytes: &mut Vec<u8>, random: &mut Random) {
    let name = *random.of(&["gateway:plugin", "package-docs", "name", "producers"]);
    let deep = "[".repeat(random.below(100_000));
    let contents: [Vec<u8>; 6] = [
        Vec::new(),
        random.bytes(100),
        deep.clone().into_bytes(),
        br#"{"name":"x","permissions":{"net":["*"]},"limits":{"time":"1000h"}}"#.to_vec(),
        [b"\x01{\"worlds\":{\"plain\":{\"types\":", deep.as_bytes()].concat(),
        b"\x01{\"worlds\":{\"plain\":{\"func_exports\":{\"add\":{\"docs\":\"- `a`: \\u0000\"}}}}}".to_vec(),
    ];
    let content = random.of(&contents);
    let mut section = length(name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    bytes.push(0);
    // Sometimes with the length of something else.
    let claimed = if random.below(8) == 0 { random.below(1 << 30) } else { section.len() };
    bytes.extend(length(claimed));
    bytes.extend(section);
}

/// Swaps, drops, doubles or borrows a section.
fn sections(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let own = ranges(bytes);
    if own.is_empty() {
        return;
    }
    let (first, second) = (random.of(&own).clone(), random.of(&own).clone());
    match random.below(4) {
        0 => {
            let mut order: Vec<Range<usize>> = own;
            let (one, other) = (random.below(order.len()), random.below(order.len()));
            order.swap(one, other);
            let mut swapped = bytes[..8].to_vec();
            order.into_iter().for_each(|range| swapped.extend_from_slice(&bytes[range]));
            *bytes = swapped;
        }
        1 => drop(bytes.drain(first)),
        2 => drop(bytes.splice(second.start..second.start, bytes[first].to_vec())),
        _ => {
            let other = random.of(others);
            let theirs = ranges(other);
            if !theirs.is_empty() {
                let range = random.of(&theirs).clone();
                drop(bytes.splice(second.start..second.start, other[range].to_vec()));
            }
        }
    }
}

/// Where the sections of a component are, as far as it can be read.
fn ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 8);
    while at < bytes.len() {
        let (mut end, mut size, mut shift) = (at + 1, 0_usize, 0);
        loop {
            let Some(&byte) = bytes.get(end) else { return found };
            end += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift > 28 {
                break;
            }
        }
        end += size;
        if end > bytes.len() {
            break;
        }
        found.push(at..end);
        at = end;
    }
    found
}

/// As WebAssembly writes lengths (LEB128).
fn length(mut length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out
}
