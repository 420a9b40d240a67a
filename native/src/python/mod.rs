//! The thin layer to Python: types, operators, exceptions. No arithmetic here.

mod errors;
mod integers;
mod point;
mod setup;
mod vector;

use pyo3::prelude::*;

/// Fast BLS12-381 arithmetic for zkcollateral.
#[pymodule(gil_used = false)]
pub mod zkcollateral_native {
    #[pymodule_export]
    use super::errors::DecodeError;
    #[pymodule_export]
    use super::point::{Point, decode_point, decode_points, generator, linear_combination};
    #[pymodule_export]
    use super::setup::Setup;
    #[pymodule_export]
    use super::vector::{FieldVector, Matrix, hash_to_field, matrix, powers, vector};

    use super::*;

    /// How bulk work is done on this machine: `avx512-ifma` or `portable`.
    #[pyfunction]
    fn engine() -> &'static str {
        crate::engine::dispatch!(E => <E as crate::engine::Engine>::NAME)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // Chosen now, in one thread, and never again.
        crate::engine::simd();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
