//! Sparse matrices over F_r, by rows.

use crate::error::{Error, Result};
use crate::field::Fr;

/// A sparse rows × columns matrix: row s holds the terms `starts[s] .. starts[s + 1]`.
pub struct Matrix {
    columns: usize,
    starts: Vec<usize>,
    terms: Vec<(u32, Fr)>,
}

impl Matrix {
    /// The matrix with these (row, column, value) entries; repeated places add.
    pub fn new(rows: usize, columns: usize, entries: &[(usize, usize, Fr)]) -> Result<Self> {
        if rows > u32::MAX as usize || columns > u32::MAX as usize {
            return Err(Error::value("fewer than 2^32 rows and columns", rows.max(columns)));
        }
        let mut starts = vec![0; rows + 1];
        for &(row, column, _) in entries {
            if row >= rows || column >= columns {
                let place = format_args!("a place within {rows} × {columns}").to_string();
                return Err(Error::value(place, format_args!("({row}, {column})")));
            }
            starts[row + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut terms = vec![(0, Fr::ZERO); entries.len()];
        for &(row, column, value) in entries {
            terms[next[row]] = (column as u32, value);
            next[row] += 1;
        }
        Ok(Self { columns, starts, terms })
    }

    /// weightsᵀ · matrix.
    pub fn combine(&self, weights: &[Fr]) -> Result<Vec<Fr>> {
        let rows = self.starts.len() - 1;
        if weights.len() != rows {
            return Err(Error::value(format_args!("{rows} weights, one per row"), weights.len()));
        }
        let mut out = vec![Fr::ZERO; self.columns];
        for (weight, bounds) in weights.iter().zip(self.starts.windows(2)) {
            for &(column, value) in &self.terms[bounds[0]..bounds[1]] {
                out[column as usize] += *weight * value;
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn columns_are_weighted_sums() {
        let mut numbers = Numbers::new(7);
        let (rows, columns) = (5, 7);
        let entries: Vec<(usize, usize, Fr)> = (0..40)
            .map(|_| {
                let (row, column) = (numbers.word() as usize % rows, numbers.word() as usize % columns);
                (row, column, numbers.scalar())
            })
            .collect();
        let weights = numbers.scalars(rows);
        let mut expected = vec![Fr::ZERO; columns];
        for &(row, column, value) in &entries {
            expected[column] += weights[row] * value;
        }
        let matrix = Matrix::new(rows, columns, &entries).unwrap();
        assert_eq!(matrix.combine(&weights).unwrap(), expected);
        assert!(matrix.combine(&weights[1..]).is_err());
    }

    #[test]
    fn places_are_within() {
        assert!(Matrix::new(2, 2, &[(2, 0, Fr::ONE)]).is_err());
        assert!(Matrix::new(2, 2, &[(0, 2, Fr::ONE)]).is_err());
        assert_eq!(Matrix::new(0, 2, &[]).unwrap().combine(&[]).unwrap(), [Fr::ZERO; 2]);
    }
}
