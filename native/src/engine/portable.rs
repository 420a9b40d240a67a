//! The portable engine: one addition after the other on the library's field, sharing inversions.

use blst::{
    blst_fp, blst_fp_add, blst_fp_cneg, blst_fp_eucl_inverse, blst_fp_mul, blst_fp_mul_by_3, blst_fp_sqr,
    blst_fp_sub,
};

use super::{Engine, Pairs, with_pool_by_thread};
use crate::msm::endomorphism::BETA;
use crate::points::Point;

/// 1 in Montgomery form.
const ONE: blst_fp = blst_fp {
    l: [
        0x7609_0000_0002_fffd,
        0xebf4_000b_c40c_0002,
        0x5f48_9857_53c7_58ba,
        0x77ce_5853_7052_5745,
        0x5c07_1a97_a256_ec6d,
        0x15f6_5ec3_fa80_e493,
    ],
};

/// Field operations of the library, as functions of values.
macro_rules! operation {
    ($name:ident, $call:ident, $($argument:ident),+) => {
        #[inline]
        fn $name($($argument: &blst_fp),+) -> blst_fp {
            let mut out = blst_fp::default();
            // SAFETY: the pointers are to field elements that live through the call.
            unsafe { $call(&mut out, $($argument),+) };
            out
        }
    };
}
operation!(add, blst_fp_add, a, b);
operation!(sub, blst_fp_sub, a, b);
operation!(mul, blst_fp_mul, a, b);
operation!(sqr, blst_fp_sqr, a);
operation!(triple, blst_fp_mul_by_3, a);
operation!(invert, blst_fp_eucl_inverse, a);

/// The sign of a term, applied to its y.
#[inline]
fn signed(y: &blst_fp, negative: bool) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: both pointers are to field elements that live through the call.
    unsafe { blst_fp_cneg(&mut out, y, negative) };
    out
}

/// The engine for every machine.
pub struct Portable;

/// For each addition of a batch: its denominator, and the product of those before it.
#[derive(Default)]
pub struct Scratch(Vec<[blst_fp; 2]>);

impl Scratch {
    /// Takes in the denominators, then calls `finish` with the inverse of each, last one first. False, with
    /// nothing done, if one of them is 0.
    fn invert_all(
        &mut self,
        count: usize,
        mut denominator: impl FnMut(usize) -> blst_fp,
        mut finish: impl FnMut(usize, &blst_fp),
    ) -> bool {
        self.0.clear();
        let mut product = ONE;
        for i in 0..count {
            let d = denominator(i);
            self.0.push([d, product]);
            product = mul(&product, &d);
        }
        if product.l == [0; 6] {
            return false;
        }
        let mut rest = invert(&product);
        for (i, [d, before]) in self.0.iter().enumerate().rev() {
            finish(i, &mul(&rest, before));
            rest = mul(&rest, d);
        }
        true
    }
}

/// The third point on the line of slope λ through a point (x, y) and one with x-coordinate `other`, reflected.
#[inline]
fn chord(lambda: &blst_fp, x: &blst_fp, y: &blst_fp, other: &blst_fp) -> Point {
    let x3 = sub(&sub(&sqr(lambda), x), other);
    let y3 = sub(&mul(lambda, &sub(x, &x3)), y);
    let mut out = Point::IDENTITY;
    (out.0.x, out.0.y) = (x3, y3);
    out
}

impl Engine for Portable {
    type Point = Point;
    type Scratch = Scratch;

    const NAME: &'static str = "portable";
    const IDENTITY: Point = Point::IDENTITY;

    fn import(points: &[Point]) -> Vec<Point> {
        points.to_vec()
    }

    fn export(points: &[Point]) -> Vec<Point> {
        points.to_vec()
    }

    fn is_identity(point: &Point) -> bool {
        point.is_identity()
    }

    const BATCH: usize = 1024;
    const FEW: usize = 16;

    fn negate(point: &Point) -> Point {
        point.negate()
    }

    fn same_y(a: &Point, b: &Point) -> bool {
        a.0.y.l == b.0.y.l
    }

    fn add_batch(
        pairs: Pairs<'_, Self>,
        sums: &mut [Point],
        scratch: &mut Scratch,
        mut equal: Option<&mut Vec<usize>>,
    ) -> bool {
        scratch.invert_all(
            sums.len(),
            |i| {
                let shift = sub(&pairs.point(i, 1).0.x, &pairs.point(i, 0).0.x);
                match &mut equal {
                    Some(equal) if shift.l == [0; 6] => {
                        equal.push(i);
                        ONE
                    }
                    _ => shift,
                }
            },
            |i, inverse| {
                let (a, b) = (&pairs.point(i, 0).0, &pairs.point(i, 1).0);
                let y = signed(&a.y, pairs.is_negative(i, 0));
                let lambda = mul(&sub(&signed(&b.y, pairs.is_negative(i, 1)), &y), inverse);
                sums[i] = chord(&lambda, &a.x, &y, &b.x);
            },
        )
    }

    fn double_all(points: &mut [Point], scratch: &mut Scratch) {
        for batch in points.chunks_mut(Self::BATCH) {
            let before = batch.to_vec();
            scratch.invert_all(
                batch.len(),
                |i| add(&before[i].0.y, &before[i].0.y),
                |i, inverse| {
                    let (x, y) = (&before[i].0.x, &before[i].0.y);
                    let lambda = mul(&triple(&sqr(x)), inverse);
                    batch[i] = chord(&lambda, x, y, x);
                },
            );
        }
    }

    fn endomorphism(points: &[Point]) -> Vec<Point> {
        let image = |point: &Point| {
            let mut out = *point;
            out.0.x = mul(&point.0.x, &BETA);
            out
        };
        points.iter().map(image).collect()
    }

    with_pool_by_thread!(Portable);
}
