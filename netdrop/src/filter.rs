//! Filters: tcpdump's language and netdrop's own words.
//!
//! In comes the text of the command line; [`parse`] makes a [syntax
//! tree](tree) of it or an [error] that points at the word. Out goes a
//! [plan](plan::Plan): the rules that the kernel applies, what is left for user
//! space to apply to rows, and which is which.

pub mod arithmetic;
pub mod compile;
mod cursor;
mod elsewhere;
pub mod error;
pub mod logic;
pub mod names;
pub mod net;
mod parser;
pub mod pattern;
pub mod plan;
mod print;
mod program;
pub mod row;
pub mod single;
pub mod tree;
mod words;

pub use error::FilterError;
pub use parser::parse;
