//! Python integers to field elements and back, by the stable interface alone.

use std::ffi::{c_char, c_int};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyInt;

use crate::field::{Fr, MODULUS};

/// r as a Python integer.
fn modulus<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyAny>> {
    static CELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let cell = CELL.get_or_try_init(py, || limbs_to_int(py, MODULUS).map(Bound::unbind))?;
    Ok(cell.bind(py))
}

/// 64 as a Python integer.
fn sixty_four<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyAny>> {
    static CELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let cell = CELL.get_or_try_init(py, || Ok::<_, PyErr>(64u64.into_pyobject(py)?.into_any().unbind()))?;
    Ok(cell.bind(py))
}

/// An integer of any size and sign, reduced mod r; TypeError for anything else.
pub fn to_field(value: &Bound<'_, PyAny>) -> PyResult<Fr> {
    if !value.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err("expected an integer"));
    }
    let (small, overflow) = as_i64(value)?;
    if overflow == 0 {
        return Ok(Fr::from_i64(small));
    }
    if let Some(limbs) = limbs_below_2_255(value)? {
        return Ok(Fr::from_limbs(limbs));
    }
    match limbs_below_2_255(&value.rem(modulus(value.py())?)?)? {
        Some(limbs) => Ok(Fr::from_limbs(limbs)),
        None => Err(PyValueError::new_err("expected an integer with a remainder mod r")),
    }
}

/// The value if it fits, and otherwise on which side it does not.
fn as_i64(value: &Bound<'_, PyAny>) -> PyResult<(i64, c_int)> {
    let mut overflow = 0;
    // SAFETY: `value` is a live integer object and the interpreter is attached.
    let small = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &mut overflow) };
    if small == -1
        && overflow == 0
        && let Some(error) = PyErr::take(value.py())
    {
        return Err(error);
    }
    Ok((small, overflow))
}

fn low_limb(value: &Bound<'_, PyAny>) -> u64 {
    // SAFETY: `value` is a live integer object and the interpreter is attached.
    unsafe { ffi::PyLong_AsUnsignedLongLongMask(value.as_ptr()) }
}

/// The limbs of a value in [0, 2^255), None for any other.
fn limbs_below_2_255(value: &Bound<'_, PyAny>) -> PyResult<Option<[u64; 4]>> {
    let shift = sixty_four(value.py())?;
    let second = value.rshift(shift)?;
    let third = second.rshift(shift)?;
    let (top, overflow) = as_i64(&third.rshift(shift)?)?;
    if overflow != 0 || top < 0 {
        return Ok(None);
    }
    Ok(Some([low_limb(value), low_limb(&second), low_limb(&third), top.unsigned_abs()]))
}

/// A field element as an integer in [0, r).
pub fn from_field<'py>(py: Python<'py>, value: Fr) -> PyResult<Bound<'py, PyAny>> {
    limbs_to_int(py, value.to_limbs())
}

fn limbs_to_int<'py>(py: Python<'py>, limbs: [u64; 4]) -> PyResult<Bound<'py, PyAny>> {
    if limbs[1..] == [0; 3] {
        return Ok(limbs[0].into_pyobject(py)?.into_any());
    }
    // A base that is a power of two is read in linear time and without a bytes object in between.
    let mut text = [0u8; 65];
    for (i, digit) in text[..64].iter_mut().enumerate() {
        let place = 63 - i;
        *digit = b"0123456789abcdef"[(limbs[place / 16] >> (4 * (place % 16)) & 15) as usize];
    }
    // SAFETY: `text` ends with a zero byte; the result is a new reference or null with an exception set.
    unsafe {
        let object = ffi::PyLong_FromString(text.as_ptr().cast::<c_char>(), std::ptr::null_mut(), 16);
        Bound::from_owned_ptr_or_err(py, object)
    }
}

/// A length or place from Python; ValueError if it is negative or out of the machine's range.
pub fn to_size(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    if !value.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err("expected an integer"));
    }
    match as_i64(value)? {
        (small, 0) => usize::try_from(small)
            .map_err(|_| PyValueError::new_err(format!("expected a number of at least 0, got {small}"))),
        _ => Err(PyValueError::new_err("expected a number below 2^63")),
    }
}

/// A field element as argument (any integer, reduced mod r) or result (an integer in [0, r)).
pub struct Scalar(pub Fr);

impl<'py> FromPyObject<'_, 'py> for Scalar {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        to_field(&value).map(Self)
    }
}

impl<'py> IntoPyObject<'py> for Scalar {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        from_field(py, self.0)
    }
}

/// A length or place as argument.
pub struct Size(pub usize);

impl<'py> FromPyObject<'_, 'py> for Size {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        to_size(&value).map(Self)
    }
}
