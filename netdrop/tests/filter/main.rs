//! The filter, held against tcpdump and against itself.

mod dice;
mod differential;
mod expressions;
mod frames;
mod memory;
mod names;
mod properties;
mod refusals;
mod tcpdump;
