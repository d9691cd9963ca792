//! Ranking documents for a query: BM25 over weighted fields, with what was mistyped or only begun.
//!
//! What one reader sees of it depends on nothing that is hidden from that reader: how rare a word is, which words there
//! are, and how long texts are is worked out over the documents that are seen, or over none.

use std::{cmp::Ordering, collections::HashMap};

use fixedbitset::FixedBitSet;

use super::words::{Stems, alike, joined};

/// How soon more of the same word stops to count.
const SATURATION: f32 = 1.2;
/// How much the length of a text counts.
const LENGTH: f32 = 0.4;
/// Words of a document of common length. Not their average: that would tell of what is hidden.
const COMMON_LENGTH: f32 = 30.0;
/// What a document is worth more that has exactly the name that was asked for.
const EXACT_NAME: f32 = 10.0;
/// What a word counts that stands for the same.
const ALIKE: f32 = 0.45;
/// What a word counts that begins with the one that was asked for.
const BEGUN: f32 = 0.7;
/// What a word counts that differs by one letter from the one that was asked for, and by two.
const MISTYPED: [f32; 2] = [0.6, 0.35];
/// Words that stand in for one that nobody has.
const STAND_INS: usize = 12;

/// A part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A tool's own name.
    Name,
    /// Its name for people.
    Title,
    /// What it does.
    Description,
    /// The name of its server.
    Source,
    /// What its server is for.
    About,
    /// The name of a parameter.
    Parameter,
}

impl Field {
    const fn weight(self) -> f32 {
        match self {
            Self::Name => 3.0,
            Self::Title => 2.0,
            Self::Source => 1.2,
            Self::Description => 1.0,
            Self::Parameter => 0.6,
            Self::About => 0.4,
        }
    }
}

/// What is looked for. One without fields is never found.
#[derive(Debug, Default)]
pub struct Document {
    /// Names that lead to it alone, whatever else there is.
    pub names: Vec<String>,
    /// Its parts.
    pub fields: Vec<(Field, String)>,
}

/// A document that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place among the documents.
    pub document: usize,
    /// How well it fits.
    pub score: f32,
}

/// Documents, by their words.
#[derive(Debug)]
pub struct Index {
    /// In order.
    words: Vec<Word>,
    /// What the length of each document makes of its words.
    lengths: Vec<f32>,
    /// Those that have words at all.
    there: FixedBitSet,
    names: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    /// Which letters it has, so that most others are known to differ at a glance.
    letters: u64,
    /// Where it stands, and how much it counts there.
    places: Vec<(u32, f32)>,
}

impl Index {
    /// An index of `documents`, which are known by their places from then on.
    pub fn new(documents: impl Iterator<Item = Document>) -> Self {
        let mut stems = Stems::new();
        let (mut lengths, mut there, mut names) = (Vec::new(), FixedBitSet::new(), HashMap::<_, Vec<_>>::new());
        let mut by_word: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        for (at, document) in documents.enumerate() {
            let mut counts: HashMap<String, f32> = HashMap::new();
            let mut length = 0.0;
            for (field, text) in &document.fields {
                let found = stems.of(text);
                if *field == Field::Name && found.len() > 1 {
                    // Written as one word.
                    *counts.entry(joined(text)).or_default() += field.weight();
                }
                for stem in found {
                    length += 1.0;
                    *counts.entry(stem).or_default() += field.weight();
                }
            }
            lengths.push(1.0 - LENGTH + LENGTH * length / COMMON_LENGTH);
            there.grow(at + 1);
            there.set(at, !counts.is_empty());
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            for (word, count) in counts {
                by_word.entry(word).or_default().push((place, count));
            }
            for name in document.names {
                names.entry(joined(&name)).or_default().push(at);
            }
        }
        let word = |(text, places): (String, _)| Word { letters: letters(&text), text: text.into(), places };
        let mut words: Vec<Word> = by_word.into_iter().map(word).collect();
        words.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        Self { words, lengths, there, names }
    }

    /// The documents of `sight` that fit the query, best first.
    #[must_use]
    pub fn search(&self, query: &str, sight: &FixedBitSet) -> Vec<Hit> {
        let mut sight = sight.clone();
        sight.intersect_with(&self.there);
        let mut asked = Stems::new().of(query);
        asked.sort_unstable();
        asked.dedup();
        let mut scores = vec![0.0_f32; self.lengths.len()];
        let mut best = vec![0.0_f32; self.lengths.len()];
        let all = sight.count_ones(..);
        for term in &asked {
            let found = self.found(term, &sight);
            // Of what stands for the same only the best counts, or three words for one thing would be three things.
            for (word, share) in &found {
                let seen = || word.places.iter().filter(|(at, _)| sight.contains(*at as usize));
                let rarity = rarity(all, seen().count());
                for (at, count) in seen() {
                    let at = *at as usize;
                    let fit = count * (SATURATION + 1.0) / (count + SATURATION * self.lengths[at]);
                    best[at] = best[at].max(share * rarity * fit);
                }
            }
            for (at, _) in found.iter().flat_map(|(word, _)| &word.places) {
                let at = *at as usize;
                scores[at] += std::mem::take(&mut best[at]);
            }
        }
        for at in self.names.get(&joined(query)).into_iter().flatten() {
            if sight.contains(*at) {
                scores[*at] += EXACT_NAME;
            }
        }
        let found = scores.into_iter().enumerate().filter(|(_, score)| *score > 0.0);
        let mut hits: Vec<Hit> = found.map(|(document, score)| Hit { document, score }).collect();
        hits.sort_unstable_by(|a, b| {
            b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.document.cmp(&b.document))
        });
        hits
    }

    /// The words that are seen and that a word of the query may mean, each with what it counts.
    fn found(&self, term: &str, sight: &FixedBitSet) -> Vec<(&Word, f32)> {
        let mut found: Vec<(&Word, f32)> = Vec::new();
        found.extend(self.exactly(term, sight).map(|word| (word, 1.0)));
        for other in alike(term) {
            found.extend(self.exactly(other, sight).map(|word| (word, ALIKE)));
        }
        if !found.is_empty() {
            return found;
        }
        let begun = self.beginning_with(term).filter(|word| is_seen(word, sight)).take(STAND_INS);
        found.extend(begun.map(|word| (word, BEGUN)));
        if found.is_empty() {
            found = self.mistyped(term, sight);
        }
        found
    }

    fn exactly(&self, term: &str, sight: &FixedBitSet) -> Option<&Word> {
        let at = self.words.binary_search_by(|word| (*word.text).cmp(term)).ok()?;
        self.words.get(at).filter(|word| is_seen(word, sight))
    }

    fn beginning_with(&self, term: &str) -> impl Iterator<Item = &Word> {
        let long_enough = term.chars().count() >= 3;
        let first = self.words.partition_point(|word| *word.text < *term);
        let rest = self.words.get(first..).filter(|_| long_enough).unwrap_or_default();
        rest.iter().take_while(move |word| word.text.starts_with(term))
    }

    /// The nearest words that are seen.
    fn mistyped(&self, term: &str, sight: &FixedBitSet) -> Vec<(&Word, f32)> {
        let length = term.chars().count();
        let tolerance: usize = match length {
            0..=3 => return Vec::new(),
            4..=6 => 1,
            _ => 2,
        };
        let own = letters(term);
        let mut near: Vec<(usize, &Word)> = Vec::new();
        for word in &self.words {
            // One letter that is another changes two bits.
            let differ = (own ^ word.letters).count_ones() as usize > 2 * tolerance;
            if differ || word.text.len().abs_diff(term.len()) > 4 * tolerance || !is_seen(word, sight) {
                continue;
            }
            let distance = strsim::damerau_levenshtein(term, &word.text);
            if distance <= tolerance {
                near.push((distance, word));
            }
        }
        near.sort_by_key(|(distance, _)| *distance);
        let share = |distance: usize| distance.checked_sub(1).and_then(|at| MISTYPED.get(at)).copied();
        near.truncate(STAND_INS);
        near.into_iter().filter_map(|(distance, word)| Some((word, share(distance)?))).collect()
    }
}

fn is_seen(word: &Word, sight: &FixedBitSet) -> bool {
    word.places.iter().any(|(at, _)| sight.contains(*at as usize))
}

/// What a word is worth that `with` of `all` documents have.
fn rarity(all: usize, with: usize) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "catalogues are smaller than what f32 counts exactly")]
    let (all, with) = (all as f32, with as f32);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// A bit for each letter and digit, one for all others.
fn letters(text: &str) -> u64 {
    let bit = |c: char| match c {
        'a'..='z' => u32::from(c) - u32::from('a'),
        '0'..='9' => 26 + u32::from(c) - u32::from('0'),
        _ => 40,
    };
    text.chars().fold(0, |bits, c| bits | 1 << bit(c))
}

#[cfg(test)]
mod tests;
