//! `Point` and what works on several of them.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::integers::to_field;
use crate::engine::dispatch;
use crate::error::Result;
use crate::msm::variable;
use crate::points;

/// A point of G1 in the subgroup of order r, or the identity.
#[pyclass(frozen, module = "zkcollateral_native")]
pub struct Point(pub(super) points::Point);

#[pymethods]
impl Point {
    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.encode())
    }

    fn __repr__(&self) -> String {
        let hex: String = self.0.encode().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("<Point {hex}>")
    }

    fn __eq__(&self, other: &Bound<'_, Point>) -> bool {
        self.0 == other.get().0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.encode().hash(&mut hasher);
        hasher.finish()
    }

    fn __add__(&self, other: &Bound<'_, Point>) -> Self {
        Self(self.0.add(&other.get().0))
    }

    fn __sub__(&self, other: &Bound<'_, Point>) -> Self {
        Self(self.0.add(&other.get().0.negate()))
    }

    fn __neg__(&self) -> Self {
        Self(self.0.negate())
    }

    /// Whether this is the identity.
    fn is_identity(&self) -> bool {
        self.0.is_identity()
    }
}

/// [1]₁.
#[pyfunction]
pub fn generator() -> Point {
    Point(points::Point::generator())
}

/// A point from 48 compressed bytes; DecodeError unless canonical, in the subgroup and not the identity.
#[pyfunction]
pub fn decode_point(py: Python<'_>, data: &[u8]) -> Result<Point> {
    py.detach(|| points::Point::decode(data)).map(Point)
}

/// The points of a concatenation of 48-byte encodings, each checked as by `decode_point`.
#[pyfunction]
pub fn decode_points(py: Python<'_>, data: &[u8]) -> Result<Vec<Point>> {
    let decoded = py.detach(|| points::decode_all(data, false))?;
    Ok(decoded.into_iter().map(Point).collect())
}

/// Most points in one linear combination.
const MOST_POINTS: usize = 1 << 20;

/// Σ scalars[i]·points[i]; scalars are reduced mod r.
#[pyfunction]
pub fn linear_combination(
    py: Python<'_>,
    points: &Bound<'_, PyAny>,
    scalars: &Bound<'_, PyAny>,
) -> PyResult<Point> {
    // What an object says of its length is only a hint.
    let mut bases = Vec::with_capacity(points.len().unwrap_or(0).min(1 << 16));
    for point in points.try_iter()? {
        if bases.len() == MOST_POINTS {
            return Err(PyValueError::new_err(format!("expected at most {MOST_POINTS} points, got more")));
        }
        let point = point?;
        let point = point.cast::<Point>().map_err(|_| PyTypeError::new_err("expected points"))?;
        bases.push(point.get().0);
    }
    let mut factors = Vec::with_capacity(bases.len());
    for scalar in scalars.try_iter()? {
        if factors.len() > bases.len() {
            break;
        }
        factors.push(to_field(&scalar?)?);
    }
    Ok(Point(py.detach(|| dispatch!(E => variable::linear_combination::<E>(&bases, &factors)))?))
}
