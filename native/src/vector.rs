//! Vectors over F_r as slices: what the operators and methods of `FieldVector` compute.

use crate::error::{Error, Result};
use crate::field::Fr;

/// out[i] = f(a[i], b[i]); lengths must agree.
pub fn zip(a: &[Fr], b: &[Fr], f: impl Fn(Fr, Fr) -> Fr) -> Result<Vec<Fr>> {
    same_length(a, b)?;
    Ok(a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect())
}

/// out[i] = f(a[i]).
pub fn map(a: &[Fr], f: impl Fn(Fr) -> Fr) -> Vec<Fr> {
    a.iter().map(|&x| f(x)).collect()
}

/// Σ a[i].
pub fn sum(a: &[Fr]) -> Fr {
    a.iter().fold(Fr::ZERO, |sum, &x| sum + x)
}

/// Σ a[i]·b[i]; lengths must agree.
pub fn dot(a: &[Fr], b: &[Fr]) -> Result<Fr> {
    same_length(a, b)?;
    Ok(a.iter().zip(b).fold(Fr::ZERO, |sum, (&x, &y)| sum + x * y))
}

/// 1/a[i] for every i with one inversion in all; [`Error::ZeroDivision`] if an element is 0.
pub fn inverse(a: &[Fr]) -> Result<Vec<Fr>> {
    let mut out = Vec::with_capacity(a.len());
    let mut product = Fr::ONE;
    for &x in a {
        out.push(product);
        product *= x;
    }
    let mut rest = product.inverse()?;
    for (slot, &x) in out.iter_mut().zip(a).rev() {
        *slot *= rest;
        rest *= x;
    }
    Ok(out)
}

/// out[i] = Σ_{j < i} a[j].
pub fn prefix_sums(a: &[Fr]) -> Vec<Fr> {
    let mut sum = Fr::ZERO;
    a.iter()
        .map(|&x| {
            let before = sum;
            sum += x;
            before
        })
        .collect()
}

/// out[i] = a[(i + by) mod len].
pub fn rotate(a: &[Fr], by: i64) -> Vec<Fr> {
    let mut out = a.to_vec();
    if let Ok(length @ 1..) = i64::try_from(a.len()) {
        out.rotate_left(by.rem_euclid(length).unsigned_abs() as usize);
    }
    out
}

/// Zeros appended up to `length`.
pub fn resize(a: &[Fr], length: usize) -> Result<Vec<Fr>> {
    if length < a.len() {
        return Err(Error::value(format_args!("a length of at least {}", a.len()), length));
    }
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(a);
    out.resize(length, Fr::ZERO);
    Ok(out)
}

/// out[i] = a[i mod len]; `length` is a multiple of len.
pub fn tile(a: &[Fr], length: usize) -> Result<Vec<Fr>> {
    if a.is_empty() && length == 0 {
        return Ok(Vec::new());
    }
    if a.is_empty() || !length.is_multiple_of(a.len()) {
        return Err(Error::value(format_args!("a multiple of {}", a.len()), length));
    }
    Ok(a.repeat(length / a.len()))
}

/// The polynomial with coefficients `a`, at x.
pub fn evaluate(a: &[Fr], x: Fr) -> Fr {
    a.iter().rev().fold(Fr::ZERO, |value, &c| value * x + c)
}

/// Quotient of the polynomial `a` by (X − root), one element shorter; the remainder is dropped.
pub fn divide_linear(a: &[Fr], root: Fr) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; a.len().saturating_sub(1)];
    let mut carry = Fr::ZERO;
    for i in (0..out.len()).rev() {
        carry = carry * root + a[i + 1];
        out[i] = carry;
    }
    out
}

/// (1, base, base², …), `count` elements.
pub fn powers(base: Fr, count: usize) -> Vec<Fr> {
    let mut power = Fr::ONE;
    (0..count)
        .map(|_| {
            let this = power;
            power *= base;
            this
        })
        .collect()
}

fn same_length(a: &[Fr], b: &[Fr]) -> Result<()> {
    if a.len() == b.len() {
        Ok(())
    } else {
        Err(Error::value(format_args!("a vector of {} elements", a.len()), b.len()))
    }
}
