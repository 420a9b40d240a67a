//! The one error type of this crate; the Python layer turns it into exceptions.

use std::fmt;

/// Why a call could not be answered. Messages carry lengths and positions, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument outside what the function takes.
    Value(String),
    /// An inverse of zero was asked for.
    ZeroDivision,
    /// Bytes that are no acceptable point; says what was found.
    Decode(String),
}

impl Error {
    /// An [`Error::Value`] from what was expected and what came.
    pub fn value(expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::Value(format!("expected {expected}, got {got}"))
    }

    /// An [`Error::Decode`] from what was found.
    pub fn decode(got: impl fmt::Display) -> Self {
        Self::Decode(got.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(message) | Self::Decode(message) => f.write_str(message),
            Self::ZeroDivision => f.write_str("0 has no inverse"),
        }
    }
}

impl std::error::Error for Error {}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;
