//! Points of G1, kept affine: their encoding and the group law.

use std::fmt;

use blst::{
    BLST_ERROR, blst_fp, blst_fp_cneg, blst_p1, blst_p1_add_or_double, blst_p1_add_or_double_affine,
    blst_p1_affine, blst_p1_affine_compress, blst_p1_affine_generator, blst_p1_affine_in_g1,
    blst_p1_affine_is_inf, blst_p1_affine_on_curve, blst_p1_double, blst_p1_from_affine, blst_p1_to_affine,
    blst_p1_uncompress,
};

use crate::engine;
use crate::error::{Error, Result};

/// Bytes of a compressed point.
pub const ENCODED: usize = 48;

/// Bit of the first byte that marks the compressed form.
const COMPRESSED: u8 = 0x80;
/// Bit of the first byte that marks the identity.
const INFINITY: u8 = 0x40;
/// Bit of the first byte that marks the greater of the two roots.
const GREATER: u8 = 0x20;

/// p, as 64-bit limbs, least significant first.
pub const MODULUS: [u64; 6] = [
    0xb9fe_ffff_ffff_aaab,
    0x1eab_fffe_b153_ffff,
    0x6730_d2a0_f6b0_f624,
    0x6477_4b84_f385_12bf,
    0x4b1b_a7b6_434b_acd7,
    0x1a01_11ea_397f_e69a,
];

/// A point of G1 in affine coordinates; the identity is (0, 0), which is not on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Point(pub(crate) blst_p1_affine);

impl Point {
    /// The identity.
    pub const IDENTITY: Self = Self(blst_p1_affine { x: blst_fp { l: [0; 6] }, y: blst_fp { l: [0; 6] } });

    /// [1]₁.
    pub fn generator() -> Self {
        // SAFETY: the pointer is to a constant of the library.
        Self(unsafe { *blst_p1_affine_generator() })
    }

    /// A point from 48 compressed bytes: canonical, on the curve, in the subgroup, not the identity.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(Self::decode_one(bytes, false)?)
    }

    fn decode_one(bytes: &[u8], trusted: bool) -> std::result::Result<Self, Flaw> {
        // Flags and range are read here: the library takes an infinity flag with anything behind it.
        Decoded::read(bytes)?;
        let mut point = Self::IDENTITY;
        // SAFETY: `bytes` has the 48 bytes that are read, `point` is written before it is used.
        match unsafe { blst_p1_uncompress(&mut point.0, bytes.as_ptr()) } {
            BLST_ERROR::BLST_SUCCESS => {}
            // What the library says of (0, ±2), which have order 3.
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP => return Err(Flaw::OutsideSubgroup),
            _ => return Err(Flaw::OffCurve),
        }
        point.checked(trusted)
    }

    /// The point itself if it is on the curve and, unless `trusted`, in the subgroup: the library's answer.
    fn checked(self, trusted: bool) -> std::result::Result<Self, Flaw> {
        // SAFETY: the pointer is to a point that lives through the call.
        if !unsafe { blst_p1_affine_on_curve(&self.0) } {
            return Err(Flaw::OffCurve);
        }
        // (0, ±2) have order 3; reading them from bytes, the library refuses them unasked.
        let small = self.0.x.l == [0; 6];
        // SAFETY: the pointer is to a point on the curve that lives through the call.
        if small || !trusted && !unsafe { blst_p1_affine_in_g1(&self.0) } {
            return Err(Flaw::OutsideSubgroup);
        }
        Ok(self)
    }

    /// The point itself if it passes [`Point::checked`] and is the one that `bytes` encode, in the library's words.
    #[cfg(target_arch = "x86_64")]
    fn confirmed(self, bytes: &[u8], trusted: bool) -> std::result::Result<Self, Flaw> {
        let point = self.checked(trusted)?;
        if point.encode() == bytes { Ok(point) } else { Err(Flaw::OffCurve) }
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
    /// self = 2·self.
    pub fn double(&mut self) {
        let this = self.0;
        // SAFETY: both pointers are to points that live through the call.
        unsafe { blst_p1_double(&mut self.0, &this) };
    }

    /// self += point.
    pub fn add_affine(&mut self, point: &Point) {
        let this = self.0;
        // SAFETY: the pointers are to points that live through the call.
        unsafe { blst_p1_add_or_double_affine(&mut self.0, &this, &point.0) };
    }

    /// self += other.
    pub fn add(&mut self, other: &Self) {
        let this = self.0;
        // SAFETY: the pointers are to points that live through the call.
        unsafe { blst_p1_add_or_double(&mut self.0, &this, &other.0) };
    }

    /// The same point, affine.
    pub fn to_affine(&self) -> Point {
        let mut out = Point::IDENTITY;
        // SAFETY: both pointers are to points that live through the call.
        unsafe { blst_p1_to_affine(&mut out.0, &self.0) };
        out
    }
}

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// So many bytes.
    Length(usize),
    /// The first byte lacks the compression flag.
    Uncompressed,
    /// The first byte has the infinity flag.
    Infinity,
    /// The coordinate is not below p.
    NotCanonical,
    /// No point of the curve has this coordinate.
    OffCurve,
    /// The point is not in the subgroup of order r.
    OutsideSubgroup,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(count) => write!(f, "{count} bytes"),
            Self::Uncompressed => f.write_str("no compression flag"),
            Self::Infinity => f.write_str("the infinity flag"),
            Self::NotCanonical => f.write_str("a coordinate of p or more"),
            Self::OffCurve => f.write_str("no point on the curve"),
            Self::OutsideSubgroup => f.write_str("a point outside the subgroup"),
        }
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        Self::decode(flaw)
    }
}

/// What an encoding says before any arithmetic.
#[derive(Clone, Copy)]
pub struct Decoded {
    /// The x-coordinate as an integer below p, limbs least significant first.
    pub x: [u64; 6],
    /// Whether y is the greater of the two roots.
    pub greater: bool,
}

impl Decoded {
    /// Reads flags and coordinate.
    pub fn read(bytes: &[u8]) -> std::result::Result<Self, Flaw> {
        let bytes: &[u8; ENCODED] = bytes.try_into().map_err(|_| Flaw::Length(bytes.len()))?;
        if bytes[0] & COMPRESSED == 0 {
            return Err(Flaw::Uncompressed);
        }
        if bytes[0] & INFINITY != 0 {
            return Err(Flaw::Infinity);
        }
        let mut x = [0; 6];
        for (limb, bytes) in x.iter_mut().rev().zip(bytes.chunks_exact(8)) {
            *limb = bytes.iter().fold(0, |limb, &byte| limb << 8 | u64::from(byte));
        }
        x[5] &= u64::MAX >> 3;
        if x.iter().rev().ge(MODULUS.iter().rev()) {
            return Err(Flaw::NotCanonical);
        }
        Ok(Self { x, greater: bytes[0] & GREATER != 0 })
    }
}

/// The points of a concatenation of encodings, each checked as by [`Point::decode`]; `trusted` leaves out the
/// subgroup check.
pub fn decode_all(bytes: &[u8], trusted: bool) -> Result<Vec<Point>> {
    if !bytes.len().is_multiple_of(ENCODED) {
        return Err(Error::decode(format_args!("{} bytes, no multiple of {ENCODED}", bytes.len())));
    }
    let mut out = Vec::with_capacity(bytes.len() / ENCODED);
    for group in bytes.chunks(8 * ENCODED) {
        let first = out.len();
        for (i, point) in decode_group(group, trusted).into_iter().enumerate() {
            out.push(point.map_err(|flaw| Error::decode(format_args!("{flaw} (point {})", first + i)))?);
        }
    }
    Ok(out)
}

/// Up to eight points.
fn decode_group(bytes: &[u8], trusted: bool) -> Vec<std::result::Result<Point, Flaw>> {
    let encodings = bytes.chunks_exact(ENCODED);
    #[cfg(target_arch = "x86_64")]
    // The lanes propose, the library decides. Eight roots take about as long as the library takes for one.
    if engine::simd() && encodings.len() > 1 {
        let read: Vec<_> = encodings.clone().map(Decoded::read).collect();
        let valid: Vec<Decoded> = read.iter().filter_map(|one| one.ok()).collect();
        let mut points = engine::ifma::candidates(&valid).into_iter();
        return read
            .into_iter()
            .zip(encodings)
            .map(|(one, bytes)| {
                one.and_then(|_| points.next().ok_or(Flaw::OffCurve)?.confirmed(bytes, trusted))
            })
            .collect();
    }
    encodings.map(|one| Point::decode_one(one, trusted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    /// An encoding with this x-coordinate, given by its lowest limb.
    fn encoding(x: u64, greater: bool) -> [u8; ENCODED] {
        let mut out = [0; ENCODED];
        out[ENCODED - 8..].copy_from_slice(&x.to_be_bytes());
        out[0] = COMPRESSED | if greater { GREATER } else { 0 };
        out
    }

    #[test]
    fn encodings_come_back() {
        let mut numbers = Numbers::new(8);
        let points = numbers.points(21);
        let bytes: Vec<u8> = points.iter().flat_map(Point::encode).collect();
        assert_eq!(decode_all(&bytes, false).unwrap(), points);
        assert_eq!(decode_all(&bytes, true).unwrap(), points);
        for point in points {
            assert_eq!(Point::decode(&point.encode()).unwrap(), point);
            assert_eq!(point.add(&point.negate()), Point::IDENTITY);
        }
        assert_eq!(Point::IDENTITY.encode()[0], COMPRESSED | INFINITY);
    }

    #[test]
    fn every_flaw_is_named() {
        let good = Point::generator().encode();
        let with_flags = |flags: u8| {
            let mut out = good;
            out[0] = out[0] & 0x1f | flags;
            out
        };
        let mut p = [0; ENCODED];
        for (bytes, limb) in p.chunks_exact_mut(8).zip(MODULUS.iter().rev()) {
            bytes.copy_from_slice(&limb.to_be_bytes());
        }
        p[0] |= COMPRESSED;
        let cases = [
            (with_flags(0x00), Flaw::Uncompressed),
            (with_flags(0x60), Flaw::Uncompressed),
            (with_flags(0xc0), Flaw::Infinity),
            (with_flags(0xe0), Flaw::Infinity),
            (Point::IDENTITY.encode(), Flaw::Infinity),
            (p, Flaw::NotCanonical),
            (encoding(1, false), Flaw::OffCurve),
            (encoding(0, true), Flaw::OutsideSubgroup),
            (encoding(4, false), Flaw::OutsideSubgroup),
        ];
        for (bytes, flaw) in cases {
            assert_eq!(Point::decode_one(&bytes, false), Err(flaw));
            // The same among good ones, where they are decoded in lanes.
            for place in 0..3 {
                let mut all = [good, good, good];
                all[place] = bytes;
                let results = decode_group(all.as_flattened(), false);
                for (i, result) in results.into_iter().enumerate() {
                    assert_eq!(result, if i == place { Err(flaw) } else { Ok(Point::generator()) });
                }
            }
        }
        assert_eq!(Point::decode_one(&good[1..], false), Err(Flaw::Length(47)));
        assert!(decode_all(&good[1..], false).is_err());
    }

    #[test]
    fn lanes_and_library_agree_on_any_coordinate() {
        for first in (0..200).step_by(8) {
            let group: Vec<[u8; ENCODED]> = (first..first + 8).map(|x| encoding(x, x % 3 == 0)).collect();
            for trusted in [false, true] {
                let one_by_one: Vec<_> =
                    group.iter().map(|bytes| Point::decode_one(bytes, trusted)).collect();
                let lanes = decode_group(group.as_flattened(), trusted);
                for (lane, one) in lanes.into_iter().zip(one_by_one) {
                    assert!(one == lane);
                }
            }
        }
    }
}
