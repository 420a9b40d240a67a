//! `Setup`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::errors::DecodeError;
use super::integers::Scalar;
use super::point::Point;
use super::vector::FieldVector;
use crate::error::Result;
use crate::{pairing, points, setup};

/// A structured reference string from trusted encodings.
#[pyclass(frozen, module = "zkcollateral_native")]
pub struct Setup(setup::Setup);

#[pymethods]
impl Setup {
    /// From [τ^i]₁ (48 bytes each), and [1]₂, [τ]₂ (96 bytes each); only the lengths are checked now.
    #[new]
    fn new(g1_monomial: &Bound<'_, PyAny>, g2: (Bound<'_, PyBytes>, Bound<'_, PyBytes>)) -> PyResult<Self> {
        let mut encoded = Vec::with_capacity(g1_monomial.len().unwrap_or(0).min(1 << 16) * points::ENCODED);
        for point in g1_monomial.try_iter()? {
            let point = point?;
            let point = point.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("expected bytes"))?;
            let bytes = point.as_bytes();
            if bytes.len() != points::ENCODED {
                return Err(DecodeError::new_err(format!("{} bytes for a G1 point", bytes.len())));
            }
            encoded.extend_from_slice(bytes);
        }
        let fixed = |bytes: &Bound<'_, PyBytes>| -> PyResult<[u8; pairing::ENCODED_G2]> {
            let bytes = bytes.as_bytes();
            bytes
                .try_into()
                .map_err(|_| DecodeError::new_err(format!("{} bytes for a G2 point", bytes.len())))
        };
        Ok(Self(setup::Setup::new(encoded, fixed(&g2.0)?, fixed(&g2.1)?)?))
    }

    /// Number of powers [τ^i]₁.
    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// [f(τ)]₁ of the polynomial with these coefficients.
    fn commit(&self, py: Python<'_>, coefficients: &Bound<'_, FieldVector>) -> Result<Point> {
        let coefficients = coefficients.get();
        py.detach(|| self.0.commit(&coefficients.0)).map(Point)
    }

    /// [Σ digits[i]·L_i(τ) + (β_0 + β_1 τ)(τ^n − 1)]₁.
    fn commit_digits(&self, py: Python<'_>, digits: &[u8], blinders: (Scalar, Scalar)) -> Result<Point> {
        let blinders = [blinders.0.0, blinders.1.0];
        py.detach(|| self.0.commit_digits(digits, &blinders)).map(Point)
    }

    /// Whether e(left, [1]₂) = e(right, [τ]₂).
    fn pairing_check(
        &self,
        py: Python<'_>,
        left: &Bound<'_, Point>,
        right: &Bound<'_, Point>,
    ) -> Result<bool> {
        let (left, right) = (&left.get().0, &right.get().0);
        py.detach(|| self.0.pairing_check(left, right))
    }
}
