//! What is added: terms, which refer to points, and pairs of them.

use zeroize::Zeroize;

use super::Engine;

/// A table entry or an intermediate sum of a [`super::Pool`], or its negative.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Term(u32);

impl Term {
    const NEGATIVE: u32 = 1 << 31;
    const POOLED: u32 = 1 << 30;

    /// Most places a table or a pool can have.
    pub const LIMIT: usize = Self::POOLED as usize;

    /// Entry `place` of the table, negated or not.
    pub fn table(place: usize, negative: bool) -> Self {
        debug_assert!(place < Self::LIMIT);
        Self(place as u32 | if negative { Self::NEGATIVE } else { 0 })
    }

    /// As a number; back with [`Term::from_bits`].
    #[inline]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// From a number made by [`Term::bits`].
    #[inline]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Sum `place` of a pool.
    pub fn pooled(place: usize) -> Self {
        debug_assert!(place < Self::LIMIT);
        Self(place as u32 | Self::POOLED)
    }

    /// The negative of this term, or the term itself.
    #[inline]
    pub fn negated_if(self, negative: bool) -> Self {
        Self(self.0 ^ if negative { Self::NEGATIVE } else { 0 })
    }

    /// Whether it is the negative that is meant.
    #[inline]
    pub fn is_negative(self) -> bool {
        self.0 & Self::NEGATIVE != 0
    }

    /// Whether it is a sum of a pool.
    #[inline]
    pub fn is_pooled(self) -> bool {
        self.0 & Self::POOLED != 0
    }

    #[inline]
    /// Where in the table or the pool.
    pub fn place(self) -> usize {
        (self.0 & !(Self::NEGATIVE | Self::POOLED)) as usize
    }

    /// The point meant, without its sign.
    #[inline]
    pub fn of<'a, P>(self, table: &'a [P], pool: &'a [P]) -> &'a P {
        &(if self.is_pooled() { pool } else { table })[self.place()]
    }
}

impl Zeroize for Term {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}
/// Pairs of terms, and what the terms refer to.
pub struct Pairs<'a, E: Engine> {
    /// What terms refer to that are no sums.
    pub table: &'a [E::Point],
    /// The sums so far.
    pub pool: &'a [E::Point],
    /// The pairs.
    pub pairs: &'a [[Term; 2]],
}

impl<E: Engine> Clone for Pairs<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Engine> Copy for Pairs<'_, E> {}

impl<'a, E: Engine> Pairs<'a, E> {
    /// The point of one side of a pair, without its sign.
    #[inline]
    pub fn point(&self, pair: usize, side: usize) -> &'a E::Point {
        let term = self.pairs[pair][side];
        &(if term.is_pooled() { self.pool } else { self.table })[term.place()]
    }

    /// Points in the table.
    pub fn table_len(&self) -> usize {
        self.table.len()
    }

    /// Whether one side of a pair is to be negated.
    #[inline]
    pub fn is_negative(&self, pair: usize, side: usize) -> bool {
        self.pairs[pair][side].is_negative()
    }
}

/// sums[i] = pairs[i].0 + pairs[i].1; whether one of the sums is the identity. No term is the identity.
pub fn add_pairs<E: Engine>(all: Pairs<'_, E>, sums: &mut [E::Point], scratch: &mut E::Scratch) -> bool {
    let mut identities = false;
    for (pairs, sums) in all.pairs.chunks(E::BATCH).zip(sums.chunks_mut(E::BATCH)) {
        let batch = Pairs { pairs, ..all };
        if E::add_batch(batch, sums, scratch, None) {
            continue;
        }
        // Equal points, or opposite ones: rare unless someone arranges for it, so looked for only now.
        let mut equal = Vec::new();
        E::add_batch(batch, sums, scratch, Some(&mut equal));
        let mut doubles = Vec::with_capacity(equal.len());
        equal.retain(|&i| {
            let (a, b) = (batch.point(i, 0), batch.point(i, 1));
            let negative = batch.is_negative(i, 0);
            if E::same_y(a, b) == (negative == batch.is_negative(i, 1)) {
                doubles.push(if negative { E::negate(a) } else { *a });
                true
            } else {
                sums[i] = E::IDENTITY;
                identities = true;
                false
            }
        });
        E::double_all(&mut doubles, scratch);
        for (&i, double) in equal.iter().zip(doubles) {
            sums[i] = double;
        }
    }
    identities
}
