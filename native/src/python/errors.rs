//! Errors of the crate as Python exceptions.

use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyValueError, PyZeroDivisionError};

use crate::error::Error;

create_exception!(
    zkcollateral_native,
    DecodeError,
    PyValueError,
    "Bytes that are no acceptable point; the message says what was found."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Value(_) => PyValueError::new_err(message),
            Error::ZeroDivision => PyZeroDivisionError::new_err(message),
            Error::Decode(_) => DecodeError::new_err(message),
        }
    }
}
