//! `FieldVector`, `Matrix` and the functions that make them.

use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::integers::{Scalar, Size, to_field, to_size};
use crate::error::{Error, Result};
use crate::field::{Fr, wipe};
use crate::vector::Operator;
use crate::{hash, matrix as sparse, ntt, vector as kernel};

/// From this many elements on, a call lets other Python threads run meanwhile.
const LONG: usize = 2048;

/// No vector is longer: a length from outside must not be able to exhaust the memory.
const MAX_LENGTH: usize = 1 << 26;

/// An immutable vector over F_r.
#[pyclass(frozen, sequence, module = "zkcollateral_native")]
pub struct FieldVector(pub(super) Vec<Fr>);

impl Drop for FieldVector {
    // A vector may be a witness or a blinder.
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// The other side of an operator; anything else makes Python try the reflected one.
enum Operand<'a, 'py> {
    Vector(Borrowed<'a, 'py, FieldVector>),
    Scalar(Fr),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Operand<'a, 'py> {
    type Error = PyErr;
    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(vector) = value.cast::<FieldVector>() {
            Ok(Self::Vector(vector))
        } else {
            to_field(&value).map(Self::Scalar)
        }
    }
}

impl FieldVector {
    fn long<T: Send>(&self, py: Python<'_>, length: usize, work: impl FnOnce(&[Fr]) -> T + Send) -> T {
        if length < LONG { work(&self.0) } else { py.detach(|| work(&self.0)) }
    }

    fn checked_length(length: usize) -> Result<usize> {
        if length <= MAX_LENGTH {
            Ok(length)
        } else {
            Err(Error::value(format_args!("a length of at most {MAX_LENGTH}"), length))
        }
    }
}

#[pymethods]
impl FieldVector {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, index: isize) -> PyResult<Scalar> {
        let place = if index < 0 { index.wrapping_add_unsigned(self.0.len()) } else { index };
        usize::try_from(place)
            .ok()
            .and_then(|place| self.0.get(place))
            .map(|&value| Scalar(value))
            .ok_or_else(|| PyIndexError::new_err("vector index out of range"))
    }

    fn __repr__(&self) -> String {
        format!("<FieldVector of {} elements>", self.0.len())
    }

    fn __eq__(&self, other: &Bound<'_, FieldVector>) -> bool {
        self.0 == other.get().0
    }

    fn __add__(&self, other: Operand<'_, '_>) -> Result<Self> {
        match other {
            Operand::Vector(other) => kernel::zip(Operator::Sum, &self.0, &other.get().0),
            Operand::Scalar(c) => Ok(kernel::map(Operator::Sum, &self.0, c)),
        }
        .map(Self)
    }

    fn __radd__(&self, other: Scalar) -> Self {
        Self(kernel::map(Operator::Sum, &self.0, other.0))
    }

    fn __sub__(&self, other: Operand<'_, '_>) -> Result<Self> {
        match other {
            Operand::Vector(other) => kernel::zip(Operator::Difference, &self.0, &other.get().0),
            Operand::Scalar(c) => Ok(kernel::map(Operator::Difference, &self.0, c)),
        }
        .map(Self)
    }

    fn __rsub__(&self, other: Scalar) -> Self {
        Self(kernel::subtract_from(&self.0, other.0))
    }

    fn __mul__(&self, other: Operand<'_, '_>) -> Result<Self> {
        match other {
            Operand::Vector(other) => kernel::zip(Operator::Product, &self.0, &other.get().0),
            Operand::Scalar(c) => Ok(kernel::map(Operator::Product, &self.0, c)),
        }
        .map(Self)
    }

    fn __rmul__(&self, other: Scalar) -> Self {
        Self(kernel::map(Operator::Product, &self.0, other.0))
    }

    fn __neg__(&self) -> Self {
        Self(kernel::negate(&self.0))
    }

    /// The elements as integers in [0, r).
    fn to_ints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.iter().map(|&value| Scalar(value)))
    }

    /// Σ self[i].
    fn sum(&self) -> Scalar {
        Scalar(kernel::sum(&self.0))
    }

    /// Σ self[i]·other[i].
    fn dot(&self, other: &Bound<'_, FieldVector>) -> Result<Scalar> {
        kernel::dot(&self.0, &other.get().0).map(Scalar)
    }

    /// 1/self[i] for every i; ZeroDivisionError if an element is 0.
    fn inverse(&self, py: Python<'_>) -> Result<Self> {
        self.long(py, self.0.len(), kernel::inverse).map(Self)
    }

    /// out[i] = Σ_{j < i} self[j].
    fn prefix_sums(&self) -> Self {
        Self(kernel::prefix_sums(&self.0))
    }

    /// out[i] = self[(i + by) mod len].
    fn rotate(&self, by: i64) -> Self {
        Self(kernel::rotate(&self.0, by))
    }

    /// Zeros appended up to `length`.
    fn resize(&self, length: Size) -> Result<Self> {
        kernel::resize(&self.0, Self::checked_length(length.0)?).map(Self)
    }

    /// out[i] = self[i mod len]; `length` is a multiple of len.
    fn tile(&self, length: Size) -> Result<Self> {
        kernel::tile(&self.0, Self::checked_length(length.0)?).map(Self)
    }

    /// Coefficients to values on H_len.
    fn ntt(&self, py: Python<'_>) -> Result<Self> {
        self.long(py, self.0.len(), |values| {
            let mut out = values.to_vec();
            ntt::ntt(&mut out).map(|()| Self(out))
        })
    }

    /// Values on H_len to coefficients.
    fn intt(&self, py: Python<'_>) -> Result<Self> {
        self.long(py, self.0.len(), |values| {
            let mut out = values.to_vec();
            ntt::intt(&mut out).map(|()| Self(out))
        })
    }

    /// Coefficients to values on 7·H_size.
    fn coset_ntt(&self, py: Python<'_>, size: Size) -> Result<Self> {
        self.long(py, size.0, |values| ntt::coset_ntt(values, size.0).map(Self))
    }

    /// Values on 7·H_len to coefficients.
    fn coset_intt(&self, py: Python<'_>) -> Result<Self> {
        self.long(py, self.0.len(), |values| {
            let mut out = values.to_vec();
            ntt::coset_intt(&mut out).map(|()| Self(out))
        })
    }

    /// The polynomial with these coefficients, at x.
    fn evaluate(&self, x: Scalar) -> Scalar {
        Scalar(kernel::evaluate(&self.0, x.0))
    }

    /// Quotient of the polynomial by (X − root); the remainder is dropped.
    fn divide_linear(&self, root: Scalar) -> Self {
        Self(kernel::divide_linear(&self.0, root.0))
    }
}

/// An immutable sparse matrix over F_r.
#[pyclass(frozen, module = "zkcollateral_native")]
pub struct Matrix(sparse::Matrix);

#[pymethods]
impl Matrix {
    /// weightsᵀ · matrix.
    fn combine(&self, weights: &Bound<'_, FieldVector>) -> Result<FieldVector> {
        self.0.combine(&weights.get().0).map(FieldVector)
    }
}

/// A vector of these integers, reduced mod r.
#[pyfunction]
pub fn vector(values: &Bound<'_, PyAny>) -> PyResult<FieldVector> {
    let mut out = FieldVector(Vec::with_capacity(values.len().unwrap_or(0).min(MAX_LENGTH)));
    for value in values.try_iter()? {
        out.0.push(to_field(&value?)?);
    }
    Ok(out)
}

/// (1, base, base², …), `count` elements.
#[pyfunction]
pub fn powers(base: Scalar, count: Size) -> Result<FieldVector> {
    Ok(FieldVector(kernel::powers(base.0, FieldVector::checked_length(count.0)?)))
}

/// The rows × columns matrix with these (row, column, value) entries; repeated places add.
#[pyfunction]
pub fn matrix(rows: Size, columns: Size, entries: &Bound<'_, PyAny>) -> PyResult<Matrix> {
    let mut places = Vec::with_capacity(entries.len().unwrap_or(0).min(MAX_LENGTH));
    for entry in entries.try_iter()? {
        let entry = entry?;
        let entry = entry.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("expected a tuple"))?;
        if entry.len() != 3 {
            return Err(PyValueError::new_err("expected (row, column, value) entries"));
        }
        places.push((
            to_size(&entry.get_item(0)?)?,
            to_size(&entry.get_item(1)?)?,
            to_field(&entry.get_item(2)?)?,
        ));
    }
    let size = |n: usize| FieldVector::checked_length(n);
    Ok(Matrix(sparse::Matrix::new(size(rows.0)?, size(columns.0)?, &places)?))
}

/// hash_to_field of RFC 9380 section 5.2: expand_message_xmd, SHA-256, count 1, L = 48, modulus r.
#[pyfunction]
pub fn hash_to_field(message: &[u8], dst: &[u8]) -> Result<Scalar> {
    hash::hash_to_field(message, dst).map(Scalar)
}
