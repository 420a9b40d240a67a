//! Σ scalar·base over bases known beforehand.
//!
//! A table holds the bases times powers of 2, so that all digits of all scalars share one set of buckets, and no
//! doublings are left for later. For few bases it holds every power, which lets digits be sparse and odd: a
//! sixth less to add. For many that would not fit the cache, and it holds one power per window.

use zeroize::Zeroizing;

use crate::engine::{Engine, Term};
use crate::field::Fr;
use crate::msm::buckets::{Entry, Lists, Weights, weigh};
use crate::msm::digits::{signed, sparse, windows};
use crate::points::Point;

/// Bits of a scalar.
const BITS: u32 = 255;

/// Up to this many bases all powers are kept.
const FEW: usize = 512;

/// How many powers of 2 a table for at least `bases` bases has, and the bits between two of them.
pub fn best_step(bases: usize) -> u32 {
    if bases <= FEW {
        return 1;
    }
    let cost = |width: u32| windows(BITS, width) * bases + 2 * (1usize << (width - 1));
    (8..=14).min_by_key(|&width| cost(width)).unwrap_or(12)
}

/// The width of sparse digits that costs least for so many scalars.
fn best_width(scalars: usize) -> u32 {
    let cost = |width: u32| 256 * scalars / (width as usize + 1) + 2 * (1usize << (width - 2));
    (4..=14).min_by_key(|&width| cost(width)).unwrap_or(8)
}

/// Multiples of the bases by powers of 2^step.
pub struct Table<E: Engine> {
    step: u32,
    bases: usize,
    /// 2^(step·j)·base i at j·bases + i.
    points: Vec<E::Point>,
}

impl<E: Engine> Table<E> {
    /// The table of these bases, none of which is the identity.
    pub fn new(bases: &[Point], step: u32) -> Self {
        let count = windows(BITS, step);
        let mut points = Vec::with_capacity(count * bases.len());
        let mut scratch = E::Scratch::default();
        let mut current = E::import(bases);
        points.extend_from_slice(&current);
        for _ in 1..count {
            for _ in 0..step {
                E::double_all(&mut current, &mut scratch);
            }
            points.extend_from_slice(&current);
        }
        Self { step, bases: bases.len(), points }
    }

    /// Number of bases.
    pub fn bases(&self) -> usize {
        self.bases
    }

    /// Σ scalars[i]·base i over at most as many scalars as there are bases.
    pub fn combine(&self, scalars: &[Fr]) -> Point {
        let place = |power: usize, i: usize| power * self.bases + i;
        let mut entries = Zeroizing::new(Vec::with_capacity(windows(BITS, self.step.max(4)) * scalars.len()));
        let (size, weights) = if self.step == 1 {
            let width = best_width(scalars.len());
            for (i, scalar) in scalars.iter().enumerate() {
                sparse(&scalar.to_limbs(), width, |bit, digit| {
                    let term = Term::table(place(bit, i), digit < 0);
                    entries.push(Entry::new(digit.unsigned_abs() as usize / 2, term));
                });
            }
            (1 << (width - 2), Weights::Odd)
        } else {
            let count = windows(BITS, self.step);
            for (i, scalar) in scalars.iter().enumerate() {
                signed(&scalar.to_limbs(), self.step, count, |window, digit| {
                    let term = Term::table(place(window, i), digit < 0);
                    entries.push(Entry::new(digit.unsigned_abs() as usize - 1, term));
                });
            }
            (1 << (self.step - 1), Weights::All)
        };
        E::with_pool(|pool| {
            let buckets = Lists::new(size, &entries).sum(&self.points, pool);
            weigh(&self.points, pool, &buckets, size, weights)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Numbers, combination, for_each_engine};

    #[test]
    fn sums_agree_with_one_by_one() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(16);
            let bases = numbers.points(40);
            for step in [1, 4, 5, 8, 11] {
                let table = Table::<E>::new(&bases, step);
                for count in [0, 1, 2, 33, 40] {
                    for scalars in [numbers.awkward(count), vec![-Fr::ONE; count], vec![Fr::ZERO; count]] {
                        assert_eq!(table.combine(&scalars), combination(&bases, &scalars));
                    }
                }
            }
        });
    }

    #[test]
    fn equal_and_opposite_bases() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(17);
            let point = numbers.point();
            let bases = [vec![point; 20], vec![point.negate(); 20]].concat();
            for step in [1, 4] {
                let table = Table::<E>::new(&bases, step);
                let scalar = numbers.scalar();
                assert_eq!(table.combine(&vec![scalar; 40]), Point::IDENTITY);
                for scalars in [numbers.awkward(40), numbers.scalars(40), vec![scalar; 20]] {
                    assert_eq!(table.combine(&scalars), combination(&bases, &scalars));
                }
            }
        });
    }

    #[test]
    fn more_than_one_block() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(18);
            let bases = numbers.points(300);
            let scalars = numbers.scalars(300);
            let expected = combination(&bases, &scalars);
            for step in [1, 6] {
                assert_eq!(Table::<E>::new(&bases, step).combine(&scalars), expected);
            }
        });
    }
}
