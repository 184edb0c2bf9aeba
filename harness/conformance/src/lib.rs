//! Values and pure functions.
