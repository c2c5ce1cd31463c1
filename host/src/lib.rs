//! Hooksieve.
