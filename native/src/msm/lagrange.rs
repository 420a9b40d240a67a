//! Commitments to columns of digits, in the Lagrange basis of their domain.

use zeroize::Zeroizing;

use crate::engine::{Engine, Pool, Sums, Term};
use crate::error::Result;
use crate::field::Fr;
use crate::msm::digits::{signed, windows};
use crate::msm::endomorphism::split;
use crate::points::{Jacobian, Point};

/// Digits are below this.
pub const RADIX: u8 = 4;

/// Width of the windows of blinders.
const BLINDER_WIDTH: u32 = 7;
/// Windows of a blinder.
const BLINDER_WINDOWS: usize = windows(255, BLINDER_WIDTH);
/// Multiples per window of a blinder.
const BLINDER_MULTIPLES: usize = 1 << (BLINDER_WIDTH - 1);

/// What commits to columns of n digits: the multiples that digits and blinders ask for.
pub struct DigitTable<E: Engine> {
    n: usize,
    /// d·[L_i(τ)]₁ at (d − 1)·n + i, then the multiples of [τ^n − 1]₁ and of [τ^(n+1) − τ]₁: for multiple
    /// m = 1 …, for each of the two points, for each window.
    points: Vec<E::Point>,
    /// Places whose point is the identity (only with an unsafe, made-up τ).
    holes: Vec<usize>,
}

impl<E: Engine> DigitTable<E> {
    /// The table for n digits from [τ^i]₁ for i < n + 2, n a power of two.
    pub fn new(powers: &[Point]) -> Result<Self> {
        let n = powers.len() - 2;
        let mut points = Vec::new();
        let basis = basis::<E>(&powers[..n])?;
        let twice = add_each::<E>(&basis, &basis);
        let thrice = add_each::<E>(&twice, &basis);
        points.extend(basis.into_iter().chain(twice).chain(thrice));

        let minus = |point: &Point| point.negate();
        let vanishing = add_each::<E>(&powers[n..], &[minus(&powers[0]), minus(&powers[1])]);
        let mut shifted = Vec::with_capacity(2 * BLINDER_WINDOWS);
        for point in vanishing {
            let mut multiple = Jacobian::from(&point);
            for _ in 0..BLINDER_WINDOWS {
                shifted.push(multiple.to_affine());
                for _ in 0..BLINDER_WIDTH {
                    multiple.double();
                }
            }
        }
        let mut multiple = shifted.clone();
        for _ in 0..BLINDER_MULTIPLES {
            points.extend_from_slice(&multiple);
            multiple = add_each::<E>(&multiple, &shifted);
        }
        let holes = (0..points.len()).filter(|&i| points[i].is_identity()).collect();
        Ok(Self { n, points: E::import(&points), holes })
    }

    /// [Σ digits[i]·L_i(τ) + (β_0 + β_1 τ)(τ^n − 1)]₁ for digits below 4.
    pub fn commit(&self, digits: &[u8], blinders: &[Fr; 2]) -> Point {
        let mut terms = Zeroizing::new(Vec::with_capacity(self.n + 2 * BLINDER_WINDOWS));
        for (i, &digit) in digits.iter().enumerate().filter(|&(_, &digit)| digit != 0) {
            terms.push(Term::table((usize::from(digit) - 1) * self.n + i, false));
        }
        for (side, blinder) in blinders.iter().enumerate() {
            let start = usize::from(RADIX - 1) * self.n + side * BLINDER_WINDOWS;
            let limbs = Zeroizing::new(blinder.to_limbs());
            signed(&*limbs, BLINDER_WIDTH, BLINDER_WINDOWS, |window, digit| {
                let multiple = digit.unsigned_abs() as usize - 1;
                terms.push(Term::table(start + multiple * 2 * BLINDER_WINDOWS + window, digit < 0));
            });
        }
        if !self.holes.is_empty() {
            terms.retain(|term| self.holes.binary_search(&term.place()).is_err());
        }
        E::with_pool(|pool| self.sum(&mut terms, pool))
    }

    fn sum(&self, terms: &mut Vec<Term>, pool: &mut Pool<E>) -> Point {
        while terms.len() > E::FEW {
            let pairs: Vec<[Term; 2]> = terms.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
            let sums = pool.add(&self.points, &pairs);
            let rest = if terms.len() % 2 == 1 { terms.pop() } else { None };
            terms.clear();
            terms.extend((0..pairs.len()).map(|i| sums.term(i)).chain(rest));
            if sums.identities {
                terms.retain(|&term| !pool.is_identity(term));
            }
        }
        pool.sum(&self.points, terms)
    }
}

/// [L_i(τ)]₁ for i < n from [τ^j]₁ for j < n: the inverse transform L_i = 1/n · Σ_j ω^(−ij)·τ^j over points.
fn basis<E: Engine>(powers: &[Point]) -> Result<Vec<Point>> {
    let n = powers.len();
    let log2 = n.trailing_zeros();
    let root = Fr::root_of_unity(log2).inverse()?;
    let twiddles = crate::vector::powers(root, n / 2);
    let scale = Fr::from_limbs([n as u64, 0, 0, 0]).inverse()?;
    let mut points = scale_each::<E>(powers, &vec![scale; n]);
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - log2);
        if i < j {
            points.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let low = |i: usize| i / half * 2 * half + i % half;
        let lows: Vec<Point> = (0..n / 2).map(|i| points[low(i)]).collect();
        let highs: Vec<Point> = (0..n / 2).map(|i| points[low(i) + half]).collect();
        let factors: Vec<Fr> = (0..n / 2).map(|i| twiddles[i % half * (n / 2 / half)]).collect();
        let highs = scale_each::<E>(&highs, &factors);
        let negated: Vec<Point> = highs.iter().map(Point::negate).collect();
        let sums = add_each::<E>(&[&lows[..], &lows[..]].concat(), &[highs, negated].concat());
        for i in 0..n / 2 {
            points[low(i)] = sums[i];
            points[low(i) + half] = sums[n / 2 + i];
        }
        half *= 2;
    }
    Ok(points)
}

/// a[i] + b[i] for all i.
fn add_each<E: Engine>(a: &[Point], b: &[Point]) -> Vec<Point> {
    let n = a.len().min(b.len());
    let table = E::import(&[&a[..n], &b[..n]].concat());
    let both: Vec<usize> = (0..n).filter(|&i| !a[i].is_identity() && !b[i].is_identity()).collect();
    let pairs: Vec<[Term; 2]> =
        both.iter().map(|&i| [Term::table(i, false), Term::table(n + i, false)]).collect();
    let mut out: Vec<Point> = (0..n).map(|i| if a[i].is_identity() { b[i] } else { a[i] }).collect();
    E::with_pool(|pool| {
        let sums = pool.add(&table, &pairs);
        let terms: Vec<Term> = (0..pairs.len()).map(|i| sums.term(i)).collect();
        for (&i, point) in both.iter().zip(pool.points(&table, &terms)) {
            out[i] = point;
        }
    });
    out
}

/// Width of the windows of [`scale_each`].
const WIDTH: u32 = 4;
/// Multiples per point in [`scale_each`].
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// scalars[i]·points[i] for all i; points in the subgroup.
fn scale_each<E: Engine>(points: &[Point], scalars: &[Fr]) -> Vec<Point> {
    let count = windows(128, WIDTH);
    let mut out: Vec<Point> = points.to_vec();
    let scaled: Vec<usize> =
        (0..points.len()).filter(|&i| !points[i].is_identity() && scalars[i] != Fr::ONE).collect();
    let n = scaled.len();
    let base: Vec<Point> = scaled.iter().map(|&i| points[i]).collect();
    // Multiple m of point i at (m − 1)·n + i, then the same of its image under the endomorphism.
    let mut multiples = base.clone();
    let mut multiple = base.clone();
    for _ in 1..MULTIPLES {
        multiple = add_each::<E>(&multiple, &base);
        multiples.extend_from_slice(&multiple);
    }
    let mut table = E::import(&multiples);
    table.extend(E::endomorphism(&table));
    // What is to be added: for each window and half, for each point, nothing or a term.
    let mut digits = vec![None; count * 2 * n];
    for (i, &place) in scaled.iter().enumerate() {
        for (side, half) in split(scalars[place].to_limbs()).into_iter().enumerate() {
            signed(&[half as u64, (half >> 64) as u64], WIDTH, count, |window, digit| {
                let multiple = side * MULTIPLES + digit.unsigned_abs() as usize - 1;
                let term = Term::table(multiple * n + i, (digit < 0) != (side == 1));
                digits[(window * 2 + side) * n + i] = Some(term);
            });
        }
    }
    let results = E::with_pool(|pool| {
        let mut sums: Vec<Option<Term>> = vec![None; n];
        for step in (0..count * 2).rev() {
            if step % 2 == 1 {
                let (live, terms): (Vec<usize>, Vec<Term>) =
                    sums.iter().enumerate().filter_map(|(i, sum)| sum.map(|sum| (i, sum))).unzip();
                let doubled = pool.double(&table, &terms, WIDTH);
                take_over(&mut sums, &live, &doubled, pool);
            }
            let (mut both, mut pairs) = (Vec::new(), Vec::new());
            for (i, digit) in digits[step * n..(step + 1) * n].iter().enumerate() {
                match (sums[i], *digit) {
                    (Some(sum), Some(term)) => {
                        both.push(i);
                        pairs.push([sum, term]);
                    }
                    (None, Some(term)) => sums[i] = Some(term),
                    (_, None) => {}
                }
            }
            let added = pool.add(&table, &pairs);
            take_over(&mut sums, &both, &added, pool);
        }
        let point = |sum: Option<Term>| sum.map_or(Point::IDENTITY, |term| pool.points(&table, &[term])[0]);
        sums.into_iter().map(point).collect::<Vec<_>>()
    });
    for (place, point) in scaled.into_iter().zip(results) {
        out[place] = point;
    }
    out
}

fn take_over<E: Engine>(sums: &mut [Option<Term>], places: &[usize], new: &Sums, pool: &Pool<E>) {
    for (k, &place) in places.iter().enumerate() {
        let term = new.term(k);
        sums[place] = (!new.identities || !pool.is_identity(term)).then_some(term);
    }
}
