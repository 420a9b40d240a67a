//! Points of G1, kept affine: their encoding and the group law.

use blst::{
    BLST_ERROR, blst_fp, blst_fp_cneg, blst_p1, blst_p1_add_or_double_affine, blst_p1_affine,
    blst_p1_affine_compress, blst_p1_affine_generator, blst_p1_affine_in_g1, blst_p1_affine_is_inf,
    blst_p1_from_affine, blst_p1_to_affine, blst_p1_uncompress,
};

use crate::error::{Error, Result};

/// Bytes of a compressed point.
pub const ENCODED: usize = 48;

/// Bit of the first byte that marks the compressed form.
const COMPRESSED: u8 = 0x80;
/// Bit of the first byte that marks the identity.
const INFINITY: u8 = 0x40;

/// A point of G1 in affine coordinates; the identity is (0, 0), which is not on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Point(pub(crate) blst_p1_affine);

impl Point {
    /// The identity.
    pub const IDENTITY: Self =
        Self(blst_p1_affine { x: blst_fp { l: [0; 6] }, y: blst_fp { l: [0; 6] } });

    /// [1]₁.
    pub fn generator() -> Self {
        // SAFETY: the pointer is to a constant of the library.
        Self(unsafe { *blst_p1_affine_generator() })
    }

    /// A point from 48 compressed bytes: canonical, on the curve, in the subgroup, not the identity.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let point = Self::decode_trusted(bytes)?;
        // SAFETY: the pointer is to a point on the curve that lives through the call.
        if unsafe { blst_p1_affine_in_g1(&point.0) } {
            Ok(point)
        } else {
            Err(Error::decode("a point outside the subgroup"))
        }
    }

    /// As [`Point::decode`], but for encodings already known to be in the subgroup: that is not checked.
    pub fn decode_trusted(bytes: &[u8]) -> Result<Self> {
        let bytes: &[u8; ENCODED] = bytes
            .try_into()
            .map_err(|_| Error::decode(format_args!("{} bytes", bytes.len())))?;
        if bytes[0] & COMPRESSED == 0 {
            return Err(Error::decode("a first byte without the compression flag"));
        }
        if bytes[0] & INFINITY != 0 {
            return Err(Error::decode("the infinity flag"));
        }
        let mut point = Self::IDENTITY;
        // SAFETY: `bytes` has the 48 bytes that are read, `point` is written before it is used.
        match unsafe { blst_p1_uncompress(&mut point.0, bytes.as_ptr()) } {
            BLST_ERROR::BLST_SUCCESS => Ok(point),
            BLST_ERROR::BLST_BAD_ENCODING => Err(Error::decode("a coordinate that is no field element")),
            _ => Err(Error::decode("no point on the curve")),
        }
    }

    /// 48 bytes, compressed.
    pub fn encode(&self) -> [u8; ENCODED] {
        let mut out = [0; ENCODED];
        // SAFETY: `out` has the 48 bytes that are written.
        unsafe { blst_p1_affine_compress(out.as_mut_ptr(), &self.0) };
        out
    }

    /// Whether this is the identity.
    pub fn is_identity(&self) -> bool {
        // SAFETY: the pointer is to a point that lives through the call.
        unsafe { blst_p1_affine_is_inf(&self.0) }
    }

    /// self + other.
    pub fn add(&self, other: &Self) -> Self {
        let mut sum = Jacobian::from(self);
        sum.add_affine(other);
        sum.to_affine()
    }

    /// −self.
    pub fn negate(&self) -> Self {
        let mut out = *self;
        // SAFETY: both pointers are to field elements that live through the call; they may be the same.
        unsafe { blst_fp_cneg(&mut out.0.y, &self.0.y, true) };
        out
    }
}

/// A point in Jacobian coordinates, for sums.
#[derive(Clone, Copy)]
pub struct Jacobian(pub(crate) blst_p1);

impl Default for Jacobian {
    /// The identity.
    fn default() -> Self {
        Self(blst_p1::default())
    }
}

impl From<&Point> for Jacobian {
    fn from(point: &Point) -> Self {
        let mut out = Self::default();
        // SAFETY: both pointers are to points that live through the call.
        unsafe { blst_p1_from_affine(&mut out.0, &point.0) };
        out
    }
}

impl Jacobian {
    /// self += point.
    pub fn add_affine(&mut self, point: &Point) {
        let this = self.0;
        // SAFETY: the pointers are to points that live through the call.
        unsafe { blst_p1_add_or_double_affine(&mut self.0, &this, &point.0) };
    }

    /// The same point, affine.
    pub fn to_affine(&self) -> Point {
        let mut out = Point::IDENTITY;
        // SAFETY: both pointers are to points that live through the call.
        unsafe { blst_p1_to_affine(&mut out.0, &self.0) };
        out
    }
}

/// The points of a concatenation of encodings, each checked as by [`Point::decode`].
pub fn decode_all(bytes: &[u8]) -> Result<Vec<Point>> {
    if !bytes.len().is_multiple_of(ENCODED) {
        return Err(Error::decode(format_args!("{} bytes, no multiple of {ENCODED}", bytes.len())));
    }
    bytes
        .chunks_exact(ENCODED)
        .enumerate()
        .map(|(i, one)| Point::decode(one).map_err(|error| Error::decode(format_args!("{error} at point {i}"))))
        .collect()
}
