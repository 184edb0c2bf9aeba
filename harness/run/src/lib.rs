//! Makes a plan happen.
