//! The measurements. Each takes short turns between what it compares, so that a busy machine slows all alike.

pub(crate) mod flood;
pub(crate) mod growth;
pub(crate) mod ratios;
pub(crate) mod route;
pub(crate) mod threads;
pub(crate) mod tokens;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Everything.
    Full,
    /// Enough to see that it runs.
    Quick,
}

impl Effort {
    /// One of two numbers.
    pub(crate) const fn choose(self, full: usize, quick: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}
