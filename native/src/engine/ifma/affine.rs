//! Affine points, eight additions at a time.

use std::arch::x86_64::*;

use blst::blst_p1;

use super::fp::{
    Fp8, add_raw, carry, from_blst, inverse, is_zero, load, mul, negate_raw, plus_multiple, reduce, splat,
    sqr, store, sub_raw, to_blst, transpose,
};
use super::jacobian::Jacobian8;
use super::limbs::{self, Limbs, MASK, canonical, multiple};
use crate::engine::{Engine, Pairs, Term, with_pool_by_thread};
use crate::msm::endomorphism::BETA;
use crate::points::{Jacobian, Point};

/// Lanes of a vector.
const LANES: usize = 8;

/// The engine for processors with AVX-512 IFMA. Its operations may be called only where [`super::available`].
pub struct Ifma;

/// An affine point in the form of [`super::fp`], below 1.0003·p; the identity is all zeros.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Point52 {
    x: Limbs,
    y: Limbs,
}

/// What is kept of a batch between the way to the shared inversion and the way back.
#[derive(Default)]
pub struct Scratch {
    additions: Vec<Addition>,
    /// For each eight doublings: their denominators, and the product of those before.
    doublings: Vec<[Fp8; 2]>,
}

/// Eight additions.
struct Addition {
    /// The first points; y has its sign, and no carries.
    x: Fp8,
    y: Fp8,
    /// How far it is to the second points: the denominators and numerators of the slopes.
    shift: Fp8,
    rise: Fp8,
    /// The product of the denominators before.
    before: Fp8,
}

/// x or y of up to eight points; the lanes that are left over repeat the last.
#[inline]
#[target_feature(enable = "avx512f")]
fn gather<'a>(count: usize, coordinate: impl Fn(usize) -> &'a Limbs) -> Fp8 {
    let mut rows = [_mm512_setzero_si512(); LANES];
    for i in 0..LANES {
        rows[i] = load(coordinate(i.min(count - 1)));
    }
    transpose(&rows)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn scatter(points: &mut [Point52], x: &Fp8, y: &Fp8) {
    let (x, y) = (transpose(x), transpose(y));
    for i in 0..LANES {
        if let Some(point) = points.get_mut(i) {
            store(&mut point.x, x[i]);
            store(&mut point.y, y[i]);
        }
    }
}

/// Tables of more points than this do not stay in the nearer caches.
const NEAR: usize = 1 << 16;

/// How many additions ahead points of such a table are asked for.
const AHEAD: usize = 4 * LANES;

#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(point: &Point52) {
    _mm_prefetch::<_MM_HINT_T0>(point.x.as_ptr().cast());
    _mm_prefetch::<_MM_HINT_T0>(point.y.as_ptr().cast());
}

/// a − b for reduced a and b, ready to be a factor.
#[inline]
#[target_feature(enable = "avx512f")]
fn difference(a: &Fp8, b: &Fp8) -> Fp8 {
    carry(&plus_multiple::<2>(&sub_raw(a, b)))
}

/// The third point on the line of slope λ through (x, y), reflected; `shift` is the x-coordinate of the line's
/// second point less x (plus 2·p), y may be negated and without carries.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn chord(lambda: &Fp8, x: &Fp8, y: &Fp8, shift: &Fp8) -> (Fp8, Fp8) {
    let x3 = sub_raw(&sub_raw(&sqr(lambda), &add_raw(x, x)), shift);
    let x3 = reduce(&plus_multiple::<5>(&x3));
    let y3 = sub_raw(&mul(lambda, &difference(x, &x3)), y);
    (x3, reduce(&plus_multiple::<2>(&y3)))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn add_batch<const CAREFUL: bool>(
    pairs: Pairs<'_, Ifma>,
    sums: &mut [Point52],
    scratch: &mut Scratch,
    equal: &mut Vec<usize>,
) -> bool {
    let one = splat(&limbs::ONE);
    scratch.additions.clear();
    let far = pairs.table_len() > NEAR;
    let mut product = one;
    for start in (0..sums.len()).step_by(LANES) {
        let count = LANES.min(sums.len() - start);
        if far && start + AHEAD + LANES <= sums.len() {
            for pair in start + AHEAD..start + AHEAD + LANES {
                prefetch(pairs.point(pair, 0));
                prefetch(pairs.point(pair, 1));
            }
        }
        // Each point is read once, and what the way back needs of it is kept.
        let side = |side: usize| {
            let zero = _mm512_setzero_si512();
            let (mut x, mut y, mut negative) = ([zero; LANES], [zero; LANES], 0);
            for i in 0..LANES {
                let pair = start + i.min(count - 1);
                let point = pairs.point(pair, side);
                (x[i], y[i]) = (load(&point.x), load(&point.y));
                negative |= u8::from(pairs.is_negative(pair, side)) << i;
            }
            (transpose(&x), negate_raw(&transpose(&y), negative))
        };
        let ((x, y), (other_x, other_y)) = (side(0), side(1));
        let mut shift = difference(&other_x, &x);
        if CAREFUL {
            let zeros = is_zero(&shift);
            equal.extend((0..count).filter(|i| zeros >> i & 1 == 1).map(|i| start + i));
            for (limb, one) in shift.iter_mut().zip(one) {
                *limb = _mm512_mask_mov_epi64(*limb, zeros, one);
            }
        }
        let rise = carry(&plus_multiple::<3>(&sub_raw(&other_y, &y)));
        scratch.additions.push(Addition { x, y, shift, rise, before: product });
        product = mul(&product, &shift);
    }
    let Some(mut rest) = inverse(&product) else {
        return false;
    };
    for (sums, addition) in sums.chunks_mut(LANES).zip(&scratch.additions).rev() {
        let Addition { x, y, shift, rise, before } = addition;
        let lambda = mul(rise, &mul(&rest, before));
        rest = mul(&rest, shift);
        let (x3, y3) = chord(&lambda, x, y, shift);
        scatter(sums, &x3, &y3);
    }
    true
}

/// Up to eight points with their signs, ready to be added; the lanes that are left over repeat the last.
#[inline]
#[target_feature(enable = "avx512f")]
fn gather_terms(table: &[Point52], pool: &[Point52], terms: &[Term]) -> (Fp8, Fp8) {
    let zero = _mm512_setzero_si512();
    let (mut x, mut y, mut negative) = ([zero; LANES], [zero; LANES], 0);
    for i in 0..LANES {
        let term = terms[i.min(terms.len() - 1)];
        let point = term.of(table, pool);
        (x[i], y[i]) = (load(&point.x), load(&point.y));
        negative |= u8::from(term.is_negative()) << i;
    }
    let y = negate_raw(&transpose(&y), negative);
    (transpose(&x), carry(&plus_multiple::<2>(&y)))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn export_jacobian(points: &Jacobian8) -> [Jacobian; LANES] {
    let (x, y, z) = (to_blst(&points.x), to_blst(&points.y), to_blst(&points.z));
    let mut out = [Jacobian::default(); LANES];
    for i in 0..LANES {
        out[i] = Jacobian(blst_p1 { x: x[i], y: y[i], z: z[i] });
    }
    out
}

/// The sum of at least eight terms, dealt out to the lanes; None if the incomplete additions met a case that is
/// not theirs.
#[target_feature(enable = "avx512f,avx512ifma")]
fn sum_lanes(table: &[Point52], pool: &[Point52], terms: &[Term]) -> Option<Jacobian> {
    let mut sum: Option<Jacobian8> = None;
    for group in terms.chunks(LANES) {
        let (x, y) = gather_terms(table, pool, group);
        sum = Some(match sum {
            None => Jacobian8 { x, y, z: splat(&limbs::ONE) },
            Some(sum) => sum.add_affine(&x, &y).select(0xff >> (LANES - group.len()), &sum),
        });
    }
    let sum = sum?.sum();
    let complete = terms.len() >= LANES && is_zero(&sum.z) == 0;
    complete.then(|| export_jacobian(&sum)[0])
}

/// Σ 2^i·terms[i], by Horner's scheme for an eighth of the terms in each lane; None if the incomplete additions
/// met a case that is not theirs.
#[target_feature(enable = "avx512f,avx512ifma")]
fn horner_lanes(table: &[Point52], pool: &[Point52], terms: &[Option<Term>]) -> Option<Jacobian> {
    let one = splat(&limbs::ONE);
    let each = terms.len().div_ceil(LANES);
    let mut sum = Jacobian8 { x: one, y: one, z: one };
    // The lanes that have met a term: the others still hold the identity, whatever their coordinates say.
    let mut live = 0;
    for i in (0..each).rev() {
        sum = sum.double();
        let term = |lane: usize| terms.get(lane * each + i).copied().flatten();
        // Lanes without a term get another lane's, to have something to add.
        let Some(any) = (0..LANES).find_map(term) else {
            continue;
        };
        let (mut group, mut present) = ([any; LANES], 0);
        for lane in 0..LANES {
            if let Some(term) = term(lane) {
                group[lane] = term;
                present |= 1 << lane;
            }
        }
        let (x, y) = gather_terms(table, pool, &group);
        sum = sum.add_affine(&x, &y).select(present & live, &sum);
        sum = Jacobian8 { x, y, z: one }.select(present & !live, &sum);
        live |= present;
    }
    if is_zero(&sum.z) & live != 0 {
        return None;
    }
    let mut total = Jacobian::default();
    for (lane, part) in export_jacobian(&sum).iter().enumerate().rev() {
        for _ in 0..each {
            total.double();
        }
        if live >> lane & 1 == 1 {
            total.add(part);
        }
    }
    Some(total)
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn double_batch(points: &mut [Point52], scratch: &mut Scratch) {
    scratch.doublings.clear();
    let mut product = splat(&limbs::ONE);
    for group in points.chunks(LANES) {
        let y = gather(group.len(), |i| &group[i].y);
        let twice = carry(&add_raw(&y, &y));
        scratch.doublings.push([twice, product]);
        product = mul(&product, &twice);
    }
    let Some(mut rest) = inverse(&product) else {
        // Only a point of order 2 has y = 0, and the curve has none.
        return;
    };
    let zero = plus_multiple::<2>(&[_mm512_setzero_si512(); 8]);
    for (group, [twice, before]) in points.chunks_mut(LANES).zip(&scratch.doublings).rev() {
        let x = gather(group.len(), |i| &group[i].x);
        let y = gather(group.len(), |i| &group[i].y);
        let square = sqr(&x);
        let lambda = mul(&carry(&add_raw(&square, &add_raw(&square, &square))), &mul(&rest, before));
        rest = mul(&rest, twice);
        let (x3, y3) = chord(&lambda, &x, &y, &zero);
        scatter(group, &x3, &y3);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn import(points: &[Point]) -> Vec<Point52> {
    let mut out = vec![Ifma::IDENTITY; points.len()];
    for (group, out) in points.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let lane = |i: usize| &group[i % group.len()].0;
        let x = from_blst(&std::array::from_fn(|i| lane(i).x));
        let y = from_blst(&std::array::from_fn(|i| lane(i).y));
        scatter(out, &x, &y);
    }
    out
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn export(points: &[Point52]) -> Vec<Point> {
    let mut out = vec![Point::IDENTITY; points.len()];
    for (group, out) in points.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let x = to_blst(&gather(group.len(), |i| &group[i].x));
        let y = to_blst(&gather(group.len(), |i| &group[i].y));
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            (out.0.x, out.0.y) = (x, y);
        }
    }
    out
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn endomorphism(points: &[Point52]) -> Vec<Point52> {
    let beta = from_blst(&[BETA; LANES]);
    let mut out = points.to_vec();
    for group in out.chunks_mut(LANES) {
        let x = mul(&gather(group.len(), |i| &group[i].x), &beta);
        let y = gather(group.len(), |i| &group[i].y);
        scatter(group, &x, &y);
    }
    out
}

impl Engine for Ifma {
    type Point = Point52;
    type Scratch = Scratch;

    const NAME: &'static str = "avx512-ifma";
    const IDENTITY: Point52 = Point52 { x: [0; 8], y: [0; 8] };

    fn import(points: &[Point]) -> Vec<Point52> {
        // SAFETY: this engine is used only where the processor has the features.
        unsafe { import(points) }
    }

    fn export(points: &[Point52]) -> Vec<Point> {
        // SAFETY: this engine is used only where the processor has the features.
        unsafe { export(points) }
    }

    fn is_identity(point: &Point52) -> bool {
        point.y == [0; 8]
    }

    const BATCH: usize = 1024;
    const FEW: usize = 240;

    fn negate(point: &Point52) -> Point52 {
        let mut out = *point;
        let mut borrow = 0;
        for (slot, (twice, limb)) in out.y.iter_mut().zip(multiple(2).into_iter().zip(point.y)) {
            let value = twice.wrapping_sub(limb).wrapping_sub(borrow);
            *slot = value & MASK;
            borrow = value >> 63;
        }
        out.y = canonical(out.y);
        out
    }

    fn same_y(a: &Point52, b: &Point52) -> bool {
        canonical(a.y) == canonical(b.y)
    }

    fn add_batch(
        pairs: Pairs<'_, Self>,
        sums: &mut [Point52],
        scratch: &mut Scratch,
        equal: Option<&mut Vec<usize>>,
    ) -> bool {
        // SAFETY: this engine is used only where the processor has the features.
        unsafe {
            match equal {
                None => add_batch::<false>(pairs, sums, scratch, &mut Vec::new()),
                Some(equal) => add_batch::<true>(pairs, sums, scratch, equal),
            }
        }
    }

    fn sum(table: &[Point52], pool: &[Point52], terms: &[Term]) -> Option<Jacobian> {
        // SAFETY: this engine is used only where the processor has the features.
        unsafe { sum_lanes(table, pool, terms) }
    }

    fn horner(table: &[Point52], pool: &[Point52], terms: &[Option<Term>]) -> Option<Jacobian> {
        if terms.len() < 2 * LANES {
            return None;
        }
        // SAFETY: this engine is used only where the processor has the features.
        unsafe { horner_lanes(table, pool, terms) }
    }

    fn double_all(points: &mut [Point52], scratch: &mut Scratch) {
        for batch in points.chunks_mut(Self::BATCH) {
            // SAFETY: this engine is used only where the processor has the features.
            unsafe { double_batch(batch, scratch) };
        }
    }

    fn endomorphism(points: &[Point52]) -> Vec<Point52> {
        // SAFETY: this engine is used only where the processor has the features.
        unsafe { endomorphism(points) }
    }

    with_pool_by_thread!(Ifma);
}
