//! Vectors over F_r as slices: what the operators and methods of `FieldVector` compute.

use crate::engine;
#[cfg(target_arch = "x86_64")]
use crate::engine::ifma::vector as lanes;
use crate::error::{Error, Result};
use crate::field::Fr;

/// out[i] = a[i] operator b[i]; lengths must agree.
pub fn zip(operator: Operator, a: &[Fr], b: &[Fr]) -> Result<Vec<Fr>> {
    same_length(a, b)?;
    Ok(apply(operator, a, Right::Vector(b)))
}

/// out[i] = a[i] operator b.
pub fn map(operator: Operator, a: &[Fr], b: Fr) -> Vec<Fr> {
    apply(operator, a, Right::Scalar(b))
}

/// What an element of a result is made of.
#[derive(Clone, Copy)]
pub enum Operator {
    /// a + b
    Sum,
    /// a − b
    Difference,
    /// a·b
    Product,
}

/// The right side of an operator: a vector of the left one's length, or one element for all places.
#[derive(Clone, Copy)]
pub enum Right<'a> {
    /// A vector.
    Vector(&'a [Fr]),
    /// One element.
    Scalar(Fr),
}

fn apply(operator: Operator, a: &[Fr], b: Right<'_>) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; a.len()];
    #[cfg(target_arch = "x86_64")]
    let done = if engine::simd() { lanes::apply(operator, &mut out, a, b) } else { 0 };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    for i in done..a.len() {
        let b = match b {
            Right::Vector(b) => b[i],
            Right::Scalar(b) => b,
        };
        out[i] = match operator {
            Operator::Sum => a[i] + b,
            Operator::Difference => a[i] - b,
            Operator::Product => a[i] * b,
        };
    }
    out
}

/// −a[i].
pub fn negate(a: &[Fr]) -> Vec<Fr> {
    map(Operator::Product, a, -Fr::ONE)
}

/// b − a[i].
pub fn subtract_from(a: &[Fr], b: Fr) -> Vec<Fr> {
    map(Operator::Sum, &negate(a), b)
}

/// Σ a[i].
pub fn sum(a: &[Fr]) -> Fr {
    a.iter().fold(Fr::ZERO, |sum, &x| sum + x)
}

/// Σ a[i]·b[i]; lengths must agree.
pub fn dot(a: &[Fr], b: &[Fr]) -> Result<Fr> {
    Ok(sum(&zip(Operator::Product, a, b)?))
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
    let kept = length.min(a.len());
    if a[kept..].iter().any(|element| *element != Fr::ZERO) {
        return Err(Error::value("a length that drops nothing but zeros", length));
    }
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&a[..kept]);
    out.resize(length, Fr::ZERO);
    Ok(out)
}

/// out[i] = a[i mod len]; `length` is a multiple of len.
pub fn tile(a: &[Fr], length: usize) -> Result<Vec<Fr>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn operators_agree_with_one_by_one() {
        let mut numbers = Numbers::new(2);
        for length in [0, 1, 7, 8, 9, 16, 63, 64, 67] {
            let (a, b) = (numbers.awkward(length), numbers.awkward(length));
            let by_one =
                |f: fn(Fr, Fr) -> Fr| -> Vec<Fr> { a.iter().zip(&b).map(|(&x, &y)| f(x, y)).collect() };
            assert_eq!(zip(Operator::Sum, &a, &b).unwrap(), by_one(|x, y| x + y));
            assert_eq!(zip(Operator::Difference, &a, &b).unwrap(), by_one(|x, y| x - y));
            assert_eq!(zip(Operator::Product, &a, &b).unwrap(), by_one(|x, y| x * y));
            assert_eq!(dot(&a, &b).unwrap(), sum(&by_one(|x, y| x * y)));
            assert_eq!(negate(&a), by_one(|x, _| -x));
            for &c in b.iter().take(5) {
                let by_one = |f: &dyn Fn(Fr) -> Fr| -> Vec<Fr> { a.iter().map(|&x| f(x)).collect() };
                assert_eq!(map(Operator::Sum, &a, c), by_one(&|x| x + c));
                assert_eq!(map(Operator::Difference, &a, c), by_one(&|x| x - c));
                assert_eq!(map(Operator::Product, &a, c), by_one(&|x| x * c));
                assert_eq!(subtract_from(&a, c), by_one(&|x| c - x));
            }
        }
        assert!(zip(Operator::Sum, &[Fr::ONE], &[]).is_err());
    }

    #[test]
    fn inverses_undo() {
        let mut numbers = Numbers::new(3);
        for length in [0, 1, 8, 67] {
            let a = numbers.scalars(length);
            assert_eq!(zip(Operator::Product, &a, &inverse(&a).unwrap()).unwrap(), vec![Fr::ONE; length]);
        }
        assert_eq!(inverse(&[Fr::ONE, Fr::ZERO]), Err(Error::ZeroDivision));
    }

    #[test]
    fn lengths_are_checked() {
        let a = [Fr::ONE, Fr::ZERO];
        assert_eq!(resize(&a, 1).unwrap(), [Fr::ONE]);
        assert!(resize(&a, 0).is_err());
        assert_eq!(resize(&a, 3).unwrap(), [Fr::ONE, Fr::ZERO, Fr::ZERO]);
        assert_eq!(tile(&a, 4).unwrap(), [Fr::ONE, Fr::ZERO, Fr::ONE, Fr::ZERO]);
        assert!(tile(&a, 3).is_err() && tile(&[], 0).is_err() && tile(&[], 4).is_err());
        assert_eq!(rotate(&a, 1), [Fr::ZERO, Fr::ONE]);
        assert_eq!(rotate(&a, -3), [Fr::ZERO, Fr::ONE]);
        assert!(rotate(&[], 5).is_empty());
    }

    #[test]
    fn division_leaves_the_value_at_the_root() {
        let mut numbers = Numbers::new(4);
        for length in [1, 2, 9, 40] {
            let f = numbers.awkward(length);
            let (root, x) = (numbers.scalar(), numbers.scalar());
            let quotient = divide_linear(&f, root);
            assert_eq!(quotient.len(), length - 1);
            assert_eq!(evaluate(&quotient, x) * (x - root) + evaluate(&f, root), evaluate(&f, x));
            assert_eq!(evaluate(&f, x), dot(&f, &powers(x, length)).unwrap());
        }
        assert!(divide_linear(&[], Fr::ONE).is_empty());
        assert_eq!(prefix_sums(&[Fr::ONE; 3]), [Fr::ZERO, Fr::ONE, Fr::from_i64(2)]);
    }
}
