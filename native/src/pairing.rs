//! The one pairing equation of the protocol, with everything about its G2 points computed beforehand.

use blst::{
    BLST_ERROR, blst_fp6, blst_fp12, blst_fp12_finalverify, blst_fp12_one, blst_miller_loop_lines,
    blst_p2_affine, blst_p2_uncompress, blst_precompute_lines,
};

use crate::error::{Error, Result};
use crate::points::Point;

/// Bytes of a compressed G2 point.
pub const ENCODED_G2: usize = 96;

/// Line functions along one Miller loop.
const LINES: usize = 68;

/// The equation e(left, P) = e(right, Q) for fixed P and Q, with the lines of their Miller loops.
///
/// The test itself is the library's alone; what led to the two points is not.
pub struct Equation {
    p: Box<[blst_fp6; LINES]>,
    q: Box<[blst_fp6; LINES]>,
}

impl Equation {
    /// From the encodings of P and Q, 96 bytes each and known to be in the subgroup; still an error if they are
    /// no points.
    pub fn decode_trusted(p: &[u8; ENCODED_G2], q: &[u8; ENCODED_G2]) -> Result<Self> {
        Ok(Self { p: lines(p)?, q: lines(q)? })
    }

    /// Whether it holds.
    pub fn holds(&self, left: &Point, right: &Point) -> bool {
        let (left, right) = (miller_loop(left, &self.p), miller_loop(right, &self.q));
        // SAFETY: both pointers are to values that live through the call.
        unsafe { blst_fp12_finalverify(&left, &right) }
    }
}

fn lines(bytes: &[u8; ENCODED_G2]) -> Result<Box<[blst_fp6; LINES]>> {
    if bytes[0] & 0xc0 != 0x80 {
        return Err(Error::decode("flags of G2 bytes other than the compressed point's"));
    }
    let mut point = blst_p2_affine::default();
    // SAFETY: `bytes` has the 96 bytes that are read, `point` is written before it is used.
    if unsafe { blst_p2_uncompress(&mut point, bytes.as_ptr()) } != BLST_ERROR::BLST_SUCCESS {
        return Err(Error::decode("G2 bytes that are no point on the curve"));
    }
    let mut lines = Box::new([blst_fp6::default(); LINES]);
    // SAFETY: `lines` has the 68 elements that are written.
    unsafe { blst_precompute_lines(lines.as_mut_ptr(), &point) };
    Ok(lines)
}

fn miller_loop(point: &Point, lines: &[blst_fp6; LINES]) -> blst_fp12 {
    if point.is_identity() {
        // SAFETY: the pointer is to a constant of the library.
        return unsafe { *blst_fp12_one() };
    }
    let mut out = blst_fp12::default();
    // SAFETY: there are 68 lines, and the point lives through the call.
    unsafe { blst_miller_loop_lines(&mut out, lines.as_ptr(), &point.0) };
    out
}

#[cfg(test)]
mod tests {
    use blst::{
        blst_p2, blst_p2_affine_compress, blst_p2_affine_generator, blst_p2_compress, blst_p2_from_affine,
        blst_p2_mult,
    };

    use super::*;
    use crate::field::Fr;
    use crate::testing::{Numbers, multiple};

    fn equation(tau: Fr) -> Equation {
        let (mut one, mut other) = ([0; ENCODED_G2], [0; ENCODED_G2]);
        let (mut base, mut product) = (blst_p2::default(), blst_p2::default());
        let limbs = tau.to_limbs();
        // SAFETY: all pointers are to values that live through the calls, with the sizes the library asks for.
        unsafe {
            blst_p2_affine_compress(one.as_mut_ptr(), blst_p2_affine_generator());
            blst_p2_from_affine(&mut base, blst_p2_affine_generator());
            blst_p2_mult(&mut product, &base, limbs.as_ptr().cast(), 255);
            blst_p2_compress(other.as_mut_ptr(), &product);
        }
        Equation::decode_trusted(&one, &other).unwrap()
    }

    #[test]
    fn it_holds_for_multiples_by_tau_alone() {
        let mut numbers = Numbers::new(22);
        for _ in 0..5 {
            let tau = numbers.scalar();
            let equation = equation(tau);
            for _ in 0..5 {
                let right = numbers.point();
                let left = multiple(&right, tau);
                assert!(equation.holds(&left, &right));
                assert!(!equation.holds(&right, &left));
                assert!(!equation.holds(&left.negate(), &right));
                assert!(!equation.holds(&left, &right.add(&Point::generator())));
                assert!(!equation.holds(&left, &Point::IDENTITY));
                assert!(!equation.holds(&Point::IDENTITY, &right));
            }
            assert!(equation.holds(&Point::IDENTITY, &Point::IDENTITY));
        }
    }

    #[test]
    fn bytes_that_are_no_points_are_an_error() {
        let mut infinity = [0; ENCODED_G2];
        infinity[0] = 0xc0;
        let mut off = [0; ENCODED_G2];
        (off[0], off[ENCODED_G2 - 1]) = (0x80, 1);
        for bytes in [[0; ENCODED_G2], infinity, off, [0xbf; ENCODED_G2]] {
            assert!(matches!(lines(&bytes), Err(Error::Decode(_))));
        }
    }
}
