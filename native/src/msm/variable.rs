//! Σ scalar·point over points that are not known beforehand (Pippenger's bucket method, scalars halved).

use zeroize::Zeroizing;

use crate::engine::{Engine, Term};
use crate::error::{Error, Result};
use crate::field::Fr;
use crate::msm::buckets::{Entry, Lists, Weights, weigh};
use crate::msm::digits::{signed, windows};
use crate::msm::endomorphism::split;
use crate::points::Point;

/// Bits of a halved scalar.
const BITS: u32 = 128;

/// The width of windows that costs least for so many halved scalars.
fn best_width(scalars: usize) -> u32 {
    let cost = |width: u32| windows(BITS, width) * (scalars + 2 * (1usize << (width - 1)));
    (2..=14).min_by_key(|&width| cost(width)).unwrap_or(8)
}

/// Σ scalars[i]·points[i]; lengths must agree, points must be in the subgroup.
pub fn linear_combination<E: Engine>(points: &[Point], scalars: &[Fr]) -> Result<Point> {
    if points.len() != scalars.len() {
        return Err(Error::value(format_args!("{} scalars, one per point", points.len()), scalars.len()));
    }
    if points.len() > Term::LIMIT / 1024 {
        return Err(Error::value(format_args!("at most {} points", Term::LIMIT / 1024), points.len()));
    }
    let (bases, limbs): (Vec<Point>, Vec<[u128; 2]>) = points
        .iter()
        .zip(scalars)
        .filter(|(point, scalar)| !point.is_identity() && !scalar.is_zero())
        .map(|(point, scalar)| (*point, split(scalar.to_limbs())))
        .unzip();
    let halves = Zeroizing::new(limbs);
    if bases.is_empty() {
        return Ok(Point::IDENTITY);
    }
    let mut table = E::import(&bases);
    table.extend(E::endomorphism(&table));

    let width = best_width(2 * bases.len());
    let (count, buckets) = (windows(BITS, width), 1usize << (width - 1));
    let mut entries = Zeroizing::new(Vec::with_capacity(count * 2 * bases.len()));
    for (i, pair) in halves.iter().enumerate() {
        for (side, half) in pair.iter().enumerate() {
            let limbs = [*half as u64, (*half >> 64) as u64];
            signed(&limbs, width, count, |window, digit| {
                let bucket = window * buckets + digit.unsigned_abs() as usize - 1;
                // The endomorphism multiplies by −z², the high half stands for z².
                let negative = (digit < 0) != (side == 1);
                entries.push(Entry::new(bucket, Term::table(side * bases.len() + i, negative)));
            });
        }
    }
    Ok(E::with_pool(|pool| {
        let sums = Lists::new(count * buckets, &entries).sum(&table, pool);
        weigh(&table, pool, &sums, buckets, Weights::All)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Numbers, combination, for_each_engine};

    #[test]
    fn sums_agree_with_one_by_one() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(19);
            for count in [0, 1, 2, 3, 14, 40, 150, 700] {
                let mut points = numbers.points(count);
                if count > 2 {
                    points[1] = Point::IDENTITY;
                }
                let scalars = numbers.awkward(count);
                assert_eq!(linear_combination::<E>(&points, &scalars).unwrap(), combination(&points, &scalars));
            }
        });
    }

    #[test]
    fn equal_points_and_sums_that_vanish() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(20);
            let (point, scalar) = (numbers.point(), numbers.scalar());
            let twice = [point, point.negate()];
            assert_eq!(linear_combination::<E>(&twice, &[scalar; 2]).unwrap(), Point::IDENTITY);
            let points = [vec![point; 60], vec![point.negate(); 60]].concat();
            for scalars in [vec![scalar; 120], numbers.scalars(120), numbers.awkward(120)] {
                assert_eq!(linear_combination::<E>(&points, &scalars).unwrap(), combination(&points, &scalars));
            }
            // Points in arithmetic progression, whose sums meet.
            let mut points = vec![point];
            for i in 0..80 {
                points.push(points[i].add(&point));
            }
            let scalars = numbers.scalars(81);
            assert_eq!(linear_combination::<E>(&points, &scalars).unwrap(), combination(&points, &scalars));
            assert!(linear_combination::<E>(&points, &scalars[1..]).is_err());
        });
    }
}
