//! Sums of many lists of terms at once, and sums weighted by small numbers.

use zeroize::Zeroize;

use crate::engine::{Engine, Pool, Term};
use crate::points::Point;

/// Terms that are summed at a time, so that what is computed stays in the cache.
const BLOCK: usize = 4096;

/// Lists of terms, one after the other; each list is summed to one term.
pub struct Lists {
    terms: Vec<Term>,
    /// Where each list starts and ends in `terms`.
    bounds: Vec<(u32, u32)>,
}

/// A term and the number of the list it goes to.
#[derive(Clone, Copy, Default)]
pub struct Entry(u64);

impl Entry {
    /// This term, into that list.
    #[inline]
    pub fn new(list: usize, term: Term) -> Self {
        debug_assert!(list <= u32::MAX as usize);
        Self((list as u64) << 32 | u64::from(term.bits()))
    }

    fn list(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn term(self) -> Term {
        Term::from_bits(self.0 as u32)
    }
}

impl Zeroize for Entry {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Lists {
    // Which base went to which list tells the digits of a scalar.
    fn drop(&mut self) {
        self.terms.zeroize();
    }
}

impl Lists {
    /// `count` lists from their entries, in any order.
    pub fn new(count: usize, entries: &[Entry]) -> Self {
        let mut bounds = vec![(0, 0); count];
        for entry in entries {
            bounds[entry.list()].1 += 1;
        }
        let mut start = 0;
        for (first, last) in &mut bounds {
            let length = *last;
            (*first, *last) = (start, start);
            start += length;
        }
        let mut terms = vec![Term::default(); entries.len()];
        for entry in entries {
            let last = &mut bounds[entry.list()].1;
            terms[*last as usize] = entry.term();
            *last += 1;
        }
        Self { terms, bounds }
    }

    /// Sums every list: by pairs, in rounds over many lists, each round one bulk addition.
    pub fn sum<E: Engine>(mut self, table: &[E::Point], pool: &mut Pool<E>) -> Vec<Option<Term>> {
        let mut pairs = Vec::with_capacity(BLOCK.min(self.terms.len()) / 2);
        let mut results = Vec::with_capacity(self.bounds.len());
        let mut bounds = std::mem::take(&mut self.bounds);
        let mut rest = &mut bounds[..];
        while !rest.is_empty() {
            let start = rest[0].0;
            let count = rest.iter().take_while(|&&(_, last)| (last - start) as usize <= BLOCK).count();
            let (block, others) = rest.split_at_mut(count.max(1));
            rest = others;
            let mark = pool.mark();
            while self.round(block, table, pool, &mut pairs) {}
            let result = |&(first, last): &(u32, u32)| (last > first).then(|| self.terms[first as usize]);
            let first = results.len();
            results.extend(block.iter().map(result));
            if !rest.is_empty() {
                pool.keep(mark, &mut results[first..]);
            }
        }
        results
    }

    /// Halves the lists with these bounds; false if none had two terms.
    fn round<E: Engine>(
        &mut self,
        bounds: &mut [(u32, u32)],
        table: &[E::Point],
        pool: &mut Pool<E>,
        pairs: &mut Vec<[Term; 2]>,
    ) -> bool {
        pairs.clear();
        let next = pool.mark();
        for (first, last) in bounds.iter_mut().filter(|(first, last)| last - first > 1) {
            let list = &mut self.terms[*first as usize..*last as usize];
            let half = list.len() / 2;
            for i in 0..half {
                pairs.push([list[2 * i], list[2 * i + 1]]);
                list[i] = next.term(pairs.len() - 1);
            }
            if list.len() % 2 == 1 {
                list[half] = list[list.len() - 1];
            }
            *last = *first + list.len().div_ceil(2) as u32;
        }
        if pairs.is_empty() {
            return false;
        }
        if pool.add(table, pairs).identities {
            for (first, last) in bounds {
                let list = &mut self.terms[*first as usize..*last as usize];
                let mut kept = 0;
                for i in 0..list.len() {
                    if !pool.is_identity(list[i]) {
                        list[kept] = list[i];
                        kept += 1;
                    }
                }
                *last = *first + kept as u32;
            }
        }
        true
    }
}

/// How much each bucket of a group weighs.
#[derive(Clone, Copy)]
pub enum Weights {
    /// 1, 2, 3, … for digits of any value.
    All,
    /// 1, 3, 5, … for odd digits.
    Odd,
}

impl Weights {
    fn of(self, bucket: usize) -> usize {
        match self {
            Self::All => bucket + 1,
            Self::Odd => 2 * bucket + 1,
        }
    }
}

/// Σ over groups g of 2^(bits·g) · Σ over the `size` buckets of a group of weight·bucket, for the number of bits
/// that the largest weight has.
pub fn weigh<E: Engine>(
    table: &[E::Point],
    pool: &mut Pool<E>,
    buckets: &[Option<Term>],
    size: usize,
    weights: Weights,
) -> Point {
    let largest = weights.of(size - 1);
    let bits = (usize::BITS - largest.leading_zeros()) as usize;
    // A weight is low + 2^split·high: first the buckets of equal low and of equal high are summed, then
    // those of them that have a certain bit.
    let split = if size > 8 { bits / 2 } else { 0 };
    let (lows, highs) = (1usize << split, (largest >> split) + 1);
    let stride = lows + highs;
    let groups = buckets.len() / size;
    let halves = if split == 0 {
        let mut out = vec![None; groups * stride];
        for (i, bucket) in buckets.iter().enumerate() {
            out[i / size * stride + lows + weights.of(i % size)] = *bucket;
        }
        out
    } else {
        let mut entries = Vec::with_capacity(2 * buckets.len());
        for (i, bucket) in buckets.iter().enumerate() {
            if let Some(term) = *bucket {
                let (group, weight) = (i / size, weights.of(i % size));
                let (low, high) = (weight % lows, weight >> split);
                if low != 0 {
                    entries.push(Entry::new(group * stride + low, term));
                }
                if high != 0 {
                    entries.push(Entry::new(group * stride + lows + high, term));
                }
            }
        }
        Lists::new(groups * stride, &entries).sum(table, pool)
    };
    let mut entries = Vec::with_capacity(halves.len() * bits / 2);
    for (i, half) in halves.iter().enumerate() {
        if let Some(term) = *half {
            let (group, place) = (i / stride, i % stride);
            let weight = if place < lows { place } else { (place - lows) << split };
            for bit in (0..bits).filter(|bit| weight >> bit & 1 == 1) {
                entries.push(Entry::new(group * bits + bit, term));
            }
        }
    }
    let by_bit = Lists::new(groups * bits, &entries).sum(table, pool);
    pool.horner(table, &by_bit)
}
