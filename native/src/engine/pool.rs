//! Sums that are added to further ones.

use super::Engine;
use super::term::{Pairs, Term, add_pairs};
use crate::points::{Jacobian, Point};

/// Intermediate sums, and the room to compute them in. Kept between calls: fresh pages cost more than sums.
pub struct Pool<E: Engine> {
    points: Vec<E::Point>,
    used: usize,
    scratch: E::Scratch,
}

impl<E: Engine> Default for Pool<E> {
    fn default() -> Self {
        Self { points: Vec::new(), used: 0, scratch: E::Scratch::default() }
    }
}

impl<E: Engine> Pool<E> {
    /// More than this stays allocated in no thread.
    const KEPT: usize = 1 << 16;

    /// Forgets all sums.
    pub fn clear(&mut self) {
        self.used = 0;
        if self.points.len() > Self::KEPT {
            *self = Self::default();
        }
    }

    /// pairs[i].0 + pairs[i].1, for all i; `None` in the place of the identity.
    ///
    /// None of the terms may be the identity.
    pub fn add(&mut self, table: &[E::Point], pairs: &[[Term; 2]]) -> Sums {
        let start = self.used;
        self.used += pairs.len();
        if self.points.len() < self.used {
            self.points.resize(self.used, E::IDENTITY);
        }
        let (read, write) = self.points.split_at_mut(start);
        let pairs = Pairs { table, pool: read, pairs };
        let identities = add_pairs::<E>(pairs, &mut write[..pairs.pairs.len()], &mut self.scratch);
        Sums { start, identities }
    }

    /// Where the sums of the next addition will be.
    pub fn mark(&self) -> Sums {
        Sums { start: self.used, identities: false }
    }

    /// Forgets all sums since the mark but those in `terms`, and says in `terms` where these are now.
    pub fn keep(&mut self, mark: Sums, terms: &mut [Option<Term>]) {
        let pooled = || terms.iter().flatten().filter(|term| term.is_pooled() && term.place() >= mark.start);
        let kept: Vec<E::Point> = pooled().map(|term| self.points[term.place()]).collect();
        self.used = mark.start + kept.len();
        self.points[mark.start..self.used].copy_from_slice(&kept);
        let later = terms.iter_mut().flatten().filter(|term| term.is_pooled() && term.place() >= mark.start);
        for (i, term) in later.enumerate() {
            *term = mark.term(i).negated_if(term.is_negative());
        }
    }

    /// 2^times·term, for all terms, none of which may be the identity.
    pub fn double(&mut self, table: &[E::Point], terms: &[Term], times: u32) -> Sums {
        let start = self.used;
        self.used += terms.len();
        self.points.truncate(start);
        for term in terms {
            let point = *term.of(table, &self.points);
            self.points.push(if term.is_negative() { E::negate(&point) } else { point });
        }
        for _ in 0..times {
            E::double_all(&mut self.points[start..], &mut self.scratch);
        }
        Sums { start, identities: false }
    }

    /// The sum of terms, none of which is the identity; meant for up to [`Engine::FEW`] of them.
    pub fn sum(&self, table: &[E::Point], terms: &[Term]) -> Point {
        let sum = E::sum(table, &self.points, terms).unwrap_or_else(|| {
            let mut sum = Jacobian::default();
            for point in self.points(table, terms) {
                sum.add_affine(&point);
            }
            sum
        });
        sum.to_affine()
    }

    /// Σ 2^i·terms[i]; None stands for the identity, which none of the terms is.
    pub fn horner(&self, table: &[E::Point], terms: &[Option<Term>]) -> Point {
        let sum = E::horner(table, &self.points, terms).unwrap_or_else(|| {
            let present: Vec<Term> = terms.iter().copied().flatten().collect();
            let mut points = self.points(table, &present).into_iter().rev();
            let mut sum = Jacobian::default();
            for term in terms.iter().rev() {
                sum.double();
                if term.is_some()
                    && let Some(point) = points.next()
                {
                    sum.add_affine(&point);
                }
            }
            sum
        });
        sum.to_affine()
    }

    /// The points the terms stand for.
    pub fn points(&self, table: &[E::Point], terms: &[Term]) -> Vec<Point> {
        let points: Vec<_> = terms.iter().map(|term| *term.of(table, &self.points)).collect();
        let mut points = E::export(&points);
        for (point, term) in points.iter_mut().zip(terms) {
            if term.is_negative() {
                *point = point.negate();
            }
        }
        points
    }

    /// Whether the term is the identity, as a sum may be.
    pub fn is_identity(&self, term: Term) -> bool {
        term.is_pooled() && E::is_identity(&self.points[term.place()])
    }
}

/// Where the sums of one [`Pool::add`] are.
pub struct Sums {
    start: usize,
    /// Whether some of the sums are the identity (rare: terms that cancel).
    pub identities: bool,
}

impl Sums {
    /// Sum number i.
    pub fn term(&self, i: usize) -> Term {
        Term::pooled(self.start + i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fr;
    use crate::msm::endomorphism::Z;
    use crate::testing::{Numbers, for_each_engine, multiple};

    fn sums<E: Engine>(points: &[Point], pairs: &[[Term; 2]]) -> (Vec<Point>, bool) {
        let table = E::import(points);
        E::with_pool(|pool| {
            let sums = pool.add(&table, pairs);
            let terms: Vec<Term> = (0..pairs.len()).map(|i| sums.term(i)).collect();
            (pool.points(&table, &terms), sums.identities)
        })
    }

    fn expected(points: &[Point], pair: [Term; 2]) -> Point {
        let [a, b] = pair.map(|term| {
            let point = points[term.place()];
            if term.is_negative() { point.negate() } else { point }
        });
        a.add(&b)
    }

    #[test]
    fn additions_of_all_kinds() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(10);
            let mut points = numbers.points(20);
            // Equal and opposite points under other numbers.
            points.push(points[3]);
            points.push(points[4].negate());
            for count in [1, 7, 8, 9, 400] {
                for equal in [false, true] {
                    let range = if equal { 22 } else { 20 };
                    let mut pairs = Vec::new();
                    while pairs.len() < count {
                        let (a, b) = (numbers.word() as usize % range, numbers.word() as usize % range);
                        if equal || a != b {
                            let sign = numbers.word();
                            pairs.push([Term::table(a, sign & 1 == 1), Term::table(b, sign & 2 == 2)]);
                        }
                    }
                    let (results, identities) = sums::<E>(&points, &pairs);
                    let wanted: Vec<Point> = pairs.iter().map(|&pair| expected(&points, pair)).collect();
                    assert_eq!(results, wanted);
                    assert_eq!(identities, wanted.contains(&Point::IDENTITY));
                }
            }
            assert_eq!(sums::<E>(&points, &[]).0, []);
        });
    }

    #[test]
    fn sums_of_few_terms() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(24);
            let points = numbers.points(70);
            let table = E::import(&points);
            for count in [0, 1, 7, 8, 9, 15, 16, 17, 70] {
                let mut terms: Vec<Term> = (0..count).map(|i| Term::table(i, numbers.word() & 1 == 1)).collect();
                for _ in 0..3 {
                    let wanted = terms.iter().fold(Point::IDENTITY, |sum, &term| {
                        let point = points[term.place()];
                        sum.add(&if term.is_negative() { point.negate() } else { point })
                    });
                    assert_eq!(E::with_pool(|pool| pool.sum(&table, &terms)), wanted);
                    // Then with equal terms, in one lane and in two, and with all of them cancelled.
                    if count > 8 {
                        terms[8] = terms[0];
                        terms.push(terms[1]);
                        terms.extend(terms.clone().into_iter().map(|term| term.negated_if(true)));
                    }
                }
            }
        });
    }

    #[test]
    fn sums_by_powers_of_two() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(25);
            let points = numbers.points(40);
            let table = E::import(&points);
            for count in [0, 1, 8, 15, 16, 17, 130] {
                for missing in [0, 1, 2, 7] {
                    let mut terms: Vec<Option<Term>> = (0..count)
                        .map(|i| {
                            let term = Term::table(numbers.word() as usize % 40, numbers.word() & 1 == 1);
                            (missing == 0 || i % (missing + 1) == 0).then_some(term)
                        })
                        .collect();
                    for equal in [false, true] {
                        if equal {
                            // P + 2·(−P) + 4·P, and 2·P beside −P: the lanes meet what they cannot add.
                            let places = [false, true, true, false].map(|sign| Some(Term::table(3, sign)));
                            terms.iter_mut().zip(places.into_iter().cycle()).for_each(|(term, place)| *term = place);
                        }
                        let wanted = terms.iter().rev().fold(Point::IDENTITY, |sum, term| {
                            let sum = sum.add(&sum);
                            term.map_or(sum, |term| {
                                let point = points[term.place()];
                                sum.add(&if term.is_negative() { point.negate() } else { point })
                            })
                        });
                        assert_eq!(E::with_pool(|pool| pool.horner(&table, &terms)), wanted);
                    }
                }
            }
        });
    }

    #[test]
    fn doublings_and_signs() {
        for_each_engine!(E => {
            let mut numbers = Numbers::new(11);
            let points = numbers.points(19);
            let table = E::import(&points);
            assert_eq!(E::export(&table), points);
            let terms: Vec<Term> = (0..19).map(|i| Term::table(i, i % 2 == 1)).collect();
            let results = E::with_pool(|pool| {
                let sums = pool.double(&table, &terms, 5);
                let terms: Vec<Term> = (0..19).map(|i| sums.term(i)).collect();
                pool.points(&table, &terms)
            });
            for (i, (point, result)) in points.iter().zip(results).enumerate() {
                let factor = Fr::from_i64(if i % 2 == 1 { -32 } else { 32 });
                assert_eq!(result, multiple(point, factor));
            }
            assert!(E::is_identity(&E::import(&[Point::IDENTITY])[0]));
        });
    }

    #[test]
    fn the_endomorphism_multiplies_by_minus_z_squared() {
        for_each_engine!(E => {
            let points = Numbers::new(12).points(9);
            let z = Fr::from_limbs([Z, 0, 0, 0]);
            let images = E::export(&E::endomorphism(&E::import(&points)));
            for (point, image) in points.iter().zip(images) {
                assert_eq!(image, multiple(point, -z.square()));
            }
        });
    }

    #[test]
    fn only_what_is_kept_stays() {
        for_each_engine!(E => {
            let points = Numbers::new(13).points(6);
            let table = E::import(&points);
            let pair = |i: usize| [Term::table(i, false), Term::table(i + 1, false)];
            E::with_pool(|pool| {
                let first = pool.add(&table, &[pair(0)]).term(0);
                let mark = pool.mark();
                let sums = pool.add(&table, &[pair(1), pair(2), pair(3)]);
                let mut kept = [Some(sums.term(2)), None, Some(Term::table(5, true)), Some(sums.term(0))];
                pool.keep(mark, &mut kept);
                let terms: Vec<Term> = [Some(first)].into_iter().chain(kept).flatten().collect();
                let wanted =
                    [expected(&points, pair(0)), expected(&points, pair(3)), points[5].negate(), expected(&points, pair(1))];
                assert_eq!(pool.points(&table, &terms), wanted);
            });
        });
    }
}
