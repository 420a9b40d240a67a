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

/// A G2 point as the line functions of its Miller loop.
pub struct Lines(Box<[blst_fp6; LINES]>);

impl Lines {
    /// From 96 compressed bytes that are known to be in the subgroup; still an error if they are no point.
    pub fn decode_trusted(bytes: &[u8; ENCODED_G2]) -> Result<Self> {
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
        Ok(Self(lines))
    }

    fn miller_loop(&self, point: &Point) -> blst_fp12 {
        if point.is_identity() {
            // SAFETY: the pointer is to a constant of the library.
            return unsafe { *blst_fp12_one() };
        }
        let mut out = blst_fp12::default();
        // SAFETY: there are 68 lines, and the point lives through the call.
        unsafe { blst_miller_loop_lines(&mut out, self.0.as_ptr(), &point.0) };
        out
    }
}

/// Whether e(left, P) = e(right, Q).
pub fn check(left: &Point, p: &Lines, right: &Point, q: &Lines) -> bool {
    let (left, right) = (p.miller_loop(left), q.miller_loop(right));
    // SAFETY: both pointers are to values that live through the call.
    unsafe { blst_fp12_finalverify(&left, &right) }
}
