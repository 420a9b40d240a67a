//! Σ scalar·point over points that are not known beforehand.

use blst::{blst_p1s_mult_pippenger, blst_p1s_mult_pippenger_scratch_sizeof};

use crate::error::{Error, Result};
use crate::field::Fr;
use crate::points::{Jacobian, Point};

/// Σ scalars[i]·points[i]; lengths must agree.
pub fn linear_combination(points: &[Point], scalars: &[Fr]) -> Result<Point> {
    if points.len() != scalars.len() {
        return Err(Error::value(format_args!("{} scalars, one per point", points.len()), scalars.len()));
    }
    let (points, scalars): (Vec<&Point>, Vec<[u64; 4]>) = points
        .iter()
        .zip(scalars)
        .filter(|(point, scalar)| !point.is_identity() && !scalar.is_zero())
        .map(|(point, scalar)| (point, scalar.to_limbs()))
        .unzip();
    if points.is_empty() {
        return Ok(Point::IDENTITY);
    }
    let pointers: Vec<_> = points.iter().map(|point| std::ptr::from_ref(&point.0)).collect();
    let bytes: Vec<_> = scalars.iter().map(|limbs| limbs.as_ptr().cast::<u8>()).collect();
    // SAFETY: only computes a size.
    let mut scratch = vec![0u64; unsafe { blst_p1s_mult_pippenger_scratch_sizeof(points.len()) } / 8 + 1];
    let mut out = Jacobian::default();
    // SAFETY: there are points.len() pointers to live points and to live 32-byte little-endian scalars,
    // and the scratch has the size the library asked for.
    unsafe {
        blst_p1s_mult_pippenger(
            &mut out.0,
            pointers.as_ptr(),
            points.len(),
            bytes.as_ptr(),
            255,
            scratch.as_mut_ptr(),
        );
    }
    Ok(out.to_affine())
}
